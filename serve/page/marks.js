// How topics and stances look: a colour, an underline and a letter for each topic; a fill for each stance.
// No meaning hangs on colour alone.
import { language } from "./language.js";

const COLOURS = 8; // --t0 … --t7 in style.css
const LETTERS = { ar: "أبجدهوزحطيكلمنسعفصقرشت", en: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" };
export const STANCES = ["favor", "neutral", "against"]; // the order of every bar: the middle one lies between

export const colour = (place) => `var(--t${place % COLOURS})`;

/** The letter that stands for the topic at `place` in badges. */
export const letter = (place) => LETTERS[language()][place] ?? String(place + 1);

// one line of underline: solid, dashed, dotted, dash-dot
const UNDERLINES = [
  (c) => `linear-gradient(${c}, ${c})`,
  (c) => `repeating-linear-gradient(90deg, ${c} 0 9px, transparent 9px 13px)`,
  (c) => `repeating-linear-gradient(90deg, ${c} 0 3px, transparent 3px 6px)`,
  (c) => `repeating-linear-gradient(90deg, ${c} 0 9px, transparent 9px 12px, ${c} 12px 15px, transparent 15px 18px)`,
];
const THICK = 3;
const STEP = 5;

/** Underline `node` once for each of `topics` (places), the first nearest to the words; tinted for the first. */
export function underline(node, topics, strong = false) {
  const style = node.style;
  if (!topics.length) {
    for (const name of ["background-image", "background-position", "background-size", "padding-block-end"])
      style.removeProperty(name);
    return;
  }
  const count = topics.length;
  const tint = `color-mix(in srgb, ${colour(topics[0])} ${strong ? 20 : 11}%, transparent)`;
  const layers = topics.map((place) => UNDERLINES[place % UNDERLINES.length](colour(place)));
  const raised = topics.map((_, i) => `0 calc(100% - ${(count - 1 - i) * STEP}px)`);
  style.setProperty("background-image", [...layers, `linear-gradient(${tint}, ${tint})`].join(", "));
  style.setProperty("background-position", [...raised, "0 0"].join(", "));
  style.setProperty("background-size", [...topics.map(() => `100% ${THICK}px`), `100% calc(100% - ${count * STEP - 2}px)`].join(", "));
  style.setProperty("padding-block-end", `${count * STEP}px`);
}
