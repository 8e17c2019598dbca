// The first rows of a scored table, read while it comes: CSV, TSV or JSON Lines, always UTF-8.

/**
 * Read `most` rows of `response` as objects, then let go of the rest.
 *
 * @param format "csv", "tsv" or "jsonl".
 */
export async function firstRows(response, format, most) {
  const rows = [];
  const parser = format === "jsonl" ? jsonLines(rows) : cells(rows, format === "tsv" ? "\t" : ",");
  const reading = response.body.pipeThrough(new TextDecoderStream()).getReader();
  while (rows.length < most) {
    const { done, value } = await reading.read();
    parser(value ?? "", done);
    if (done) break;
  }
  reading.cancel().catch(() => {});
  return rows.slice(0, most);
}

function jsonLines(rows) {
  let rest = "";
  return (text, last) => {
    const lines = (rest + text).split("\n");
    rest = last ? "" : lines.pop();
    for (const line of lines) if (line.trim()) rows.push(JSON.parse(line));
  };
}

/** RFC 4180, in any cut of the stream: quoted cells may hold separators, line breaks and doubled quotes. */
function cells(rows, separator) {
  let header = null;
  let row = [];
  let cell = "";
  let quoted = false;
  let closing = false; // a quote inside quotes was seen: it ends the cell unless another follows
  const endRow = () => {
    row.push(cell);
    cell = "";
    const full = row;
    row = [];
    if (full.length === 1 && full[0] === "") return;
    if (header) rows.push(Object.fromEntries(header.map((name, i) => [name, full[i] ?? ""])));
    else header = full;
  };
  return (text, last) => {
    for (const c of text) {
      if (closing) {
        closing = false;
        if (c === '"') {
          cell += c;
          continue;
        }
        quoted = false;
      }
      if (quoted) {
        if (c === '"') closing = true;
        else cell += c;
      } else if (c === '"' && cell === "") quoted = true;
      else if (c === separator) {
        row.push(cell);
        cell = "";
      } else if (c === "\n") endRow();
      else if (c !== "\r") cell += c;
    }
    if (last && (cell || row.length)) endRow();
  };
}
