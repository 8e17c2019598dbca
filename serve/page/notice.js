// Saying things: to the eye in notices, to a screen reader through one polite region; and trying again.
import { Problem } from "./api.js";
import { bdi, el, icon, show } from "./dom.js";
import { has, joined, t } from "./language.js";

const TRIES = 60;
const AWAY = 5; // seconds between attempts at a server that does not answer
const said = el("p", { class: "spoken", role: "status", id: "said" });

/** Read `text` out. */
export function say(text) {
  if (!said.isConnected) document.body.append(said);
  said.textContent = text;
}

/** What a problem means, in the reader's language. */
export const meaning = (problem) =>
  has(`err_${problem.code}`) ? t(`err_${problem.code}`) : t(problem.status === 429 ? "err_overloaded" : "err_other");

/** Where in the form a problem lies: "articles[1].text" → "text", or "" where it is the whole. */
const field = (where) => (/(?:^|\.)(title|text)$/.exec(where) ?? [])[1] ?? "";

/** A notice of `problem`. `actions` are buttons. */
export function problemNotice(problem, ...actions) {
  const at = field(problem.where);
  const facts = [
    problem.detail && el("bdi", { lang: "en" }, problem.detail),
    at && `${t("err_where")}: ${t(at)}`,
    !at && problem.where && [`${t("err_where")}: `, bdi(problem.where)],
    [`${t("err_code")}: `, el("code", { dir: "ltr" }, problem.code)],
  ].filter(Boolean);
  return el(
    "div",
    { class: "notice bad", "data-code": problem.code },
    icon("warn"),
    el(
      "div",
      {},
      el("p", { role: "alert" }, meaning(problem)),
      el("p", { class: "fine" }, facts.flatMap((fact, i) => (i ? [" · ", fact] : [fact]))),
      actions.length ? el("p", { class: "actions" }, actions) : null,
    ),
  );
}

/** A notice of plain words. */
export const plainNotice = (text) => el("div", { class: "notice" }, icon("warn"), el("p", { role: "alert" }, text));

/** The codes of a result's `warnings` in words: all that was cut in one sentence, the rest one by one. */
export function warningNotice(codes) {
  if (!codes.length) return null;
  const cut = codes.filter((code) => code.startsWith("cut_"));
  const rest = codes.filter((code) => !code.startsWith("cut_"));
  const word = (code) => (has(code) ? t(code) : t("warn_other", { code }));
  const lines = [
    ...rest.map((code) => el("li", { "data-code": code }, word(code))),
    cut.length ? el("li", { "data-code": cut.join(" ") }, t("warn_cut", { what: joined(cut.map(word)) })) : null,
  ].filter(Boolean);
  return el("div", { class: "notice" }, icon("warn"), el("ul", { "aria-label": t("warnings") }, lines));
}

/**
 * Do `work`; where the server is loading or busy, say so in `box`, wait as long as it asks, and try again.
 *
 * @param away whether a server that can't be reached is waited for as well: while a job is followed, it is.
 * @returns what `work` returns, or null where it failed (then `box` says why) or was stopped.
 */
export async function patiently(work, box, signal, { away = false } = {}) {
  for (let tried = 0; ; tried += 1) {
    try {
      const answer = await work();
      show(box);
      return answer;
    } catch (error) {
      if (error.name === "AbortError") {
        show(box);
        return null;
      }
      if (!(error instanceof Problem)) throw error;
      if (away && error.code === "network") error.retryAfter = AWAY;
      const passing = error.status === 429 || error.code === "loading" || error.code === "network";
      if (!passing || error.retryAfter === null || tried >= TRIES) {
        show(box, problemNotice(error));
        return null;
      }
      if (!(await waited(error, box, signal))) return null;
    }
  }
}

/** Count down in `box`: true when the time is over or the reader asks at once, false where `signal` stops it. */
function waited(problem, box, signal) {
  return new Promise((resolve) => {
    let left = Math.max(1, problem.retryAfter);
    // the countdown is for the eye: read out, it would never end
    const clock = el("span", { "aria-hidden": "true" }, t("retry_in", { n: left }));
    const end = (go) => {
      clearInterval(timer);
      show(box);
      resolve(go);
    };
    const timer = setInterval(() => {
      left -= 1;
      if (left <= 0) end(true);
      else clock.textContent = t("retry_in", { n: left });
    }, 1000);
    signal?.addEventListener("abort", () => end(false), { once: true });
    const now = el("button", { type: "button", onclick: () => end(true) }, t("retry"));
    show(box, problemNotice(problem, now, clock));
  });
}
