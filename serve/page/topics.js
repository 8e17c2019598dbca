// What was answered, topic by topic: verdict, probability against its threshold, stance, evidence.
import { el, icon, show as put, spoken } from "./dom.js";
import { language, percent, t } from "./language.js";
import { STANCES, colour, letter } from "./marks.js";

export const topicName = (topic) => topic.name[language()] ?? topic.name.en ?? topic.id;

/** "yes", "no" or "open": what was said of relevance. */
export const verdictOf = (topic) => ({ true: "yes", false: "no" })[topic.relevant] ?? "open";

const VERDICTS = { yes: "about", no: "not_about", open: "undecided" };

export function verdict(topic) {
  const kind = verdictOf(topic);
  return el("span", { class: `verdict ${kind}` }, icon(kind), t(VERDICTS[kind]));
}

/** A stance in word and icon, with its probability. `label` null: too unsure to say. */
export function stanceWord(stance) {
  const { label } = stance;
  const word = label ? t(label) : t("stance_open");
  return el(
    "span",
    { class: `stance-word ${label ?? "open"}` },
    icon(label ?? "open"),
    word,
    label ? el("span", { class: "figure" }, percent(stance.probability)) : null,
  );
}

/** A bar from 0 to 1 with a tick at the threshold. */
export function probabilityBar(topic) {
  const { probability: p, threshold } = topic;
  return el(
    "div",
    {
      class: "probability",
      role: "meter",
      "aria-valuemin": 0,
      "aria-valuemax": 1,
      "aria-valuenow": p,
      "aria-valuetext": percent(p),
      "aria-label": t("probability_label", { p: percent(p), t: percent(threshold) }),
    },
    el("span", { class: "filled", style: { "inline-size": `${p * 100}%` } }),
    el("span", { class: "tick", style: { "inset-inline-start": `${threshold * 100}%` } }),
  );
}

/** Three parts, favour to against, each with its own fill. */
export function stanceBar(stance) {
  const shown = Object.fromEntries(STANCES.map((name) => [name, percent(stance.probabilities[name] ?? 0)]));
  return el(
    "div",
    { class: "stance-bar", role: "img", "aria-label": t("stances_label", shown) },
    STANCES.map((name) =>
      el("span", { class: `part ${name}`, style: { "inline-size": `${(stance.probabilities[name] ?? 0) * 100}%` } }),
    ),
  );
}

function stanceBlock(topic) {
  const { stance } = topic;
  return el(
    "div",
    { class: "stance" },
    el("p", {}, el("span", { class: "label" }, t("stance")), " ", stanceWord(stance)),
    stanceBar(stance),
    el(
      "p",
      { class: "key-line", "aria-hidden": "true" },
      STANCES.map((name) =>
        el("span", {}, el("i", { class: `swatch ${name}` }), `${t(name)} ${percent(stance.probabilities[name] ?? 0)}`),
      ),
    ),
  );
}

function evidenceList(topic, place, onGo) {
  const total = topic.evidence.reduce((sum, e) => sum + e.share, 0);
  return el(
    "div",
    { class: "evidence-list" },
    el("h4", {}, t("evidence")),
    el(
      "ol",
      {},
      topic.evidence.map((e, rank) =>
        el(
          "li",
          {},
          el(
            "button",
            { type: "button", class: "sentence", title: t("go_to"), onclick: () => onGo(place, rank) },
            el("span", { class: "figure" }, percent(e.share, 1)),
            el("span", { class: "words", dir: "auto" }, e.text),
          ),
        ),
      ),
    ),
    el("p", { class: "fine" }, t("evidence_total", { p: percent(Math.min(1, total), 1) })),
  );
}

/**
 * All topics of a result.
 *
 * @param look {hover(place or null), pin(place), go(place, rank)}: what pointing at, choosing and following a topic do.
 * @returns {node, pinned(place or null)}
 */
export function topicList(result, look) {
  const buttons = [];
  const items = result.topics.map((topic, place) => {
    const button = el(
      "button",
      { type: "button", class: "topic-name", "aria-pressed": "false", title: t("isolate", { topic: topicName(topic) }), onclick: () => look.pin(place) },
      el("span", { class: "letter", "aria-hidden": "true" }, letter(place)),
      topicName(topic),
    );
    buttons.push(button);
    const why = topic.abstained && t(topic.relevant === null ? "undecided_why" : "stance_undecided_why");
    const hasEvidence = topic.evidence.length > 0;
    return el(
      "li",
      {
        class: `topic ${verdictOf(topic)}`,
        "data-topic": topic.id,
        style: { "--c": colour(place) },
        onmouseenter: () => look.hover(place),
        onmouseleave: () => look.hover(null),
        onfocusin: () => look.hover(place),
        onfocusout: () => look.hover(null),
      },
      el("div", { class: "topic-head" }, el("h3", {}, button), verdict(topic)),
      el(
        "div",
        { class: "figures" },
        probabilityBar(topic),
        el(
          "p",
          { class: "key-line", "aria-hidden": "true" },
          el("span", {}, `${t("probability")} `, el("b", {}, percent(topic.probability))),
          el("span", {}, `${t("threshold")} ${percent(topic.threshold)}`),
        ),
      ),
      why ? el("p", { class: "why" }, why) : null,
      topic.stance ? stanceBlock(topic) : null,
      hasEvidence ? evidenceList(topic, place, look.go) : null,
    );
  });
  const node = el("ul", { class: "topics", role: "list" }, items);
  const pinned = (place) => buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(i === place)));
  function show(place) {
    items[place].scrollIntoView({ block: "start" });
    buttons[place].focus({ preventScroll: true });
  }
  return { node, pinned, show };
}

/** A line of all verdicts above the text, for narrow windows where the topics stand below it. */
export function legend(result, onShow) {
  return el(
    "ul",
    { class: "legend narrow-only", role: "list", "aria-label": t("topics") },
    result.topics.map((topic, place) =>
      el(
        "li",
        {},
        el(
          "button",
          { type: "button", class: `quiet ${verdictOf(topic)}`, style: { "--c": colour(place) }, onclick: () => onShow(place) },
          el("span", { class: "letter", "aria-hidden": "true" }, letter(place)),
          topicName(topic),
          icon(verdictOf(topic)),
          topic.stance ? stanceWord(topic.stance) : verdictOf(topic) === "no" ? spoken(t("not_about")) : null,
        ),
      ),
    ),
  );
}

/** Before anything is read: what will be. */
export function topicsToCome(box, known) {
  put(
    box,
    el("p", { class: "hint" }, t("topics_none_yet")),
    known.length && el("h3", {}, t("topics_read")),
    known.length &&
      el(
        "ul",
        { class: "topics-to-come", role: "list" },
        known.map((topic, place) =>
          el(
            "li",
            { style: { "--c": colour(place) } },
            el("span", { class: "letter", "aria-hidden": "true" }, letter(place)),
            el("span", {}, topicName(topic)),
            el("span", { class: "fine" }, `${t("threshold")} ${percent(topic.threshold)}`),
          ),
        ),
      ),
  );
}
