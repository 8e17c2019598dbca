// Where an article is pasted: headline, text, and a saved page opened from disk.
import { el, fresh } from "./dom.js";
import { chooser, textOf } from "./files.js";
import { t } from "./language.js";

/**
 * An editor.
 *
 * @param onSend called by Ctrl+Enter.
 * @param legend names the article where there are two.
 */
export class Editor {
  constructor({ onSend, legend = "" }) {
    const ids = { title: fresh("title"), text: fresh("text") };
    this.title = el("input", { id: ids.title, type: "text", autocomplete: "off" });
    this.text = el("textarea", { id: ids.text, spellcheck: "false", rows: 14 });
    this.open = el("button", { type: "button", class: "quiet" });
    this.labels = {
      legend: legend && el("legend", {}),
      title: el("label", { for: ids.title }),
      text: el("label", { for: ids.text }),
    };
    this.legend = legend;
    this.node = el(
      "fieldset",
      { class: "editor" },
      this.labels.legend,
      el("div", { class: "field" }, this.labels.title, this.title),
      el("div", { class: "field grow" }, el("div", { class: "field-head" }, this.labels.text, this.open), this.text),
    );
    chooser(this.open, ".html,.htm,.xhtml,.txt,text/html,text/plain", (file) => this.take(file));
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      onSend();
    });
    for (const box of [this.title, this.text]) {
      box.addEventListener("input", () => {
        this.blame("");
        this.turn();
      });
    }
    this.draw();
  }

  /** An empty box has the page's direction, a filled one that of its text; style.css makes it go by paragraphs. */
  turn() {
    for (const box of [this.title, this.text]) box.dir = box.value ? "auto" : document.documentElement.dir;
  }

  /** Words in the page's language. */
  draw() {
    this.turn();
    if (this.labels.legend) this.labels.legend.textContent = t(this.legend);
    this.labels.title.replaceChildren(t("title"), " ", el("span", { class: "fine" }, t("title_hint")));
    this.labels.text.textContent = t("text");
    this.text.placeholder = t("text_placeholder");
    this.open.textContent = t("open_file");
  }

  get article() {
    return { title: this.title.value.trim(), text: this.text.value };
  }

  set article({ title, text }) {
    this.title.value = title;
    this.text.value = text;
    this.turn();
    this.blame("");
  }

  /** Read a saved page or a text file into the editor. */
  async take(file) {
    this.article = { title: "", text: await textOf(file) };
    this.text.focus();
  }

  /** Mark the field ("title", "text" or "") that an error lies in. */
  blame(field) {
    this.title.toggleAttribute("aria-invalid", field === "title");
    this.text.toggleAttribute("aria-invalid", field === "text");
    if (field === "title") this.title.focus();
    if (field === "text") this.text.focus();
  }

  /** Why this can't be sent, as a key of words, or "". */
  get obstacle() {
    const text = this.text.value.trim();
    if (!text) return "nothing_to_read";
    return /^https?:\/\/\S+$/i.test(text) ? "only_a_link" : "";
  }
}
