// The articles of a scored table, a page at a time; one is opened to be read with its evidence in place.
import { request } from "./api.js";
import { firstRows } from "./csv.js";
import { el, fresh, icon, show } from "./dom.js";
import { number, percent, t } from "./language.js";
import { colour, letter } from "./marks.js";
import { topicName } from "./topics.js";

const MOST = 1000; // rows kept; the whole table is in the file
const PAGE = 50;
// the names under which a table usually has its headline and text; the same as in data/tables.py
const TITLES = ["title", "headline", "العنوان", "عنوان"];
const TEXTS = ["text", "body", "content", "article", "النص", "نص", "المقال", "المحتوى", "الخبر", "html"];

export class RowList {
  constructor(topics, onOpen) {
    this.topics = topics;
    this.onOpen = onOpen;
    this.rows = [];
    this.total = 0;
    this.shown = PAGE;
    this.filter = "all";
    this.columns = {}; // of headline and text, where the job was told
    this.node = el("section", { class: "rows" });
  }

  /** Read the first rows of a job's result. Parquet is not read here. */
  async load(job, signal) {
    this.rows = [];
    this.total = job.summary?.rows ?? 0;
    this.shown = PAGE;
    this.filter = "all";
    this.columns = { title: job.title_column, text: job.text_column };
    if (job.format === "parquet") return;
    try {
      this.rows = await firstRows(await request(job.result, { signal }), job.format, MOST);
    } catch {
      // the list is an extra: the summary and the file say all that matters
    }
  }

  draw() {
    if (!this.rows.length) return show(this.node);
    const id = fresh("filter");
    const choice = (value, words) => el("option", { value, selected: value === this.filter }, words);
    const select = el(
      "select",
      {
        id,
        onchange: () => {
          this.filter = select.value;
          this.shown = PAGE;
          this.draw();
          this.node.querySelector("select").focus();
        },
      },
      choice("all", t("rows_all")),
      this.topics().map((topic) => choice(topic.id, topicName(topic))),
      choice("error", t("rows_errors")),
    );
    const wanted = this.rows.map((row, i) => [row, i + 1]).filter(([row]) => this.wants(row));
    const left = wanted.length - this.shown;
    const more = el("button", { type: "button", class: "quiet", onclick: () => this.more() }, t("rows_more", { n: Math.min(PAGE, left) }));
    return show(
      this.node,
      el(
        "div",
        { class: "rows-head" },
        el("h3", {}, t("rows_title")),
        el("label", { for: id }, t("rows_filter")),
        select,
        el("span", { class: "fine figure" }, t("rows_shown", { n: Math.min(this.shown, wanted.length), total: wanted.length })),
      ),
      this.total > this.rows.length && el("p", { class: "fine" }, t("rows_capped", { n: this.rows.length })),
      el("ol", { class: "row-list", role: "list" }, wanted.slice(0, this.shown).map(([row, n]) => this.item(row, n))),
      left > 0 && more,
    );
  }

  more() {
    const first = this.shown;
    this.shown += PAGE;
    this.draw();
    this.node.querySelectorAll(".row-list > li")[first]?.querySelector("button")?.focus();
  }

  wants(row) {
    if (this.filter === "all") return true;
    return this.filter === "error" ? Boolean(row[ours(row, "error")]) : yes(row[ours(row, this.filter)]);
  }

  item(row, n) {
    const text = row[this.columns.text ?? named(row, TEXTS)] ?? "";
    const headline = row[this.columns.title ?? named(row, TITLES)] ?? "";
    const title = headline || text.slice(0, 90);
    const error = row[ours(row, "error")];
    const found = this.topics().flatMap((topic, place) => (yes(row[ours(row, topic.id)]) ? [chip(row, topic, place)] : []));
    return el(
      "li",
      {},
      el("span", { class: "figure fine", "aria-label": `${t("row")} ${n}` }, number(n)),
      el("button", { type: "button", class: "row-title", dir: "auto", onclick: () => this.onOpen({ title: headline, text }) }, title || t("untitled")),
      el("span", { class: "chips" }, error ? el("span", { class: "chip error" }, icon("warn"), el("bdi", {}, error)) : found),
    );
  }
}

function chip(row, topic, place) {
  const label = row[ours(row, `${topic.id}_stance`)];
  const p = Number(row[ours(row, `${topic.id}_probability`)]);
  return el(
    "span",
    { class: "chip", style: { "--c": colour(place) }, title: `${topicName(topic)} ${percent(p)}` },
    el("span", { class: "letter" }, letter(place)),
    icon(label || "open"),
    label ? t(label) : t("stance_open"),
  );
}

const yes = (value) => value === "yes" || value === true;

/** Our column's name in this table: it gives way (`wijha_…`) where the input had one of that name. */
function ours(row, name) {
  let found = name;
  while (`wijha_${found}` in row) found = `wijha_${found}`;
  return found;
}

const named = (row, usual) => {
  const names = Object.keys(row);
  return usual.map((one) => names.find((name) => name.trim().toLowerCase() === one)).find(Boolean);
};
