// What a dropped or chosen file is, and the text of a saved page in whatever encoding it was saved.

const TABLES = /\.(?:(?:csv|tsv|jsonl|ndjson|parquet)(?:\.gz|\.zst)?|zip)$/i; // packed ones are unpacked by the server
const ARTICLES = /\.(?:html?|xhtml|txt|md)$/i;

/** "table", "article" or "unknown". */
export function kindOf(file) {
  if (TABLES.test(file.name) || file.type === "text/csv") return "table";
  if (ARTICLES.test(file.name) || ["text/html", "text/plain"].includes(file.type)) return "article";
  return "unknown";
}

/** The file's text: by byte order mark, else UTF-8 where it is, else what the page declares, else Windows-1256. */
export async function textOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // not UTF-8, or cut in the middle of a character
  }
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 4096));
  const declared = /charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1] ?? "windows-1256";
  try {
    return new TextDecoder(declared).decode(bytes);
  } catch {
    return new TextDecoder("windows-1256").decode(bytes);
  }
}

/** Let the user choose a file: a hidden input and a real button that opens it. */
export function chooser(button, accept, onFile) {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept, hidden: true, tabIndex: -1 });
  input.addEventListener("change", () => {
    if (input.files[0]) onFile(input.files[0]);
    input.value = "";
  });
  button.addEventListener("click", () => input.click());
  button.after(input);
  return input;
}
