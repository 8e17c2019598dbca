// Copying to the clipboard, also where the page is not served from a secure origin.
import { el } from "./dom.js";
import { t } from "./language.js";
import { say } from "./notice.js";

/** A button that copies what `given` returns, as JSON. */
export function copyButton(given) {
  const button = el("button", { type: "button", class: "quiet" }, t("copy"));
  button.addEventListener("click", async () => {
    const done = await copy(JSON.stringify(given(), null, 2));
    button.textContent = t(done ? "copied" : "copy_failed");
    say(button.textContent);
    setTimeout(() => (button.textContent = t("copy")), 2000);
  });
  return button;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // no permission, or a plain-http address: the old way
  }
  const box = el("textarea", { class: "spoken", "aria-hidden": "true" });
  box.value = text;
  const before = document.activeElement;
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  before?.focus();
  return done;
}
