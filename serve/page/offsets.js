// The server counts Unicode code points; JavaScript's strings are UTF-16, where an emoji is two units long.

/** Where the code points `points` (any order) stand in `text`, in UTF-16 units: a Map from one to the other. */
export function utf16(text, points) {
  const wanted = [...new Set(points)].sort((a, b) => a - b);
  const found = new Map();
  let unit = 0;
  let point = 0;
  for (const next of wanted) {
    while (point < next && unit < text.length) {
      unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
      point += 1;
    }
    found.set(next, unit);
  }
  return found;
}

/**
 * Cut `text` where a piece of evidence begins or ends, and at line ends.
 *
 * @param topics the answer's topics, with `evidence` in code points.
 * @returns lines; each a list of pieces {text, of}, `of` being [{topic, rank, share, last}]: which topics' evidence the
 *   piece belongs to, and whether the sentence ends with it.
 */
export function pieces(text, topics) {
  const spans = topics.flatMap((topic, place) =>
    topic.evidence.map((e, rank) => ({ topic: place, rank, share: e.share, start: e.start, end: e.end })),
  );
  const at = utf16(text, spans.flatMap((s) => [s.start, s.end]));
  for (const span of spans) [span.start, span.end] = [at.get(span.start), at.get(span.end)];
  const lines = [];
  const breaks = /\r\n|[\n\r\u2028\u2029]/g;
  let from = 0;
  while (from <= text.length) {
    const found = breaks.exec(text);
    const end = found ? found.index : text.length;
    lines.push(cut(text, from, end, spans.filter((s) => s.start < end && s.end > from)));
    if (!found) break;
    from = breaks.lastIndex;
  }
  return lines;
}

function cut(text, from, end, spans) {
  const edges = new Set([from, end]);
  for (const s of spans) edges.add(Math.max(from, s.start)).add(Math.min(end, s.end));
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((start, i) => ({
    text: text.slice(start, sorted[i + 1]),
    of: spans
      .filter((s) => s.start <= start && s.end >= sorted[i + 1])
      .map(({ topic, rank, share, end: close }) => ({ topic, rank, share, last: close === sorted[i + 1] })),
  }));
}
