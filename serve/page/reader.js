// The text with its evidence: underlined once for each topic that a sentence is evidence for, its share behind it.
import { el, spoken } from "./dom.js";
import { percent, t } from "./language.js";
import { colour, letter, underline } from "./marks.js";
import { pieces } from "./offsets.js";

const LONG = 200; // lines; beyond, only what is in view is laid out

/**
 * Draw an article.
 *
 * @param topics the answer's topics.
 * @param name what topics are called in the reader's language: topic → string.
 * @returns {node, isolate(place or null), go(place, rank)}
 */
export function reader(title, text, topics, name) {
  const marks = []; // {node, of}
  const badges = []; // {node, topic}
  const first = new Map(); // "topic rank" → where the sentence begins

  function piece({ text: words, of }) {
    if (!of.length) return [words];
    const node = el("mark", { class: "evidence", tabindex: -1 }, words);
    marks.push({ node, of: of.map((e) => e.topic) });
    for (const e of of) if (!first.has(`${e.topic} ${e.rank}`)) first.set(`${e.topic} ${e.rank}`, node);
    return [node, ...of.filter((e) => e.last).map(badge)];
  }

  function badge({ topic, share }) {
    const node = el(
      "span",
      { class: "badge", "data-topic": topics[topic].id, style: { "--c": colour(topic) } },
      el("span", { "aria-hidden": "true" }, el("b", {}, letter(topic)), ` ${percent(share)}`),
      spoken(` (${t("evidence_of", { topic: name(topics[topic]), p: percent(share, 1) })}) `),
    );
    badges.push({ node, topic });
    return node;
  }

  const body = pieces(text, topics)
    .filter((line) => line.some((part) => part.text.trim()))
    .map((line) => el("p", { dir: "auto" }, line.map(piece)));
  const node = el(
    "article",
    { class: "reader", tabindex: -1, "aria-label": t("reader") },
    el("h2", { dir: "auto", class: title ? "" : "spoken" }, title || t("untitled")),
    el("div", { class: body.length > LONG ? "body long" : "body" }, body),
  );

  function isolate(place) {
    const alone = place !== null;
    node.classList.toggle("isolated", alone);
    for (const { node: mark, of } of marks) {
      const shown = alone ? of.filter((topic) => topic === place) : of;
      mark.classList.toggle("off", !shown.length);
      underline(mark, shown, alone);
    }
    for (const { node: shown, topic } of badges) shown.hidden = alone && topic !== place;
  }

  function go(place, rank) {
    const mark = first.get(`${place} ${rank}`);
    if (!mark) return;
    const far = Math.abs(mark.getBoundingClientRect().top) > 3 * innerHeight;
    mark.scrollIntoView({ block: "center", behavior: far || calm() ? "auto" : "smooth" });
    mark.focus({ preventScroll: true });
  }

  isolate(null);
  return { node, isolate, go };
}

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
