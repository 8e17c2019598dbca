// Two articles side by side: topic by topic in a table, and both texts with their evidence.
import { Problem, classify } from "./api.js";
import { copyButton } from "./copy.js";
import { el, show } from "./dom.js";
import { Editor } from "./editor.js";
import { onLanguage, percent, t } from "./language.js";
import { colour, letter } from "./marks.js";
import { patiently, plainNotice, problemNotice, say, warningNotice } from "./notice.js";
import { reader } from "./reader.js";
import { SAMPLES } from "./sample.js";
import { probabilityBar, stanceBar, stanceWord, topicName, verdict } from "./topics.js";

const NAMES = ["compare_first", "compare_second"];

export class CompareView {
  constructor(root) {
    this.answer = null; // {model, results, articles}
    this.running = null;
    this.editors = NAMES.map((legend) => new Editor({ onSend: () => this.read(), legend }));
    this.boxes = NAMES.map(() => el("div", { class: "messages" }));
    this.box = el("div", { class: "messages" });
    this.toolbar = el("div", { class: "toolbar" });
    this.table = el("div", { class: "scroller" });
    this.columns = el("div", { class: "columns" });
    root.append(this.toolbar, this.box, this.table, this.columns);
    onLanguage(() => this.draw());
  }

  draw() {
    for (const editor of this.editors) editor.draw();
    if (this.answer) this.drawAnswer();
    else this.drawEditors();
  }

  drawEditors() {
    const reading = Boolean(this.running);
    const button = (word, act, kind = "") => el("button", { type: "button", class: kind, onclick: act }, t(word));
    const send = button(reading ? "reading" : "compare_do", () => this.read(), "main");
    send.setAttribute("aria-disabled", String(reading));
    show(
      this.toolbar,
      send,
      reading && button("stop", () => this.running?.abort(), "quiet"),
      button("sample", () => this.put(SAMPLES), "quiet"),
      button("clear", () => this.put([{ title: "", text: "" }, { title: "", text: "" }]), "quiet"),
    );
    show(this.table);
    if (!this.editors[0].node.isConnected)
      show(this.columns, this.editors.map((editor, i) => el("div", { class: "column" }, this.boxes[i], editor.node)));
  }

  drawAnswer() {
    const { results, articles } = this.answer;
    const drawn = results.map((result, i) =>
      reader(articles[i].title, result.extracted_text ?? articles[i].text, result.topics, topicName),
    );
    const isolate = (place) => drawn.forEach((one) => one.isolate(place));
    const edit = el("button", { type: "button", class: "main", onclick: () => this.edit() }, t("edit"));
    show(this.toolbar, edit, copyButton(() => ({ model: this.answer.model, results })));
    show(this.table, table(results, isolate));
    show(
      this.columns,
      drawn.map((one, i) =>
        el(
          "section",
          { class: "column", "aria-label": t(NAMES[i]) },
          el("p", { class: "eyebrow" }, t(NAMES[i])),
          warningNotice(results[i].warnings),
          one.node,
        ),
      ),
    );
  }

  put(articles) {
    this.running?.abort();
    this.answer = null;
    this.editors.forEach((editor, i) => (editor.article = articles[i]));
    [this.box, ...this.boxes].forEach((box) => show(box));
    this.draw();
    this.editors[0].text.focus();
    this.editors[0].text.setSelectionRange(0, 0);
  }

  /** Take a dropped page: into the editor it fell on, else the first that is empty. */
  async take(file, target) {
    this.answer = null;
    this.draw();
    const fell = this.editors.find((editor) => target && editor.node.contains(target));
    await (fell ?? this.editors.find((editor) => !editor.text.value) ?? this.editors[1]).take(file);
  }

  edit() {
    this.answer = null;
    this.draw();
    this.editors[0].text.focus();
  }

  async read() {
    if (this.running) return;
    [this.box, ...this.boxes].forEach((box) => show(box));
    const stuck = this.editors.findIndex((editor) => editor.obstacle);
    if (stuck >= 0) {
      show(this.boxes[stuck], plainNotice(t(this.editors[stuck].obstacle)));
      this.editors[stuck].blame("text");
      return;
    }
    const articles = this.editors.map((editor) => editor.article);
    const running = new AbortController();
    this.running = running;
    this.draw();
    const given = await patiently(() => classify(articles, running.signal), this.box, running.signal);
    if (this.running === running) this.running = null;
    const results = running.signal.aborted ? [] : (given?.results ?? []);
    results.forEach((result, i) => {
      if (!result.error) return;
      show(this.boxes[i], problemNotice(new Problem(result.error)));
      this.editors[i].blame(result.error.where.endsWith("title") ? "title" : "text");
    });
    if (results.length && !results.some((result) => result.error)) this.answer = { model: given.model, results, articles };
    this.draw();
    if (!this.answer) return;
    say(t("compare_table"));
    this.table.querySelector("table").focus({ preventScroll: true });
  }
}

/** How two answers on one topic differ, as a key of words. */
export function difference(a, b) {
  if (a.relevant === null || b.relevant === null) return "diff_open";
  if (!a.relevant && !b.relevant) return "diff_neither";
  if (!b.relevant) return "diff_first";
  if (!a.relevant) return "diff_second";
  if (!a.stance?.label || !b.stance?.label) return "diff_open";
  return a.stance.label === b.stance.label ? "diff_same" : "diff_stance";
}

function table([first, second], isolate) {
  const rows = first.topics.map((topic, place) => {
    const other = second.topics[place];
    const what = difference(topic, other);
    const button = el(
      "button",
      {
        type: "button",
        class: "topic-name",
        "aria-pressed": "false",
        title: t("isolate", { topic: topicName(topic) }),
        onclick: () => {
          const on = button.getAttribute("aria-pressed") !== "true";
          for (const one of node.querySelectorAll(".topic-name")) one.setAttribute("aria-pressed", "false");
          button.setAttribute("aria-pressed", String(on));
          isolate(on ? place : null);
        },
      },
      el("span", { class: "letter", "aria-hidden": "true" }, letter(place)),
      topicName(topic),
    );
    return el(
      "tr",
      { style: { "--c": colour(place) } },
      el("th", { scope: "row" }, button),
      cell(topic),
      cell(other),
      el("td", { class: `difference ${what}` }, t(what)),
    );
  });
  const node = el(
    "table",
    { class: "comparison", tabindex: -1 },
    el("caption", { class: "spoken" }, t("compare_table")),
    el(
      "thead",
      {},
      el("tr", {}, ["topic", ...NAMES, "difference"].map((key) => el("th", { scope: "col" }, t(key)))),
    ),
    el("tbody", {}, rows),
  );
  return node;
}

function cell(topic) {
  return el(
    "td",
    {},
    el("p", { class: "cell-head" }, verdict(topic), " ", el("b", { class: "figure" }, percent(topic.probability))),
    probabilityBar(topic),
    topic.stance ? el("p", { class: "cell-head" }, stanceWord(topic.stance)) : null,
    topic.stance ? stanceBar(topic.stance) : null,
  );
}
