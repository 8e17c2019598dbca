// The view of a table: sent, followed while it is read, and shown as a summary, a chart and a list of its articles.
import { Problem, json, request, upload } from "./api.js";
import { drawChart } from "./chart.js";
import { bdi, el, fresh, icon, show } from "./dom.js";
import { chooser } from "./files.js";
import { number, onLanguage, t } from "./language.js";
import { patiently, problemNotice, say } from "./notice.js";
import { RowList } from "./rows.js";
import { summaryTable } from "./summary.js";
import { topicName } from "./topics.js";

const POLL = 1000; // milliseconds
const ENDED = ["done", "failed", "cancelled"];

export class FileView {
  /** @param topics as in ArticleView; @param onOpen called with {title, text} of a row that is to be read in full. */
  constructor(root, topics, onOpen) {
    this.topics = topics;
    this.job = null; // as the server tells it; {state: "uploading", name, share} before there is one
    this.chart = null;
    this.rows = new RowList(topics, onOpen);
    this.abort = new AbortController();
    this.box = el("div", { class: "messages" });
    this.page = el("div", { class: "job" });
    this.fields = { text: column("file_text_column"), title: column("file_title_column") };
    this.date = column("file_date_column");
    this.excel = el("input", { type: "checkbox", id: fresh("excel") });
    root.append(this.box, this.page);
    onLanguage(() => this.draw());
  }

  // ---- drawing

  draw() {
    const { job } = this;
    if (!job) return this.drawDoor();
    const done = job.state === "done";
    show(
      this.page,
      this.head(job),
      ENDED.includes(job.state) ? null : this.progress(job),
      job.error && problemNotice(new Problem(job.error)),
      job.notes?.length ? el("ul", { class: "notes fine", lang: "en" }, job.notes.map((note) => el("li", {}, bdi(note)))) : null,
      done && summaryTable(job.summary, this.topics()),
      done && this.chart && this.drawChart(),
      done && this.rows.node,
    );
    if (done) this.rows.draw();
    return undefined;
  }

  drawDoor() {
    const choose = el("button", { type: "button", class: "main" }, t("file_choose"));
    const option = ({ input, label, key }) => {
      label.textContent = t(key);
      input.placeholder = t("file_by_name");
      return el("div", { class: "field" }, label, input);
    };
    show(
      this.page,
      el("div", { class: "door" }, el("h2", {}, t("file_drop")), el("p", { class: "hint" }, t("file_kinds")), el("p", {}, choose)),
      el(
        "fieldset",
        { class: "options" },
        el("legend", {}, t("file_options")),
        option(this.fields.text),
        option(this.fields.title),
        option(this.date),
        el("div", { class: "check" }, this.excel, el("label", { for: this.excel.id }, t("file_excel"))),
      ),
    );
    chooser(choose, ".csv,.tsv,.jsonl,.ndjson,.parquet,.gz,.zst,.zip,text/csv", (file) => this.start(file));
  }

  head(job) {
    const ended = ENDED.includes(job.state);
    const button = (word, act, kind) => el("button", { type: "button", class: kind, onclick: act }, t(word));
    const words = job.state === "uploading" ? [] : [icon({ done: "yes", failed: "warn", cancelled: "no" }[job.state] ?? "open"), t(`job_${job.state}`)];
    return el(
      "div",
      { class: "job-head" },
      el("h2", {}, el("bdi", {}, job.name)),
      el("p", { class: `state ${job.state}`, role: "status" }, words),
      el(
        "p",
        { class: "actions" },
        job.state === "done" && button("job_download", () => this.download(), "main"),
        ended ? button("job_new", () => this.reset(), "quiet") : button("job_cancel", () => this.cancel(), "quiet"),
      ),
    );
  }

  progress(job) {
    const uploading = job.state === "uploading";
    const share = uploading ? job.share : job.rows ? job.rows_done / job.rows : null;
    const facts = uploading
      ? [t("job_uploading", { name: "" }).trim()]
      : [
          job.rows ? t("job_rows", { n: job.rows_done, total: job.rows }) : t("job_rows_so_far", { n: job.rows_done }),
          job.rate && t("job_rate", { n: number(job.rate, 1) }),
          job.seconds_left !== null && t("job_left", { time: span(job.seconds_left) }),
        ].filter(Boolean);
    return el(
      "div",
      { class: "job-progress" },
      el("progress", { max: 1, value: share, "aria-label": t("job_progress") }),
      el("p", { class: "figure" }, facts.join(" · ")),
    );
  }

  drawChart() {
    const { chart } = this;
    if (!chart.date_column || !Object.keys(chart.months).length) return el("p", { class: "hint" }, t("chart_no_dates"));
    return el(
      "section",
      {},
      drawChart(chart, this.topics(), topicName, this.page.clientWidth),
      el(
        "p",
        { class: "fine" },
        t("chart_column", { column: `\u2068${chart.date_column}\u2069` }),
        chart.undated ? ` · ${t("chart_undated", { n: chart.undated })}` : "",
      ),
    );
  }

  // ---- the job's life

  /** Send a table and follow it. */
  async start(file) {
    this.stop();
    const { signal } = this.abort;
    const query = new URLSearchParams({ name: file.name });
    for (const [name, { input }] of Object.entries(this.fields)) if (input.value.trim()) query.set(`${name}_column`, input.value.trim());
    if (this.excel.checked) query.set("excel", "true");
    this.job = { state: "uploading", name: file.name, share: 0 };
    this.draw();
    const sent = (share) => {
      this.job.share = share;
      const bar = this.page.querySelector("progress");
      if (bar) bar.value = share;
    };
    const job = await patiently(() => upload(`/jobs?${query}`, file, sent, signal), this.box, signal);
    if (signal.aborted) return;
    this.job = job;
    if (!job) return this.draw();
    history.replaceState(null, "", `#file/${job.id}`); // a reload goes on following it
    return this.watch(signal);
  }

  /** Follow the job that the address names; nothing to do where it is the one that is shown. */
  follow(id) {
    if (!id || this.job?.id === id) return;
    this.stop();
    this.job = { id, state: "queued", name: "…", rows: null, rows_done: 0, rate: null, seconds_left: null };
    this.draw();
    this.watch(this.abort.signal);
  }

  async watch(signal) {
    for (;;) {
      const job = await patiently(() => json(`/jobs/${this.job.id}`, { signal }), this.box, signal, { away: true });
      if (signal.aborted) return;
      if (!job) {
        history.replaceState(null, "", "#file");
        this.job = null;
        return this.draw();
      }
      const was = this.job.state;
      this.job = job;
      if (job.state === "done") await this.finish(signal);
      if (signal.aborted) return;
      this.draw();
      if (was !== job.state && ENDED.includes(job.state)) say(t(`job_${job.state}`));
      if (ENDED.includes(job.state)) return;
      await new Promise((resolve) => setTimeout(resolve, POLL));
      if (signal.aborted) return;
    }
  }

  async finish(signal) {
    const column = this.date.input.value.trim();
    const query = column ? `?${new URLSearchParams({ date_column: column })}` : "";
    this.chart = await patiently(() => json(`/jobs/${this.job.id}/chart${query}`, { signal }), this.box, signal);
    await this.rows.load(this.job, signal);
  }

  async cancel() {
    const { id, name } = this.job;
    this.stop();
    if (id) await patiently(() => request(`/jobs/${id}`, { method: "DELETE" }), this.box);
    history.replaceState(null, "", "#file");
    this.job = { state: "cancelled", name };
    this.draw();
    say(t("job_cancelled"));
    this.page.querySelector("button")?.focus();
  }

  reset() {
    this.stop();
    history.replaceState(null, "", "#file");
    this.draw();
    this.page.querySelector("button")?.focus();
  }

  /** Let go of whatever is under way here; the server's job goes on unless it is cancelled. */
  stop() {
    this.abort.abort();
    this.abort = new AbortController();
    this.job = null;
    this.chart = null;
    show(this.box);
  }

  /** By way of fetch, for a link could not carry the key. */
  async download() {
    const response = await patiently(() => request(this.job.result), this.box);
    if (!response) return;
    const named = /filename\*?=(?:UTF-8'')?"?([^";]+)/i.exec(response.headers.get("content-disposition") ?? "");
    const link = el("a", { href: URL.createObjectURL(await response.blob()), download: named ? decodeURIComponent(named[1]) : this.job.name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
}

function column(key) {
  const id = fresh("column");
  return { key, input: el("input", { id, type: "text", dir: "auto", autocomplete: "off" }), label: el("label", { for: id }) };
}

/** A stretch of time, roughly. */
function span(seconds) {
  if (seconds < 90) return t("seconds", { n: Math.ceil(seconds) });
  return seconds < 5400 ? t("minutes", { n: Math.round(seconds / 60) }) : t("hours", { n: Math.round(seconds / 3600) });
}
