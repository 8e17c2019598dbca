// The page: language, views, the server's state, and files dropped anywhere.
import { Problem, json, setKey } from "./api.js";
import { ArticleView } from "./article.js";
import { CompareView } from "./compare.js";
import { el, icon, show } from "./dom.js";
import { FileView } from "./file.js";
import { kindOf } from "./files.js";
import { firstLanguage, language, onLanguage, setLanguage, t } from "./language.js";
import { meaning, plainNotice } from "./notice.js";

const byId = (name) => document.getElementById(name);
const sections = { article: byId("article"), compare: byId("compare"), file: byId("file") };
let topics = [];
const views = {
  article: new ArticleView(sections.article, () => topics),
  compare: new CompareView(sections.compare),
  file: new FileView(sections.file, () => topics, (article) => {
    goTo("article");
    views.article.put(article);
    views.article.read();
  }),
};

// ---- views: the part of the address behind # names the one that is shown

function current() {
  const name = location.hash.slice(1).split("/")[0];
  return name in sections ? name : "article";
}

function showView() {
  const name = current();
  for (const [key, section] of Object.entries(sections)) section.hidden = key !== name;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (name === "file") views.file.follow(location.hash.split("/")[1] ?? "");
}

function goTo(name) {
  if (current() !== name) location.hash = name;
  showView();
}

addEventListener("hashchange", () => {
  if (location.hash !== "#main") showView(); // the skip link goes nowhere else
});

// ---- the server's state, in the bar

let state = { key: "model_loading" };

async function watchServer() {
  try {
    const [known, model] = await Promise.all([json("/topics"), json("/model")]);
    topics = known;
    state = { key: "model_ready", name: model.name, digest: model.digest.slice(0, 8) };
    for (const view of [views.article, views.file]) view.draw();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const loading = error.code === "loading";
    state = loading
      ? { key: "model_loading" }
      : { key: error.code === "network" ? "model_unreachable" : "model_failed", why: error.status === 401 ? "" : meaning(error) };
    if (error.status !== 401) setTimeout(watchServer, 1000 * (loading ? (error.retryAfter ?? 1) : 10));
  }
  drawState();
}

function drawState() {
  const { key, name, digest, why } = state;
  const box = byId("model");
  box.className = `model ${key}`;
  const [before, after] = t(key).split("{name}");
  show(
    box,
    icon(key === "model_ready" ? "yes" : key === "model_loading" ? "open" : "warn"),
    el("span", {}, before, name ? el("bdi", {}, name) : null, after ?? ""),
    digest && el("code", { dir: "ltr" }, digest),
    why && el("span", { class: "fine" }, why),
  );
}

// ---- the key: asked for when the server says 401

document.addEventListener("wijha:key", () => {
  byId("key").hidden = false;
  byId("key-value").focus();
});
byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  setKey(byId("key-value").value.trim());
  byId("key-value").value = "";
  byId("key").hidden = true;
  watchServer();
});

// ---- files dropped anywhere

const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
let depth = 0;

addEventListener("dragenter", (event) => {
  if (!carriesFiles(event)) return;
  depth += 1;
  byId("veil").hidden = false;
});
addEventListener("dragleave", (event) => {
  if (!carriesFiles(event)) return;
  depth -= 1;
  if (depth <= 0) byId("veil").hidden = true;
});
addEventListener("dragover", (event) => {
  if (carriesFiles(event)) event.preventDefault(); // without this the browser would open the file
});
addEventListener("drop", (event) => {
  depth = 0;
  byId("veil").hidden = true;
  const file = event.dataTransfer?.files[0];
  if (!file) return;
  event.preventDefault();
  const kind = kindOf(file);
  const page = current() === "compare" ? views.compare : views.article;
  if (kind === "table") {
    goTo("file");
    views.file.start(file);
  } else if (kind === "article") {
    if (page === views.article) goTo("article");
    page.take(file, event.target);
  } else {
    const box = views[current()].box;
    show(box, plainNotice(t("file_unknown")));
  }
});

// ---- begin

byId("language").addEventListener("click", () => setLanguage(language() === "ar" ? "en" : "ar"));
onLanguage(() => {
  const other = language() === "ar" ? "en" : "ar";
  const button = byId("language");
  Object.assign(button, { textContent: t("other_language"), lang: other, dir: other === "ar" ? "rtl" : "ltr" });
  document.title = `${t("brand")} · ${t("tagline")}`;
  drawState();
});
setLanguage(firstLanguage());
showView();
watchServer();
