"""Scored tables, row by row: Parquet with its nested topics; CSV, TSV and JSON Lines with a column for each answer."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from data.errors import DataError
from data.parquet import arrow, parquet_names
from data.sources import PACKED, PARQUET, Source
from data.tables import TITLE_COLUMNS, Table, listed, open_table

DATE_COLUMNS = ("date", "published", "published_at", "datetime", "pubdate", "التاريخ", "تاريخ النشر", "تاريخ")
OUTLET_COLUMNS = ("outlet", "source", "site", "domain", "publisher", "المصدر", "الصحيفة", "الموقع", "الوسيلة")
URL_COLUMNS = ("url", "link", "الرابط", "رابط")
ID_COLUMNS = ("id", "article_id", "المعرف", "الرقم")
_BATCH = 2048  # rows of a Parquet file decoded together
_ANSWER = {"id", "relevant", "probability", "threshold", "abstained", "stance", "stance_probability", "evidence"}
_OURS = re.compile("(?:wijha_)*(.+)")
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff\ud800-\udfff]")
_DIRECTION = re.compile("[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Found:
    """One topic's answer in a row.

    Attributes:
        relevant: ``None`` where that was too unsure to say.
        threshold: ``None`` where the table doesn't say (all but Parquet).
        stance: ``None`` where not relevant, too unsure (``abstained``), or not asked for.
        evidence: sentences with their shares, strongest first; the share is ``None`` where the table doesn't say.
    """

    topic: str
    relevant: bool | None
    probability: float
    threshold: float | None
    abstained: bool
    stance: str | None
    stance_probability: float | None
    evidence: Sequence[tuple[str, float | None]]


@dataclass(frozen=True)
class Scored:
    """One row. ``number`` is 1 for the first under the header; texts are free of control characters."""

    number: int
    id: str
    title: str
    date: str
    outlet: str
    url: str
    story: str
    model: str
    error: str
    warnings: Sequence[str]
    topics: Sequence[Found]


@dataclass(frozen=True)
class ScoredTable:
    """A table that was looked at.

    Attributes:
        columns: what is read (``date``, ``outlet``, ``model`` …) to the column it is read from.
        topics: of a flat table: id to the columns of its answer; ``None``: Parquet.
    """

    source: Source
    columns: Mapping[str, str]
    topics: Mapping[str, Mapping[str, str]] | None = None
    table: Table | None = field(default=None, repr=False)

    def rows(self) -> Iterator[Scored]:
        """All rows, in order, a few in memory at a time."""
        for number, values in enumerate(self._values([*self.columns.values()]), start=1):
            yield self._scored(number, values)

    def cells(self, what: str) -> Iterator[str]:
        """One column's cells; of a Parquet file nothing else is read."""
        name = self.columns[what]
        return (_text(values[name]) for values in self._values([name]))

    def _values(self, names: list[str]) -> Iterator[Mapping[str, Any]]:
        if self.table is not None:
            return (row.values if not row.error else {**row.values, "": row.error} for row in self.table.rows())
        return _parquet_rows(self.source, names)

    def _scored(self, number: int, values: Mapping[str, Any]) -> Scored:
        raw = {what: values.get(name) for what, name in self.columns.items()}
        cell = {what: _text(value) for what, value in raw.items() if what not in ("topics", "warnings")}
        warnings = raw.get("warnings") or ()
        url = cell.get("url", "").strip()
        outlet = shown_name(cell["outlet"]) if "outlet" in cell else host(url)
        return Scored(
            number=number,
            id=shown_name(cell.get("id", "")),
            title=shown_name(cell.get("title", "")),
            date=cell.get("date", ""),
            outlet=outlet,
            url=url,
            story=cell.get("story", ""),
            model=shown_name(cell.get("model", "")),
            error=shown_name(cell.get("error", "") or values.get("", "")),
            warnings=[*map(_code, warnings.split() if isinstance(warnings, str) else warnings)],
            topics=_nested(raw.get("topics")) if self.topics is None else _flat(self.topics, values),
        )


def open_scored(source: Source, *, date_column: str | None = None, outlet_column: str | None = None) -> ScoredTable:
    """Look at the head of a scored table.

    Raises:
        DataError: as ``open_table``; ``no_such_column``; ``not_scored`` where no answers of ours are in it;
            ``packed_parquet`` for Parquet within another archive.
    """
    parquet = source.kind == PARQUET
    if parquet and (source.member or source.path.suffix.lower() in PACKED):
        raise DataError("packed_parquet", "unpack it first: Parquet is read by seeking", where=source.where)
    table = None if parquet else open_table(source)
    names = table.columns if table else parquet_names(source)
    wanted = {
        "date": (date_column, DATE_COLUMNS),
        "outlet": (outlet_column, OUTLET_COLUMNS),
        "title": (None, TITLE_COLUMNS),
        "id": (None, ID_COLUMNS),
        "url": (None, URL_COLUMNS),
    }
    columns = {w: n for w, (given, usual) in wanted.items() if (n := _column(names, given, usual, w, source))}
    ours = _ours(names)
    columns |= {name: ours[name] for name in ("warnings", "error", "model", "story") if name in ours}
    topics = None if parquet else _topic_columns(ours)
    if not (topics or (parquet and "topics" in ours and _answered(source, ours["topics"]))):
        problem = "no answers in it; python -m serve score makes them"
        raise DataError("not_scored", problem, where=source.where)
    return ScoredTable(source, columns | ({"topics": ours["topics"]} if parquet else {}), topics, table)


def shown_name(text: str) -> str:
    """A title or name in one line, without marks of direction that would turn what stands beside it around."""
    return " ".join(_INVISIBLE.sub("", text).split())


@lru_cache(maxsize=1 << 12)
def host(text: str) -> str:
    """The site of an address, without ``www.``; empty where it is none."""
    try:
        return (urlsplit(text).hostname or "").removeprefix("www.") if "//" in text else ""
    except ValueError:
        return ""


def _column(names: Sequence[str], given: str | None, usual: Sequence[str], what: str, source: Source) -> str | None:
    if given is not None and given not in names:
        problem = f"no {what} column {given!r}; the table has: {listed(names)}"
        raise DataError("no_such_column", problem, where=source.where)
    by_name = {name.strip().casefold(): name for name in reversed(names)}
    return given or next((by_name[name] for name in usual if name in by_name), None)


def _ours(names: Sequence[str]) -> dict[str, str]:
    """Plain name to the column that has it, ``wijha_`` before it or not: ours are written behind the input's."""
    return {found[1]: name for name in names if (found := _OURS.fullmatch(name))}


def _answered(source: Source, column: str) -> bool:
    """Whether a column of a Parquet file has answers of ours; others call theirs ``topics``, too."""
    pa = arrow()
    with pa.parquet.ParquetFile(source.path) as file:
        kind = file.schema_arrow.field(column).type
    inner = kind.value_type if pa.types.is_list(kind) or pa.types.is_large_list(kind) else kind
    return pa.types.is_struct(inner) and {field.name for field in inner} >= _ANSWER


def _topic_columns(ours: Mapping[str, str]) -> dict[str, dict[str, str]]:
    topics = (name.removesuffix("_abstained") for name in ours if name.endswith("_abstained"))
    parts = ("probability", "abstained", "stance", "stance_probability", "evidence")
    return {
        topic: {"relevant": ours[topic]} | {p: ours[f"{topic}_{p}"] for p in parts if f"{topic}_{p}" in ours}
        for topic in topics
        if topic in ours and f"{topic}_probability" in ours
    }


def _parquet_rows(source: Source, names: list[str]) -> Iterator[Mapping[str, Any]]:
    pa = arrow()
    try:
        with pa.parquet.ParquetFile(source.path, pre_buffer=False, buffer_size=1 << 16) as file:
            batches = file.iter_batches(_BATCH, columns=list(dict.fromkeys(names)), use_threads=False)
            yield from itertools.chain.from_iterable(batch.to_pylist() for batch in batches)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError("not_a_table", f"a broken Parquet file: {error}", where=source.where) from error


def _nested(topics: Any) -> list[Found]:
    return [
        Found(
            topic=_code(topic["id"]),
            relevant=topic["relevant"],
            probability=topic["probability"] or 0.0,
            threshold=topic["threshold"],
            abstained=bool(topic["abstained"]),
            stance=_code(topic["stance"] or "") or None,
            stance_probability=topic["stance_probability"],
            evidence=[(_sentence(e["text"]), e["share"]) for e in topic["evidence"] or ()],
        )
        for topic in topics or ()
    ]


def _flat(topics: Mapping[str, Mapping[str, str]], values: Mapping[str, Any]) -> list[Found]:
    found = []
    for topic, columns in topics.items():
        cell = {part: _text(values.get(name)).strip() for part, name in columns.items()}
        if (probability := _number(cell["probability"])) is None:
            continue  # a row that was not scored
        found.append(
            Found(
                topic=_code(topic),
                relevant={"yes": True, "no": False}.get(cell["relevant"].lower()),
                probability=probability,
                threshold=None,
                abstained=cell["abstained"].lower() == "yes",
                stance=_code(cell.get("stance", "")) or None,
                stance_probability=_number(cell.get("stance_probability", "")),
                evidence=[(_sentence(e), None) for e in cell.get("evidence", "").split(" | ") if e],
            )
        )
    return found


@lru_cache(maxsize=1 << 12)
def _code(text: str) -> str:
    return shown_name(text)


def _sentence(text: str) -> str:
    return _DIRECTION.sub("", text).strip()


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace(",", ".").replace("٫", "."))  # a spreadsheet may have written 0,93
    except ValueError:
        return None


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)
