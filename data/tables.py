"""Tables of articles: CSV as spreadsheets write it, JSON Lines and Parquet; rows in, none lost.

Reading streams: a row is decoded, parsed and handed on before the next is read. What can't be read becomes a row
with ``error``, in its place. Encodings met in Arabic newsrooms: UTF-8 and UTF-16 (Excel's "Unicode text") with or
without a byte order mark, and Windows-1256.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from data.csv_rows import Line, bounded_lines, find_header, table_records, too_long
from data.encodings import decodable, guess_encoding, misread, open_text, readable
from data.errors import DataError
from data.parquet import parquet_cells, parquet_names
from data.sources import JSONL, PARQUET, TSV, Source, find_sources

TEXT_COLUMNS = ("text", "body", "content", "article", "النص", "نص", "المقال", "المحتوى", "الخبر", "html")
TITLE_COLUMNS = ("title", "headline", "العنوان", "عنوان")
_HEAD = 1 << 20  # characters looked at to tell the separator and the header
_COLUMNS = 16_384  # as many as a spreadsheet has; more is a mistake, and each row would carry them all

Meter = Callable[[int], None]


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        number: 1 for the first row under the header.
        values: column to cell, in the order of the columns.
        error: code and message where the row could not be read as it should; ``values`` holds what could.
    """

    number: int
    values: Mapping[str, str]
    error: str = ""


@dataclass(frozen=True)
class Table:
    """An input table: what was found out about it, and its rows.

    Attributes:
        columns: names, in order; a repeated name carries a number behind it.
        encoding: as Python names it.
        kind: ``csv``, ``tsv``, ``jsonl`` or ``parquet``.
        separator: of the cells; empty for JSON Lines and Parquet.
        renamed: columns whose header stood twice or was empty.
    """

    source: Source
    columns: tuple[str, ...]
    encoding: str
    kind: str
    separator: str = ""
    renamed: tuple[str, ...] = field(default=())

    def rows(self, meter: Meter = lambda _: None) -> Iterator[Row]:
        """The rows, in order, one at a time.

        Args:
            meter: gets the number of bytes of the file each time some are read; together they are its size.
        """
        if self.kind == PARQUET:
            cells = parquet_cells(self.source, meter)
            return (_row(self, number, row) for number, row in enumerate(cells, start=1))
        return _jsonl_rows(self, meter) if self.kind == JSONL else _csv_rows(self, meter)

    def column(self, given: str | None, usual: Sequence[str], *, what: str, taken: str | None = None) -> str | None:
        """The column named by the user, or the first of ``usual`` that is there and not ``taken`` by something else.

        Raises:
            DataError: ``no_such_column`` where ``given`` is not there.
        """
        if given is not None:
            if given not in self.columns:
                known = listed(self.columns)
                raise DataError(
                    "no_such_column", f"no {what} column {given!r}; the table has: {known}", where=self.source.where
                )
            return given
        by_name = {name.strip().casefold(): name for name in reversed(self.columns) if name != taken}
        return next((by_name[name] for name in usual if name in by_name), None)


def listed(names: Sequence[str], most: int = 30) -> str:
    """Names for a person to read: not all of ten thousand, and no endless one."""
    shown = ", ".join(name if len(name) <= 60 else f"{name[:59]}…" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def open_table(given: Source | Path) -> Table:
    """Look at the head of a file and say what it is.

    Raises:
        DataError: ``source_missing``, ``empty_table`` (no header), ``too_many_columns``, ``not_a_table`` (binary),
            ``several_tables`` for a zip with more than one; see ``Source.open`` for what is wrong with packed ones.
    """
    source = given if isinstance(given, Source) else _only(given)
    kind = source.kind
    if kind == PARQUET:
        columns, renamed = _distinct(parquet_names(source), source)
        return Table(source, columns, "utf-8", kind, renamed=renamed)
    with source.open() as file:
        encoding = guess_encoding(file)
    if kind == JSONL:
        return Table(source, _json_columns(source, encoding), encoding, kind)
    with open_text(source.open(), encoding) as lines:
        separator, header = find_header(lines.read(_HEAD), tabs=kind == TSV)
    columns, renamed = _distinct([readable(name) for name in header], source)
    return Table(source, columns, encoding, kind, separator, renamed)


def _only(path: Path) -> Source:
    if not path.is_file():
        raise DataError("source_missing", "no such file", where=str(path))
    sources = find_sources([path])
    if len(sources) > 1:
        raise DataError("several_tables", f"{len(sources)} tables where one is wanted", where=str(path))
    return sources[0]


def _distinct(header: Sequence[str], source: Source) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if not header:
        raise DataError("empty_table", "the file has no header", where=source.where)
    if len(header) > _COLUMNS:
        raise _too_many(len(header), source)
    columns: dict[str, None] = {}
    counts: dict[str, int] = {}
    renamed: list[str] = []
    for place, name in enumerate(header, start=1):
        name = name.strip() or f"column_{place}"
        new = name
        while new in columns:
            counts[name] = counts.get(name, 1) + 1
            new = f"{name}_{counts[name]}"
        if new != name or not header[place - 1].strip():
            renamed.append(new)
        columns[new] = None
    return tuple(columns), tuple(renamed)


def _too_many(count: int, source: Source) -> DataError:
    return DataError("too_many_columns", f"{count} columns where {_COLUMNS} are allowed", where=source.where)


def _csv_rows(table: Table, meter: Meter) -> Iterator[Row]:
    with open_text(table.source.open(meter), table.encoding) as file:
        records = table_records(file, table.separator)
        next(records, None)  # the header
        number = blank = 0
        for record in records:
            if not record.cells:
                # In a table of one column a blank line is an empty cell, but for those at the very end.
                blank += len(table.columns) == 1
                continue
            for _ in range(blank):
                number += 1
                yield _row(table, number, [""])
            blank = 0
            number += 1
            yield _row(table, number, record.cells, record.problem)


def _row(table: Table, number: int, cells: Sequence[str], error: str = "") -> Row:
    wanted = len(table.columns)
    if len(cells) != wanted:
        error = error or f"bad_row: {len(cells)} cells where the header has {wanted}"
        # what is too much stays with the last column, so that nothing of the row is lost
        cells = (
            [*cells, *[""] * (wanted - len(cells))]
            if len(cells) < wanted
            else [*cells[: wanted - 1], table.separator.join(cells[wanted - 1 :])]
        )
    if wrong := _wrong("".join(cells), table.encoding):
        error, cells = wrong, [readable(cell) for cell in cells]
    return Row(number, dict(zip(table.columns, cells, strict=True)), error)


def _wrong(text: str, encoding: str) -> str:
    """What is wrong with the bytes that ``text`` was, or nothing."""
    if not decodable(text):
        return f"undecodable: bytes that are not {encoding}"
    return "undecodable: UTF-8 in a file of Windows-1256" if misread(text, encoding) else ""


def _json_columns(source: Source, encoding: str) -> tuple[str, ...]:
    """Every key that any object has, in the order met: the file is read once for them before its rows are."""
    columns: dict[str, None] = {}
    with open_text(source.open(), encoding) as file:
        for found, _ in _json_objects(file, encoding):
            columns |= dict.fromkeys(found)
            if len(columns) > _COLUMNS:
                raise _too_many(len(columns), source)
    if not columns:
        raise DataError("empty_table", "no JSON object in the file", where=source.where)
    return tuple(columns)


def _jsonl_rows(table: Table, meter: Meter) -> Iterator[Row]:
    with open_text(table.source.open(meter), table.encoding) as file:
        for number, (found, error) in enumerate(_json_objects(file, table.encoding), start=1):
            cells = [_cell(found.get(name)) for name in table.columns]
            # half a surrogate pair that JSON spelt out is no bytes; the article's own error says so
            yield Row(number, dict(zip(table.columns, cells, strict=True)), error)


def _json_objects(file: IO[str], encoding: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The object of each line that is not blank, or an empty one and what is wrong."""
    for line in bounded_lines(file):
        if not line.strip():
            continue
        if isinstance(line, Line):
            yield {}, too_long()
            continue
        wrong = _wrong(line, encoding)
        line = readable(line)
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as problem:
            yield {}, wrong or f"bad_row: not JSON: {problem}"
            continue
        if isinstance(found, dict):
            yield {readable(name): value for name, value in found.items()}, wrong
        else:
            yield {}, wrong or "bad_row: not a JSON object"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
