// The page's language: strings, numbers and the direction of everything. Arabic unless the reader chose otherwise.
import ar from "./words-ar.js";
import en from "./words-en.js";

const WORDS = { ar, en };
const KEY = "wijha.language";
let current = "ar";

export const language = () => current;

/** The string `key`, with {name}s filled in. An object of plural forms is chosen by `values.n`. */
export function t(key, values = {}) {
  let words = WORDS[current][key] ?? ar[key] ?? key;
  if (typeof words === "object") words = words[new Intl.PluralRules(current).select(values.n)] ?? words.other;
  return words.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name] ?? whole;
    return typeof value === "number" ? number(value) : value;
  });
}

export const has = (key) => key in ar;

/** Digits are 0-9 in both languages, as in the tables that go in and out. */
const locale = () => (current === "ar" ? "ar-u-nu-latn" : "en-GB");

export const number = (value, most = 0) =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: most }).format(value);

/** A share or probability as per cent, `digits` after the point; never rounded to a certainty that it is not. */
export function percent(value, digits = 0) {
  const step = 10 ** -(digits + 2); // the smallest that is shown
  const words = (shown) => `${(shown * 100).toFixed(digits)}%`;
  const said =
    value > 0 && value < step / 2 ? `<${words(step)}` : value < 1 && value > 1 - step / 2 ? `>${words(1 - step)}` : words(value);
  return current === "ar" ? `\u2066${said}\u2069` : said; // isolated: next to Arabic the sign would change sides
}

export const joined = (items) => items.join(t("list_join"));

/** A date's month or year in words: `2011-03` → "مارس 2011". */
export function period(text) {
  const [year, month] = text.split("-").map(Number);
  if (!month) return String(year);
  const options = { month: "short", year: "numeric", timeZone: "UTC" };
  return new Intl.DateTimeFormat(locale(), options).format(new Date(Date.UTC(year, month - 1, 1)));
}

/** The language of this visit: the address, then the last choice, then Arabic. */
export function firstLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  return [asked, stored()].find((name) => name in WORDS) ?? "ar";
}

/** Switch: strings marked in the document at once, everything drawn by scripts through the event `wijha:language`. */
export function setLanguage(name) {
  current = name;
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // storage may be forbidden; the choice then lasts as long as the page
  }
  document.documentElement.lang = name;
  document.documentElement.dir = name === "ar" ? "rtl" : "ltr";
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  document.dispatchEvent(new Event("wijha:language"));
}

export const onLanguage = (draw) => document.addEventListener("wijha:language", draw);

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
