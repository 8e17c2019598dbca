// Topics and stances over time: for each topic a row of columns, stacked by stance. Fill is stance, colour is topic.
import { el, fresh, svg } from "./dom.js";
import { number, period, t } from "./language.js";
import { STANCES, colour, letter } from "./marks.js";

const PARTS = [...STANCES, "open"]; // from the bottom up; open: relevant, stance too unsure to say
const MOST_MONTHS = 48; // more are drawn year by year
const HEIGHT = 84;
const FOOT = 22;
const HEAD = 8;
const AXIS = 30;

/** Every month (or year) from the first to the last, gaps included. */
export function periods(months) {
  const known = Object.keys(months).sort();
  if (!known.length) return { unit: "month", list: [] };
  const [first, last] = [known[0], known.at(-1)];
  const place = (month) => Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1;
  const years = place(last) - place(first) >= MOST_MONTHS;
  const list = [];
  if (years) for (let y = Number(first.slice(0, 4)); y <= Number(last.slice(0, 4)); y += 1) list.push(String(y));
  else
    for (let m = place(first); m <= place(last); m += 1)
      list.push(`${Math.floor(m / 12)}-${String((m % 12) + 1).padStart(2, "0")}`);
  return { unit: years ? "year" : "month", list };
}

/** counts[topic][period][stance or "open"] → articles. */
export function gather(chart, unit) {
  const found = {};
  for (const { topic, stance, month, articles } of chart.counts) {
    if (!month) continue;
    const when = unit === "year" ? month.slice(0, 4) : month;
    const cell = ((found[topic] ??= {})[when] ??= {});
    cell[stance ?? "open"] = (cell[stance ?? "open"] ?? 0) + articles;
  }
  return found;
}

/** @param topics [{id, name}] in the taxonomy's order; @param name topic → string; @param room pixels across. */
export function drawChart(chart, topics, name, room) {
  const { unit, list } = periods(chart.months);
  const counts = gather(chart, unit);
  const most = Math.max(1, ...topics.flatMap((topic) => list.map((when) => total(counts[topic.id]?.[when]))));
  return el(
    "figure",
    { class: "chart" },
    el("figcaption", {}, el("h3", {}, t(unit === "year" ? "chart_years" : "chart")), legendLine()),
    topics.map((topic, place) => row(topic, place, list, counts[topic.id] ?? {}, { most, room, name: name(topic) })),
    numbers(topics, list, counts, unit, name),
  );
}

const total = (cell = {}) => PARTS.reduce((sum, part) => sum + (cell[part] ?? 0), 0);

function legendLine() {
  return el(
    "p",
    { class: "key-line", "aria-hidden": "true" },
    PARTS.map((part) => el("span", {}, el("i", { class: `swatch ${part}` }), t(part === "open" ? "stance_open" : part))),
  );
}

function row(topic, place, list, cells, { most, room, name }) {
  const step = Math.max(14, Math.min(80, (room - AXIS - 44) / Math.max(1, list.length)));
  const width = AXIS + step * list.length + 4;
  const rtl = document.documentElement.dir === "rtl";
  const across = (x, w) => (rtl ? width - x - w : x); // time runs the way the language is read
  const scale = (HEIGHT - HEAD) / most;
  const hatch = fresh("hatch");
  const every = Math.ceil(76 / step);
  const sum = list.reduce((all, when) => all + total(cells[when]), 0);
  const columns = list.flatMap((when, i) => {
    let top = HEIGHT;
    const x = across(AXIS + i * step + step * 0.14, step * 0.72);
    return PARTS.filter((part) => cells[when]?.[part]).map((part) => {
      const height = cells[when][part] * scale;
      top -= height;
      const shape = { x, y: top, width: step * 0.72, height, class: part };
      if (part === "against") shape.fill = `url(#${hatch})`;
      const words = `${period(when)} · ${t(part === "open" ? "stance_open" : part)}: ${number(cells[when][part])}`;
      return svg("rect", shape, svg("title", {}, words));
    });
  });
  const ticks = list.flatMap((when, i) =>
    i % every ? [] : svg("text", { x: across(AXIS + i * step, step) + step / 2, y: HEIGHT + 16, "text-anchor": "middle" }, period(when)),
  );
  const level = (y, words) => [
    svg("line", { x1: across(AXIS, 0), x2: across(width, 0), y1: y, y2: y }),
    svg("text", { x: across(AXIS / 2, 0), y: y + 4, "text-anchor": "middle" }, words),
  ];
  const label = t("chart_label", {
    topic: name,
    n: sum,
    from: list.length ? period(list[0]) : "",
    to: list.length ? period(list.at(-1)) : "",
  });
  return el(
    "div",
    { class: "chart-row", style: { "--c": colour(place) } },
    el("p", { class: "chart-name" }, el("span", { class: "letter", "aria-hidden": "true" }, letter(place)), name, el("b", { class: "figure" }, number(sum))),
    el(
      "div",
      { class: "scroller" },
      svg(
        "svg",
        { viewBox: `0 0 ${width} ${HEIGHT + FOOT}`, width, height: HEIGHT + FOOT, role: "img", "aria-label": label, direction: "ltr" },
        svg(
          "defs",
          {},
          svg(
            "pattern",
            { id: hatch, width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
            svg("rect", { width: 2.4, height: 5, class: "ink" }),
          ),
        ),
        level(HEIGHT, "0"),
        level(HEAD, number(most)),
        columns,
        ticks,
      ),
    ),
  );
}

function numbers(topics, list, counts, unit, name) {
  const body = list.flatMap((when) =>
    topics
      .filter((topic) => total(counts[topic.id]?.[when]))
      .map((topic) => {
        const cell = counts[topic.id][when];
        return el("tr", {}, el("th", { scope: "row" }, period(when)), el("td", {}, name(topic)), PARTS.map((p) => el("td", { class: "figure" }, number(cell[p] ?? 0))));
      }),
  );
  const heads = [t(unit), t("topic"), ...PARTS.map((p) => t(p === "open" ? "stance_open" : p))];
  return el(
    "details",
    {},
    el("summary", {}, t("chart_table")),
    el("div", { class: "scroller" }, el("table", { class: "plain" }, el("thead", {}, el("tr", {}, heads.map((h) => el("th", { scope: "col" }, h)))), el("tbody", {}, body))),
  );
}
