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
    with path.open(encoding="utf-8-sig") as file:
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
    articles, seen = [], set()
    for where, row in rows:
        if row["id"] in seen:
            raise DataError("duplicate_id", f"id {row['id']!r} stands twice", where=where)
        seen.add(row["id"])
        articles.append(_article(row, taxonomy, where, relevant_only=relevant_only))
    return Source(path, tuple(articles), relevant_only)


def _row(line: str, where: str, known: Mapping[str, Article]) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError("bad_line", f"not JSON: {error}", where=where) from error
    if isinstance(row, dict) and "text" not in row and row.get("id"):
        if row["id"] not in known:
            raise DataError("unknown_id", f"{row['id']!r} has no text here and is not known", where=where)
        article = known[row["id"]]
        if row.get("characters", len(article.text)) != len(article.text):
            raise DataError("other_version", f"{row['id']!r}: another text than the labelled one", where=where)
        row |= {"title": article.title, "text": article.text}
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not row.get("id"):
        raise DataError("bad_line", "an object with id and text is wanted", where=where)
    labels = row.get("labels") or {}
    if not isinstance(labels, dict) or not all(v is None or isinstance(v, dict) for v in labels.values()):
        raise DataError("bad_label", "labels is an object of objects", where=where)
    return row


def _article(row: Mapping[str, Any], taxonomy: Taxonomy, where: str, *, relevant_only: bool) -> LabelledArticle:
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
        stance = value.get("stance")
        if stance is not None and stance not in taxonomy.stances:
            raise DataError("bad_label", f"no stance {stance!r} in the taxonomy", where=f"{where}: {topic}")
        labels[topic] = Label(bool(relevant), stance if relevant else None, _evidence(value, text, f"{where}: {topic}"))
    return LabelledArticle(
        article=Article(id=str(row["id"]), title=str(row.get("title") or ""), text=text),
        labels=labels,
        event=str(row.get("event") or ""),
        outlet=str(row.get("outlet") or row.get("source") or ""),
        split=str(row.get("split") or ""),
        date=str(row.get("date") or ""),
        place=str(row.get("place") or ""),
        genre=str(row.get("genre") or ""),
        voices=tuple(_voice(v, text, where) for v in row.get("voices") or ()),
        notes=dict(row.get("notes") or {}) if isinstance(row.get("notes"), dict) else {},
    )


def _evidence(value: Mapping[str, Any], text: str, where: str) -> tuple[Span, ...] | None:
    evidence = value.get("evidence")
    # an empty list is nothing marked, which is what None says
    return tuple(_span(item, text, where) for item in evidence) if evidence else None


def _span(item: Any, text: str, where: str) -> Span:
    if isinstance(item, str):
        start = text.find(item)
        if start < 0:
            raise DataError("bad_span", "a marked sentence does not stand in the text", where=where)
        return start, start + len(item)
    try:
        start, end = int(item[0]), int(item[1])
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise DataError("bad_span", f"neither a sentence nor [start, end]: {item!r}", where=where) from error
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
