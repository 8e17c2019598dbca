"use strict";
// Draws the report from the counts in #data, for the outlets and the period chosen. Words of the file only ever become
// text nodes: nothing of it is read as HTML.

const data = JSON.parse(document.getElementById("data").textContent);
const { words, topics, states, outlets, months } = data;
const RTL = document.documentElement.dir === "rtl";
const NOT = states.indexOf("not_relevant"), UNSURE = states.indexOf("relevance_abstained");
const STANCES = states.map((_, s) => s).filter((s) => s !== NOT && s !== UNSURE);
const COLOURS = { favor: "#0072b2", neutral: "#6b6b6b", against: "#c24d00", stance_abstained: "#4d4d4d" };
const SPARE = ["#00664d", "#7a2f6b", "#8a5a00"];
const FEW = data.few, ROWS = 15, KEPT = 4, Z = 1.959964;
const chosen = { outlets: new Set(outlets.keys()), from: "", to: "", step: "", stories: false, every: false };

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const name = (s) => words.states[states[s]] || states[s];
const colour = (s) => COLOURS[states[s]] || SPARE[s % SPARE.length];
const byId = (id) => document.getElementById(id);

function make(space, tag, values, children) {
  const node = space ? document.createElementNS(space, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(values || {})) if (value !== null) node.setAttribute(key, value);
  node.append(...children.filter((child) => child !== null));
  return node;
}
const el = (tag, values, ...children) => make("", tag, values, children);
const svg = (tag, values, ...children) => make("http://www.w3.org/2000/svg", tag, values, children);
const ltr = (text) => el("bdi", { dir: "ltr" }, text);

function wilson(k, n) {
  if (!n) return [0, 1];
  const p = k / n, z2 = Z * Z, d = 1 + z2 / n;
  const middle = (p + z2 / (2 * n)) / d;
  const half = (Z / d) * Math.sqrt(Math.max(0, p * (1 - p)) / n + z2 / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}
const percent = (x) => Math.round(100 * x);
const number = (x) => String(Math.round(10 * x) / 10);
const interval = (k, n) => `[${wilson(k, n).map(percent).join("–")}]`;
const shareText = (k, n) => (n ? `${percent(k / n)}% ${interval(k, n)}` : "–");

// Counts by key (an outlet, a period, or one for all), each T x S in a row.
function count(keyOf, stories = chosen.stories) {
  const table = stories ? data.stories : data.articles, sums = new Map(), size = topics.length * states.length;
  data.cells.forEach(([o, m], place) => {
    if (!chosen.outlets.has(o) || !inPeriod(months[m])) return;
    const key = keyOf(o, months[m]);
    if (key === null) return;
    if (!sums.has(key)) sums.set(key, new Float64Array(size));
    const sum = sums.get(key);
    table[place].forEach((many, i) => { sum[i] += many; });
  });
  return sums;
}
const inPeriod = (m) => (!chosen.from && !chosen.to) || (m !== "" && (!chosen.from || m >= chosen.from) && (!chosen.to || m <= chosen.to));

function answer(sum, t) {
  const at = (s) => (sum ? sum[t * states.length + s] : 0);
  const n = states.reduce((all, _, s) => all + at(s), 0);
  const relevant = STANCES.reduce((all, s) => all + at(s), 0);
  return { n, relevant, at };
}
const size = (sum) => Math.max(0, ...topics.map((_, t) => answer(sum, t).n));

function cell(k, n, extra) {
  const few = n < FEW;
  return el("td", { class: few ? "few" : null }, n ? ltr(`${percent(k / n)}%`) : "–",
    el("small", {}, ltr(n ? `${interval(k, n)} · ${number(k)}/${number(n)}` : "")), extra || null);
}
function head(...names) {
  return el("thead", {}, el("tr", {}, ...names.map((text) => el("th", { scope: "col" }, text))));
}

function overview() {
  const articles = count(() => 0, false).get(0), stories = data.stories ? count(() => 0, true).get(0) : null;
  const used = chosen.stories ? stories : articles;
  const body = topics.map((topic, t) => {
    const a = answer(used, t), other = stories && answer(chosen.stories ? articles : stories, t);
    const unit = chosen.stories ? words.articles_short : words.stories;
    const beside = (k) => (other ? el("small", {}, ltr(number(k)), ` ${unit}`) : null);
    return el("tr", {}, el("th", { scope: "row" }, topic.name),
      cell(a.relevant, a.n, beside(other && other.relevant)), cell(a.at(UNSURE), a.n, beside(other && other.at(UNSURE))),
      ...STANCES.map((s) => cell(a.at(s), a.relevant, beside(other && other.at(s)))));
  });
  byId("overview").replaceChildren(el("table", {},
    head(words.topic, words.about, name(UNSURE), ...STANCES.map(name)), el("tbody", {}, ...body)));
}

// Outlets with most first; those beyond ROWS only where all were asked for.
function ranked(sums, weight) {
  const order = [...sums.keys()].filter((o) => weight(sums.get(o)) > 0).sort((a, b) =>
    data.named[a] - data.named[b] || weight(sums.get(b)) - weight(sums.get(a)) || a - b);
  return chosen.every ? order : order.slice(0, ROWS);
}
function heat() {
  const sums = count((o) => o);
  const body = ranked(sums, size).map((o) => el("tr", {}, el("th", { scope: "row" }, el("bdi", { class: "text" }, outlets[o])),
    ...topics.map((_, t) => {
      const { n, relevant } = answer(sums.get(o), t), td = cell(relevant, n), share = n ? relevant / n : 0;
      if (n >= FEW) Object.assign(td.style, shade(share));
      return td;
    })));
  byId("heat").replaceChildren(el("table", { class: "heat" }, head(words.outlet, ...topics.map((t) => t.name)), el("tbody", {}, ...body)));
  const button = byId("every");
  button.hidden = sums.size <= ROWS;
  button.textContent = chosen.every ? words.fewer_outlets : fill(words.more_outlets, { n: sums.size });
}

// From pale to dark blue, with ink that is at least 4.5 : 1 against it.
function shade(share) {
  const mixed = [[239, 246, 253], [8, 81, 156]].reduce((a, b) => a.map((x, i) => x + share * (b[i] - x)));
  const [r, g, b] = mixed.map((x) => (x / 255 <= 0.04 ? x / 3294 : ((x / 255 + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return { background: `rgb(${mixed.map(Math.round).join(" ")})`, color: light < 0.18 ? "#fff" : "#000" };
}

function bar(a) {
  let at = 0;
  const parts = STANCES.filter((s) => a.at(s) > 0).map((s) => {
    const width = (100 * a.at(s)) / a.relevant, x = RTL ? 100 - at - width : at;
    at += width;
    return svg("rect", { x: `${x}%`, y: 1, width: `${width}%`, height: "92%", fill: `url(#fill${s})`, stroke: "#fff" },
      svg("title", {}, `${name(s)}: ${shareText(a.at(s), a.relevant)}`));
  });
  const said = STANCES.map((s) => `${name(s)} ${shareText(a.at(s), a.relevant)}`).join(RTL ? "، " : ", ");
  return svg("svg", { role: "img", "aria-label": said, opacity: a.relevant < FEW ? 0.45 : null }, ...parts);
}
const swatch = (s) => svg("svg", { class: "swatch", "aria-hidden": "true" },
  svg("rect", { width: "100%", height: "100%", fill: `url(#fill${s})`, stroke: "#4d4d4d" }));

function stance() {
  const sums = count((o) => o), all = count(() => 0).get(0);
  const key = () => el("ul", { class: "key" }, ...STANCES.map((s) => el("li", {}, swatch(s), name(s))));
  byId("stance").replaceChildren(...topics.flatMap((topic, t) => {
    const row = (label, sum) => {
      const a = answer(sum, t);
      const said = STANCES.filter((s) => a.at(s) > 0).map((s) => el("span", {}, `${name(s)} `, ltr(shareText(a.at(s), a.relevant))));
      return el("tr", { class: a.relevant < FEW ? "few" : null }, el("th", { scope: "row" }, el("bdi", { class: "text" }, label)),
        el("td", {}, `${words.n} = `, ltr(number(a.relevant))), el("td", { class: "bar" }, bar(a), el("div", { class: "said" }, ...said)));
    };
    const order = data.by_outlet ? ranked(sums, (sum) => answer(sum, t).relevant) : [];
    return [el("h3", {}, topic.name), key(), el("table", { class: "bars" }, head(words.outlet, words.n, words.stance_head),
      el("tbody", {}, row(words.all, all), ...order.map((o) => row(outlets[o], sums.get(o)))))];
  }));
}

function periods(dated) {
  const index = (m) => 12 * Number(m.slice(0, 4)) + Number(m.slice(5)) - 1;
  const first = index(dated[0]), last = index(dated[dated.length - 1]), span = last - first + 1;
  const step = { month: 1, quarter: 3, year: 12 }[chosen.step] || (span <= 36 ? 1 : span <= 108 ? 3 : 12);
  const label = (i) => {
    const year = String(Math.floor((i * step) / 12)), month = ((i * step) % 12) + 1;
    return step === 12 ? year : step === 3 ? `${year} Q${(month + 2) / 3}` : `${year}-${String(month).padStart(2, "0")}`;
  };
  const place = (m) => Math.floor(index(m) / step);
  const from = place(dated[0]), many = place(dated[dated.length - 1]) - from + 1;
  return { place: (m) => place(m) - from, labels: Array.from({ length: many }, (_, i) => label(from + i)) };
}

function chart(title, ink, points, labels) {
  const width = 320, height = 170, left = 34, top = 8, bottom = 128, many = labels.length;
  const x = (i) => left + 8 + (many === 1 ? 0.5 : i / (many - 1)) * (width - left - 22), y = (share) => bottom - share * (bottom - top);
  const lines = [0, 0.5, 1].flatMap((share) => [svg("line", { x1: left, x2: width, y1: y(share), y2: y(share), stroke: "#d5d9de" }),
    svg("text", { x: left - 4, y: y(share) + 4, "text-anchor": "end", direction: "ltr" }, `${percent(share)}%`)]);
  const runs = [];
  points.forEach((point, i) => {
    if (!point.n) return;
    if (!i || !points[i - 1].n) runs.push([]);
    runs[runs.length - 1].push({ ...point, i, share: point.k / point.n, ends: wilson(point.k, point.n) });
  });
  const drawn = runs.flatMap((run) => {
    const wide = run.length === 1 ? [[-3, run[0]], [3, run[0]]] : run.map((p) => [0, p]);
    const up = wide.map(([dx, p]) => `${x(p.i) + dx},${y(p.ends[1])}`), down = wide.map(([dx, p]) => `${x(p.i) + dx},${y(p.ends[0])}`).reverse();
    return [svg("polygon", { points: [...up, ...down].join(" "), fill: ink, opacity: 0.18 }),
      svg("polyline", { points: run.map((p) => `${x(p.i)},${y(p.share)}`).join(" "), fill: "none", stroke: ink, "stroke-width": 2 }),
      ...run.map((p) => svg("circle", { cx: x(p.i), cy: y(p.share), r: many > 40 ? 2 : 3, fill: p.n < FEW ? "#fff" : ink, stroke: p.n < FEW ? "#6a7078" : ink },
        svg("title", {}, `${labels[p.i]}: ${shareText(p.k, p.n)}, ${words.n} = ${number(p.n)}`)))];
  });
  const each = Math.max(1, Math.ceil(many / 5)), close = Math.max(1, Math.ceil(many / 10));
  const ticks = labels.flatMap((label, i) => [
    i % each ? null : svg("text", { x: x(i), y: bottom + 16, "text-anchor": "middle", direction: "ltr" }, label),
    i % close ? null : svg("text", { x: x(i), y: bottom + 33, "text-anchor": "middle", direction: "ltr", "font-size": 9.5 }, number(points[i].n))]);
  const n = svg("text", { x: left - 14, y: bottom + 33, "text-anchor": "end", "font-size": 9.5, direction: "ltr" }, words.n);
  return el("figure", {}, el("figcaption", {}, title),
    svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title }, ...lines, ...drawn, n, ...ticks.filter(Boolean)));
}

function overTime() {
  const dated = months.filter((m) => m && inPeriod(m)).sort();
  const section = byId("months-section");
  section.hidden = !dated.length;
  if (!dated.length) return;
  const { place, labels } = periods(dated), sums = count((_, m) => (m ? place(m) : null));
  const used = labels.map((_, i) => i);
  byId("months").replaceChildren(...topics.flatMap((topic, t) => {
    const answers = used.map((i) => answer(sums.get(i), t));
    const series = [[words.about, "#1b1f24", (a) => ({ k: a.relevant, n: a.n })],
      ...STANCES.map((s) => [name(s), colour(s), (a) => ({ k: a.at(s), n: a.relevant })])];
    const table = el("table", {}, head(words.month, ...series.map(([title]) => title)),
      el("tbody", {}, ...used.filter((i) => answers[i].n).map((i) => el("tr", {}, el("th", { scope: "row" }, ltr(labels[i])),
        ...series.map(([, , pick]) => { const { k, n } = pick(answers[i]); return cell(k, n); })))));
    return [el("h3", {}, topic.name), el("div", { class: "charts" }, ...series.map(([title, ink, pick]) => chart(title, ink, answers.map(pick), labels))),
      el("details", { class: "live-only" }, el("summary", {}, words.figures), el("div", { class: "wide" }, table))];
  }));
}

// The sentences stand in the page; those of the outlets and the period chosen are shown, the first few until asked.
function kept() {
  const some = chosen.outlets.size < outlets.length;
  for (const list of document.querySelectorAll("ol.kept")) {
    let fitting = 0;
    const seen = new Set();
    for (const item of list.children) {
      const fits = chosen.outlets.has(Number(item.dataset.o)) && inPeriod(item.dataset.m) && (some || !item.dataset.extra) && !seen.has(item.dataset.same);
      if (fits) seen.add(item.dataset.same);
      fitting += fits;
      item.hidden = !fits || (fitting > KEPT && !list.dataset.every);
    }
    const [none, button] = [list.nextElementSibling, list.nextElementSibling.nextElementSibling];
    none.hidden = fitting > 0;
    button.hidden = fitting <= KEPT || Boolean(list.dataset.every);
    button.textContent = fill(words.show_more, { n: fitting - KEPT });
    button.onclick = () => { list.dataset.every = "1"; kept(); };
  }
}

function draw() {
  const all = data.sizes[chosen.stories ? 1 : 0], shown = size(count(() => 0).get(0));
  const undated = data.undated && (chosen.from || chosen.to) ? ` ${fill(words.undated_left_out, { n: data.undated })}` : "";
  // said in words, so that a printed page tells what it is about
  const period = [chosen.from && `${words.from} ${chosen.from}`, chosen.to && `${words.to} ${chosen.to}`].filter(Boolean).join(" ");
  const some = chosen.outlets.size < outlets.length ? [...chosen.outlets].slice(0, 8).map((o) => outlets[o]).join(words.comma) : "";
  const more = some && chosen.outlets.size > 8 ? ` + ${chosen.outlets.size - 8}` : "";
  byId("status").textContent = fill(chosen.stories ? words.shown_stories : words.shown, { n: number(shown), all: number(all) })
    + [period, some + more].filter(Boolean).map((text) => ` · ${text}`).join("") + undated;
  overview();
  if (data.by_outlet) heat();
  stance();
  overTime();
  kept();
}

function patterns() {
  const marks = { against: "M0 6L6 0M-1 1L1 -1M5 7L7 5", neutral: "M2 2h2v2h-2z", stance_abstained: "M0 0L6 6M0 6L6 0" };
  return svg("svg", { class: "defs", "aria-hidden": "true" }, svg("defs", {}, ...STANCES.map((s) => {
    const light = states[s] === "stance_abstained", ink = light ? "#4d4d4d" : "#fff";
    return svg("pattern", { id: `fill${s}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
      svg("rect", { width: 6, height: 6, fill: light ? "#fff" : colour(s) }),
      svg("path", { d: marks[states[s]] || "", stroke: states[s] === "neutral" ? "none" : ink, fill: states[s] === "neutral" ? ink : "none", opacity: 0.75 }));
  })));
}

function start() {
  document.body.prepend(patterns());
  const boxes = outlets.map((text, o) => el("input", { type: "checkbox", value: o, checked: "" }));
  byId("outlets").replaceChildren(...boxes.map((box, o) => el("label", {}, box, el("bdi", { class: "text" }, outlets[o]), el("span", { class: "many" }, ltr(number(data.many[o]))))));
  const sync = () => { chosen.outlets = new Set(boxes.filter((box) => box.checked).map((box) => Number(box.value))); draw(); };
  byId("outlets").addEventListener("change", sync);
  for (const [id, checked] of [["all", true], ["none", false]]) {
    byId(id).onclick = () => { boxes.forEach((box) => { box.checked = checked; }); sync(); };
  }
  const dated = months.filter(Boolean).sort();
  for (const id of ["from", "to"]) {
    byId(id).append(...(id === "from" ? dated : [...dated].reverse()).map((m) => el("option", { value: m }, m)));
  }
  for (const id of ["from", "to", "step"]) byId(id).onchange = (event) => { chosen[id] = event.target.value; draw(); };
  if (byId("unit")) byId("unit").onchange = (event) => { chosen.stories = event.target.value === "stories"; draw(); };
  byId("every").onclick = () => { chosen.every = !chosen.every; draw(); };
  for (const node of document.querySelectorAll(".script")) node.hidden = false;
  draw();
}
start();
