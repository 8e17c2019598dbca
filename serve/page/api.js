// The server's answers, and its errors as one kind of object.

const KEY = "wijha.key";

/** An error to be shown: `code` is stable, `detail` is the server's own sentence, `retryAfter` in seconds or null. */
export class Problem extends Error {
  constructor({ status = 0, code = "other", detail = "", where = "", retryAfter = null }) {
    super(code);
    Object.assign(this, { status, code, detail, where, retryAfter });
  }
}

let key = "";

/** Use a key for as long as the window is open; it is never put into localStorage. */
export function setKey(value) {
  key = value;
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // storage may be forbidden; the key then lasts as long as the page
  }
}

try {
  key = sessionStorage.getItem(KEY) ?? "";
} catch {
  // as above
}

function headers(more = {}) {
  return { ...more, ...(key ? { authorization: `Bearer ${key}` } : {}) };
}

/** Fetch; anything but success is thrown as a Problem. A 401 also raises the event `wijha:key`. */
export async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: headers(options.headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ code: "network" });
  }
  if (response.ok) return response;
  throw await refused(response);
}

export async function json(path, options) {
  const response = await request(path, options);
  try {
    return await response.json();
  } catch {
    throw new Problem({ status: response.status, code: "bad_answer" });
  }
}

async function refused(response) {
  if (response.status === 401) document.dispatchEvent(new Event("wijha:key"));
  const after = Number.parseInt(response.headers.get("retry-after") ?? "", 10);
  let said = {};
  try {
    said = await response.json();
  } catch {
    // a proxy's own page, for example
  }
  const usual = { 401: "no_key", 413: "body_too_large", 429: "overloaded" }[response.status];
  return new Problem({
    status: response.status,
    code: said.code ?? usual ?? "other",
    detail: said.detail ?? "",
    where: said.where ?? "",
    retryAfter: Number.isFinite(after) ? after : null,
  });
}

/** Score articles [{title, text}]: {model, results}. */
export const classify = (articles, signal) =>
  json("/classify", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ articles }),
    signal,
  });

/** Send `file` as the body of a POST, with its progress, which fetch doesn't tell: onProgress gets a share, 0 to 1. */
export function upload(path, file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", path);
    const sent = headers({ "content-type": "application/octet-stream" });
    for (const [name, value] of Object.entries(sent)) sending.setRequestHeader(name, value);
    sending.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    sending.onerror = () => reject(new Problem({ code: "network" }));
    sending.onabort = () => reject(new DOMException("aborted", "AbortError"));
    sending.onload = async () => {
      const after = sending.getResponseHeader("retry-after");
      const answer = new Response(sending.responseText, {
        status: sending.status,
        headers: after ? { "retry-after": after } : {},
      });
      if (answer.ok) return resolve(answer.json());
      return reject(await refused(answer));
    };
    signal?.addEventListener("abort", () => sending.abort());
    sending.send(file);
  });
}
