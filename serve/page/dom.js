// Building elements. Text always goes in as text: nothing in the page parses data as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `attributes`: on* are listeners, `style` sets CSS properties, false and null are left out. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, v] of Object.entries(value)) node.style.setProperty(key, v);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Replace what `node` holds. */
export const show = (node, ...children) => node.replaceChildren(...children.flat(Infinity).filter(Boolean));

/** Text read out but not drawn. */
export const spoken = (text) => el("span", { class: "spoken" }, text);

/** Text of unknown direction, kept apart from what stands around it. */
export const bdi = (text) => el("bdi", {}, text);

// Shapes that carry a meaning together with a word; hidden from screen readers, which get the word.
const SHAPES = {
  yes: "M3.5 8.5l3 3 6-7",
  no: "M4 8h8",
  open: "M5.6 6.2a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.2.9-1.2 1.7M8 12.6v.1",
  favor: "M8 3.5v9M3.5 8h9",
  against: "M3.5 8h9",
  neutral: "M4 6h8M4 10h8",
  warn: "M8 4.2v4.6M8 11.6v.1",
  go: "M8 3v10M4.5 9.5L8 13l3.5-3.5",
};

export function icon(name) {
  const ringed = ["favor", "against", "neutral", "open", "warn"].includes(name);
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    ringed && svg("circle", { cx: 8, cy: 8, r: 7 }),
    svg("path", { d: SHAPES[name] }),
  );
}

let last = 0;
/** An id that no other element has. */
export const fresh = (name) => `${name}-${++last}`;
