// What a table's reading found, in one small table.
import { el } from "./dom.js";
import { number, t } from "./language.js";
import { STANCES, colour, letter } from "./marks.js";
import { topicName } from "./topics.js";

/** @param summary as the server tells it: rows, errors, topics {id: {stance: rows}}; "" is a stance too unsure to say. */
export function summaryTable(summary, topics) {
  const read = summary.rows - summary.errors - summary.skipped;
  const stances = [...STANCES, ""];
  const figures = [t("summary_about"), ...stances.map((name) => (name ? t(name) : t("stance_open")))];
  const rows = topics.map((topic, place) => {
    const found = summary.topics[topic.id] ?? {};
    const all = Object.values(found).reduce((sum, n) => sum + n, 0);
    return el(
      "tr",
      { style: { "--c": colour(place) } },
      el("th", { scope: "row" }, el("span", { class: "letter", "aria-hidden": "true" }, letter(place)), topicName(topic)),
      el("td", { class: "figure" }, number(all)),
      stances.map((name) => el("td", { class: "figure" }, number(found[name] ?? 0))),
      el("td", { class: "drawn", "aria-hidden": "true" }, bar(found, all)),
    );
  });
  return el(
    "section",
    { class: "summary" },
    el("h3", {}, t("summary")),
    el(
      "p",
      { class: "fine" },
      t("summary_read", { n: read, total: summary.rows }),
      read < summary.rows ? ` · ${t("summary_unread", { n: summary.rows - read })}` : "",
    ),
    el(
      "div",
      { class: "scroller" },
      el(
        "table",
        { class: "plain" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("topic")), figures.map((words) => el("th", { scope: "col", class: "figure" }, words)), el("td", {}))),
        el("tbody", {}, rows),
      ),
    ),
  );
}

function bar(found, all) {
  return el(
    "div",
    { class: "stance-bar" },
    [...STANCES, ""].map((name) =>
      el("span", { class: `part ${name || "open"}`, style: { "inline-size": `${all ? ((found[name] ?? 0) / all) * 100 : 0}%` } }),
    ),
  );
}
