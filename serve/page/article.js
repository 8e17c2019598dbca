// The view of one article: written on one side, answered on the other.
import { Problem, classify } from "./api.js";
import { copyButton } from "./copy.js";
import { el, show } from "./dom.js";
import { Editor } from "./editor.js";
import { joined, onLanguage, t } from "./language.js";
import { patiently, plainNotice, problemNotice, say, warningNotice } from "./notice.js";
import { reader } from "./reader.js";
import { SAMPLES } from "./sample.js";
import { legend, topicList, topicName, topicsToCome } from "./topics.js";

export class ArticleView {
  /** @param topics returns the topics that the server reads for, where they are known. */
  constructor(root, topics) {
    this.topics = topics;
    this.answer = null; // {model, result, article}
    this.running = null; // an AbortController
    this.editor = new Editor({ onSend: () => this.read() });
    this.box = el("div", { class: "messages" });
    this.toolbar = el("div", { class: "toolbar" });
    this.page = el("div", { class: "sheet" });
    this.side = el("aside", { class: "answers" });
    root.append(el("div", { class: "desk" }, el("div", { class: "paper" }, this.toolbar, this.box, this.page), this.side));
    onLanguage(() => this.draw());
  }

  /** Draw what there is: the editor, or the article that was read. */
  draw() {
    this.editor.draw();
    this.side.setAttribute("aria-label", t("topics"));
    if (this.answer) this.drawAnswer();
    else this.drawEditor();
  }

  drawEditor() {
    const reading = Boolean(this.running);
    const button = (word, act, kind = "") => el("button", { type: "button", class: kind, onclick: act }, t(word));
    const send = button(reading ? "reading" : "read", () => this.read(), "main");
    send.setAttribute("aria-disabled", String(reading));
    show(
      this.toolbar,
      send,
      reading && button("stop", () => this.running?.abort(), "quiet"),
      button("sample", () => this.put(SAMPLES[0]), "quiet"),
      button("clear", () => this.put({ title: "", text: "" }), "quiet"),
      el("span", { class: "fine wide-only" }, t("shortcut")),
    );
    if (!this.editor.node.isConnected) show(this.page, this.editor.node);
    show(this.side, el("h2", {}, t("topics")), el("div", { class: "to-come" }));
    topicsToCome(this.side.lastChild, this.topics());
  }

  drawAnswer() {
    const { result, article } = this.answer;
    const drawn = reader(article.title, result.extracted_text ?? article.text, result.topics, topicName);
    let pinned = null;
    const pin = (place) => {
      pinned = place;
      list.pinned(place);
      drawn.isolate(place);
    };
    const list = topicList(result, {
      hover: (place) => drawn.isolate(place ?? pinned),
      pin: (place) => pin(pinned === place ? null : place),
      go: (place, rank) => {
        if (pinned !== null && pinned !== place) pin(place); // else the sentence would be reached and not be marked
        drawn.go(place, rank);
      },
    });
    const edit = el("button", { type: "button", class: "main", onclick: () => this.edit() }, t("edit"));
    const size = t("read_in", {
      windows: t("windows", { n: result.windows }),
      tokens: t("tokens", { n: result.tokens }),
    });
    show(this.toolbar, edit, copyButton(() => ({ model: this.answer.model, ...result })), el("span", { class: "fine" }, size));
    show(this.page, legend(result, (place) => list.show(place)), warningNotice(result.warnings), drawn.node);
    show(this.side, el("h2", {}, t("topics")), list.node);
  }

  /** Put an article into the editor. */
  put(article) {
    this.running?.abort();
    this.running = null; // so that read() need not wait until the aborted one is over
    this.answer = null;
    this.editor.article = article;
    show(this.box);
    this.draw();
    this.editor.text.focus();
    this.editor.text.setSelectionRange(0, 0);
  }

  /** Take a dropped page or text. */
  async take(file) {
    this.put({ title: "", text: "" });
    await this.editor.take(file);
  }

  edit() {
    this.answer = null;
    show(this.box);
    this.draw();
    this.editor.text.focus();
  }

  async read() {
    if (this.running) return;
    if (this.editor.obstacle) {
      show(this.box, plainNotice(t(this.editor.obstacle)));
      this.editor.blame("text");
      return;
    }
    const article = this.editor.article;
    const running = new AbortController();
    this.running = running;
    this.draw();
    const given = await patiently(() => classify([article], running.signal), this.box, running.signal);
    if (this.running === running) this.running = null;
    else return; // another article was put in
    const result = running.signal.aborted ? null : given?.results[0];
    if (result?.error) {
      show(this.box, problemNotice(new Problem(result.error)));
      this.editor.blame(result.error.where.endsWith("title") ? "title" : "text");
    } else if (result) {
      this.answer = { model: given.model, result, article };
    }
    this.draw();
    if (!this.answer) return;
    const found = result.topics.filter((topic) => topic.relevant).map(topicName);
    say(found.length ? t("done_about", { topics: joined(found) }) : t("done_none"));
    this.page.querySelector(".reader").focus({ preventScroll: true }); // the next Tab is the first topic
  }
}
