"""Labelled articles in and out of JSON Lines.

One article a line::

    {"id", "title", "text", "genre", "outlet", "date", "place", "event", "split", "notes": {...},
     "labels": {"<topic>": {"relevant": true, "stance": "favor", "evidence": [[start, end], ...]}, ...},
     "voices": [{"actor", "topic", "stance", "sentence": [start, end]}]}

A topic that ``labels`` does not name was not annotated, and is masked in training. One kind of file is read
otherwise: where no label of the whole file says ``relevant``, labels list the relevant topics only, and a topic
that is not listed is not relevant. (Under masking such a file could teach nothing: it has no negative.) Evidence
may be given as sentences instead of spans; they are looked up in the text. A row may leave out ``title`` and ``text``
where the reader has the article from elsewhere (``known``): labels by pointer. ``characters``, the length of the text
that was labelled, guards against another version of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from data.article import Article, Label, LabelledArticle, Span, Voice
from data.errors import DataError
from data.taxonomy import Taxonomy

FOLDER = Path(__file__).with_name("articles")
NOBODY: Mapping[str, Article] = MappingProxyType({})


@dataclass(frozen=True)
class Source:
    """What was read from one file, and how its labels were understood.

    Attributes:
        lists_relevant_only: absent topics were taken as not relevant (see above).
    """

    path: Path
    articles: tuple[LabelledArticle, ...]
    lists_relevant_only: bool


def read_articles(
    path: Path, taxonomy: Taxonomy, *, known: Mapping[str, Article] = NOBODY, partial: bool = False
) -> list[Source]:
    """Read a file, or all ``*.jsonl`` of a folder by name.

    Args:
        known: articles by id, for rows that carry no text of their own.
        partial: pass over rows whose text is not known, or known in another version, instead of raising.

    Raises:
        DataError: ``source_missing``, ``bad_line``, ``bad_label``, ``bad_span``, ``duplicate_id``, ``unknown_id``
            (no text, and not known), ``other_version``; ``where`` has the file and line.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise DataError("source_missing", "no .jsonl file there", where=str(path))
    return [_read_file(file, taxonomy, known, partial=partial) for file in files]


def _read_file(path: Path, taxonomy: Taxonomy, known: Mapping[str, Article], *, partial: bool) -> Source:
    rows: list[tuple[str, dict[str, Any]]] = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                where = f"{path}:{number}"
                try:
                    rows.append((where, _row(line, where, known)))
                except DataError as error:
                    if not partial or error.code not in ("unknown_id", "other_version"):
                        raise
    lists = [label for _, row in rows for label in (row.get("labels") or {}).values()]
    relevant_only = bool(lists) and not any(label is None or "relevant" in label for label in lists)
    placed = ((where, _article(row, taxonomy, where, relevant_only=relevant_only)) for where, row in rows)
    return Source(path, tuple(distinct(placed)), relevant_only)


def distinct(placed: Iterable[tuple[str, LabelledArticle]]) -> list[LabelledArticle]:
    """The articles of one file, each given with its place.

    Raises:
        DataError: ``duplicate_id`` where an id stands twice.
    """
    found: dict[str, LabelledArticle] = {}
    for where, item in placed:
        if item.article.id in found:
            raise DataError("duplicate_id", f"id {item.article.id!r} stands twice", where=where)
        found[item.article.id] = item
    return list(found.values())


def _row(line: bytes, where: str, known: Mapping[str, Article]) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError("bad_line", f"not JSON in UTF-8: {error}", where=where) from error
    if not isinstance(row, dict):
        raise DataError("bad_line", "an object with id and text is wanted", where=where)
    check_text(row, "bad_line", where)
    row["id"] = read_id(row.get("id"), "bad_line", where)
    if "text" not in row:
        if row["id"] not in known:
            raise DataError("unknown_id", f"{row['id']!r} has no text here and is not known", where=where)
        article = known[row["id"]]
        if row.get("characters", len(article.text)) != len(article.text):
            raise DataError("other_version", f"{row['id']!r}: another text than the labelled one", where=where)
        row |= {"title": article.title, "text": article.text}
    if not isinstance(row["text"], str):
        raise DataError("bad_line", "text is not a string", where=where)
    labels = row.get("labels") or {}
    if not isinstance(labels, dict) or not all(v is None or isinstance(v, dict) for v in labels.values()):
        raise DataError("bad_label", "labels is an object of objects", where=where)
    return row


def check_text(row: Mapping[str, Any], code: str, where: str) -> None:
    r"""Half of a surrogate pair ("\ud83d") is JSON, but no text: it could not be written again.

    Raises:
        DataError: ``code`` where ``row`` holds one, or is nested too deep to tell.
    """
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise DataError(code, f"not text: {error}", where=where) from error


def read_id(value: Any, code: str, where: str) -> str:
    """``value`` as an id: 7 and "7" are one.

    Raises:
        DataError: ``code`` where it is empty, or neither a string nor a whole number.
    """
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise DataError(code, "id is a string or a whole number, and not empty", where=where)
    return str(value)


def read_notes(value: Any) -> dict[str, Any]:
    """``value`` where it is an object, also one written as JSON; whatever else a person wrote is one note."""
    if value is None or isinstance(value, dict):
        return value or {}
    cell = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    try:
        notes = json.loads(cell)
        check_text(notes, "bad_line", "notes")
    except (ValueError, RecursionError, DataError):
        notes = None
    if isinstance(notes, dict):
        return notes
    return {"note": cell} if cell.strip() else {}


def _article(row: Mapping[str, Any], taxonomy: Taxonomy, where: str, *, relevant_only: bool) -> LabelledArticle:
    try:
        return _labelled(row, taxonomy, where, relevant_only=relevant_only)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise DataError("bad_line", f"not of this format: {error!r}", where=where) from error


def _labelled(row: Mapping[str, Any], taxonomy: Taxonomy, where: str, *, relevant_only: bool) -> LabelledArticle:
    text = row["text"]
    labels: dict[str, Label] = {}
    given: dict[str, Any] = dict(row.get("labels") or {})
    for topic in given:
        if topic not in taxonomy.ids:
            raise DataError("bad_label", f"no topic {topic!r} in the taxonomy", where=where)
    for topic in taxonomy.ids:
        value = given.get(topic)
        if value is None:
            if relevant_only and topic not in given:
                labels[topic] = Label(relevant=False)
            continue
        relevant = value.get("relevant", True if relevant_only else None)
        if relevant is None:
            continue
        if not isinstance(relevant, bool):
            raise DataError("bad_label", f"relevant is true or false, not {relevant!r}", where=f"{where}: {topic}")
        stance = value.get("stance")
        if stance is not None and stance not in taxonomy.stances:
            raise DataError("bad_label", f"no stance {stance!r} in the taxonomy", where=f"{where}: {topic}")
        labels[topic] = Label(relevant, stance if relevant else None, _evidence(value, text, f"{where}: {topic}"))
    return LabelledArticle(
        article=Article(id=row["id"], title=str(row.get("title") or ""), text=text),
        labels=labels,
        event=str(row.get("event") or ""),
        outlet=str(row.get("outlet") or row.get("source") or ""),
        split=str(row.get("split") or ""),
        date=str(row.get("date") or ""),
        place=str(row.get("place") or ""),
        genre=str(row.get("genre") or ""),
        voices=tuple(_voice(v, text, where) for v in row.get("voices") or ()),
        notes=read_notes(row.get("notes")),
    )


def _evidence(value: Mapping[str, Any], text: str, where: str) -> tuple[Span, ...] | None:
    evidence = value.get("evidence")
    if evidence is not None and not isinstance(evidence, list):
        raise DataError("bad_span", "evidence is a list", where=where)
    # an empty list is nothing marked, which is what None says
    return tuple(_span(item, text, where) for item in evidence) if evidence else None


def _span(item: Any, text: str, where: str) -> Span:
    if isinstance(item, str) and item.strip():
        start = text.find(item)
        if start < 0:
            raise DataError("bad_span", "a marked sentence does not stand in the text", where=where)
        return start, start + len(item)
    if not isinstance(item, list) or [type(offset) for offset in item] != [int, int]:
        raise DataError("bad_span", f"neither a sentence nor [start, end]: {item!r}", where=where)
    start, end = item
    if not 0 <= start < end <= len(text):
        raise DataError("bad_span", f"[{start}, {end}] is outside a text of {len(text)} characters", where=where)
    return start, end


def _voice(value: Mapping[str, Any], text: str, where: str) -> Voice:
    topic = str(value.get("topic") or value.get("target") or "")
    return Voice(str(value["actor"]), topic, str(value["stance"]), _span(value["sentence"], text, where))


def write_articles(path: Path, articles: Iterable[LabelledArticle]) -> None:
    """Write ``articles`` so that ``read_articles`` gives them back equal."""
    with path.open("w", encoding="utf-8") as file:
        for item in articles:
            file.write(json.dumps(to_row(item), ensure_ascii=False) + "\n")


def to_row(item: LabelledArticle) -> dict[str, Any]:
    """``item`` as the object that a line holds."""
    labels: dict[str, Any] = {}
    for topic, label in item.labels.items():
        entry: dict[str, Any] = {"relevant": label.relevant}
        if label.stance is not None:
            entry["stance"] = label.stance
        if label.evidence is not None:
            entry["evidence"] = [list(span) for span in label.evidence]
        labels[topic] = entry
    row: dict[str, Any] = {"id": item.article.id, "title": item.article.title, "text": item.article.text}
    for key in ("genre", "outlet", "date", "place", "event", "split"):
        row[key] = getattr(item, key)
    row["labels"] = labels
    row["voices"] = [
        {"actor": v.actor, "topic": v.topic, "stance": v.stance, "sentence": list(v.sentence)} for v in item.voices
    ]
    if item.notes:
        row["notes"] = dict(item.notes)
    return row
