"""Labelled articles as one table that a person can fill in with a spreadsheet, and back.

One row an article. For each topic ``T``: ``T`` (yes, no, or empty: not annotated), ``T_stance``, ``T_evidence`` (one
sentence a line). ``voices`` holds one voice a line: actor, topic, stance and sentence with tabs between. A sentence
that stands twice in the text has its place before it: ``[120:188] ...``; what is no line of its own (it goes across a
line break) is its place alone: ``[120:310]``. Written and read back, nothing is lost.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from data.article import Article, Label, LabelledArticle, Span, Voice
from data.articles import check_text, distinct, read_id, read_notes
from data.errors import DataError
from data.tables import Row, open_table
from data.taxonomy import Taxonomy

_ABOUT = ("genre", "outlet", "date", "place", "event", "split")
_YES, _NO = ("yes", "نعم", "1", "true"), ("no", "لا", "0", "false")
_PLACED = re.compile(r"\[(\d+):(\d+)\](?: |\Z)")


def write_sheet(path: Path, articles: Iterable[LabelledArticle], taxonomy: Taxonomy, *, blind: bool = False) -> None:
    """CSV in UTF-8 with a byte order mark, so that a spreadsheet shows the Arabic.

    Args:
        blind: leave the labels out, for an independent reading.
    """
    columns = ["id", "title", "text", *_ABOUT]
    for topic in taxonomy.ids:
        columns += [topic, f"{topic}_stance", f"{topic}_evidence"]
    columns += ["voices", "notes"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        for item in articles:
            text = item.article.text
            row = {"id": item.article.id, "title": item.article.title, "text": text}
            row |= {key: getattr(item, key) for key in _ABOUT}
            if not blind:
                for topic, label in item.labels.items():
                    row[topic] = "yes" if label.relevant else "no"
                    row[f"{topic}_stance"] = label.stance or ""
                    row[f"{topic}_evidence"] = "\n".join(_shown(span, text) for span in label.evidence or ())
                row["voices"] = "\n".join(
                    "\t".join((v.actor, v.topic, v.stance, _shown(v.sentence, text))) for v in item.voices
                )
                row["notes"] = json.dumps(dict(item.notes), ensure_ascii=False) if item.notes else ""
            table.writerow(row)


def read_sheet(path: Path, taxonomy: Taxonomy) -> list[LabelledArticle]:
    """Articles of a table of this layout; any separator and encoding that ``data.tables`` knows.

    Raises:
        DataError: ``source_missing``, ``bad_row``, ``bad_label``, ``bad_span``, ``duplicate_id``; ``where`` has row and
            column.
    """
    table = open_table(path)
    missing = {"id", "text"} - set(table.columns)
    if missing:
        raise DataError("bad_row", f"no column {', '.join(sorted(missing))}", where=str(path))
    places = ((f"{path}: row {row.number}", row) for row in table.rows())
    return distinct((where, _read(row, taxonomy, where)) for where, row in places)


def _read(row: Row, taxonomy: Taxonomy, where: str) -> LabelledArticle:
    if row.error:
        raise DataError("bad_row", row.error, where=where)
    values = row.values
    check_text(values, "bad_row", where)
    article = Article(read_id(values["id"], "bad_row", where), values.get("title", ""), values["text"])
    labels = {}
    for topic in taxonomy.ids:
        label = _label(values, topic, taxonomy, article.text, where)
        if label is not None:
            labels[topic] = label
    voices = tuple(_voice(line, article.text, f"{where}, column voices") for line in _lines(values.get("voices", "")))
    notes = read_notes(values.get("notes"))
    about = {key: values.get(key, "") for key in _ABOUT}
    return LabelledArticle(article, labels, voices=voices, notes=notes, **about)


def _label(values: Mapping[str, str], topic: str, taxonomy: Taxonomy, text: str, where: str) -> Label | None:
    answer = values.get(topic, "").strip().casefold()
    if not answer:
        if any(values.get(f"{topic}_{part}", "").strip() for part in ("stance", "evidence")):
            raise DataError(
                "bad_label", "a stance or evidence, but neither yes nor no", where=f"{where}, column {topic}"
            )
        return None
    if answer not in (*_YES, *_NO):
        raise DataError("bad_label", f"{answer!r} is neither yes nor no", where=f"{where}, column {topic}")
    relevant = answer in _YES
    stance = values.get(f"{topic}_stance", "").strip() or None
    if stance is not None and stance not in taxonomy.stances:
        raise DataError("bad_label", f"no stance {stance!r}", where=f"{where}, column {topic}_stance")
    place = f"{where}, column {topic}_evidence"
    evidence = tuple(_place(line, text, place) for line in _lines(values.get(f"{topic}_evidence", "")))
    return Label(relevant, stance if relevant else None, evidence or None)


def _voice(line: str, text: str, where: str) -> Voice:
    parts = line.split("\t", 3)  # a sentence may hold tabs of its own
    if len(parts) != 4:
        raise DataError("bad_row", "a voice is actor, topic, stance and sentence with tabs between", where=where)
    actor, topic, stance, sentence = parts
    return Voice(actor, topic, stance, _place(sentence, text, where))


def _shown(span: Span, text: str) -> str:
    sentence = text[slice(*span)]
    if _lines(sentence) != [sentence]:
        return f"[{span[0]}:{span[1]}]"
    first = text.find(sentence)
    alone = first == span[0] and text.find(sentence, first + 1) < 0
    return sentence if alone and not _PLACED.match(sentence) else f"[{span[0]}:{span[1]}] {sentence}"


def _place(shown: str, text: str, where: str) -> Span:
    placed = _PLACED.match(shown)
    if placed:
        start, end = int(placed[1]), int(placed[2])
        if not 0 <= start < end <= len(text):
            raise DataError("bad_span", f"[{start}:{end}] is outside the text", where=where)
        if shown[placed.end() :] not in ("", text[start:end]):
            raise DataError("bad_span", f"[{start}:{end}] holds another sentence", where=where)
        return start, end
    start = text.find(shown)
    if start < 0:
        raise DataError("bad_span", f"no such sentence in the text: «{shown[:60]}»", where=where)
    return start, start + len(shown)


def _lines(cell: str) -> list[str]:
    return [line.strip("\r") for line in cell.split("\n") if line.strip()]
