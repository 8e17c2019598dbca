"""Tables of articles: CSV as spreadsheets write it, and JSON Lines; rows in, rows out, none lost.

Reading streams: a row is decoded, parsed and handed on before the next is read. What can't be read becomes a row
with ``error``, in its place. Encodings met in Arabic newsrooms: UTF-8 and UTF-16 (Excel's "Unicode text") with or
without a byte order mark, and Windows-1256.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from data.csv_rows import find_header, table_records
from data.encodings import decodable, guess_encoding, open_text, readable
from data.errors import DataError

TEXT_COLUMNS = ("text", "body", "content", "article", "النص", "نص", "المقال", "المحتوى", "الخبر", "html")
TITLE_COLUMNS = ("title", "headline", "العنوان", "عنوان")
# what is often sent by mistake: xlsx and zip, PDF, old xls, gzip. (A NUL or two among the text proves nothing.)
_MAGIC = (b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")
_HEAD = 1 << 20  # characters looked at to tell the separator and the header
_FORMULA = ("=", "+", "-", "@")


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
        separator: of the cells; empty for JSON Lines.
    """

    path: Path
    columns: tuple[str, ...]
    encoding: str
    separator: str = ""
    renamed: tuple[str, ...] = field(default=())

    def rows(self) -> Iterator[Row]:
        """The rows, in order, one at a time."""
        return _csv_rows(self) if self.separator else _jsonl_rows(self)

    def column(self, given: str | None, usual: Sequence[str], *, what: str, taken: str | None = None) -> str | None:
        """The column named by the user, or the first of ``usual`` that is there and not ``taken`` by something else.

        Raises:
            DataError: ``no_such_column`` where ``given`` is not there.
        """
        if given is not None:
            if given not in self.columns:
                known = ", ".join(self.columns)
                raise DataError(
                    "no_such_column", f"no {what} column {given!r}; the table has: {known}", where=str(self.path)
                )
            return given
        by_name = {name.strip().casefold(): name for name in reversed(self.columns) if name != taken}
        return next((by_name[name] for name in usual if name in by_name), None)


def open_table(path: Path) -> Table:
    """Look at the head of ``path`` and say what it is.

    Raises:
        DataError: ``source_missing``, ``empty_table`` (no header), ``not_a_table`` (binary).
    """
    if not path.is_file():
        raise DataError("source_missing", "no such file", where=str(path))
    with path.open("rb") as file:
        if file.read(4).startswith(_MAGIC):
            raise DataError("not_a_table", "binary data; CSV or JSON Lines is wanted", where=str(path))
    encoding = guess_encoding(path)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return Table(path, _json_columns(path, encoding), encoding)
    with open_text(path, encoding) as lines:
        separator, header = find_header(lines.read(_HEAD), tabs=path.suffix.lower() == ".tsv")
    if not header:
        raise DataError("empty_table", "the file has no header", where=str(path))
    columns, renamed = _distinct([readable(name) for name in header])
    return Table(path, columns, encoding, separator, renamed)


def _distinct(header: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    columns: list[str] = []
    renamed: list[str] = []
    for place, name in enumerate(header, start=1):
        name = name.strip() or f"column_{place}"
        new, count = name, 2
        while new in columns:
            new, count = f"{name}_{count}", count + 1
        if new != name:
            renamed.append(new)
        columns.append(new)
    return tuple(columns), tuple(renamed)


def _csv_rows(table: Table) -> Iterator[Row]:
    with open_text(table.path, table.encoding) as file:
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


def _row(table: Table, number: int, cells: Sequence[str], problem: str = "") -> Row:
    wanted = len(table.columns)
    error = f"bad_row: {problem}" if problem else ""
    if len(cells) != wanted:
        error = error or f"bad_row: {len(cells)} cells where the header has {wanted}"
        # what is too much stays with the last column, so that nothing of the row is lost
        cells = (
            [*cells, *[""] * (wanted - len(cells))]
            if len(cells) < wanted
            else [*cells[: wanted - 1], table.separator.join(cells[wanted - 1 :])]
        )
    if not all(map(decodable, cells)):
        error = f"undecodable: bytes that are not {table.encoding}"
        cells = [readable(cell) for cell in cells]
    return Row(number, dict(zip(table.columns, cells, strict=True)), error)


def _json_columns(path: Path, encoding: str) -> tuple[str, ...]:
    """Every key that any object has, in the order met: the file is read once for them before its rows are."""
    with open_text(path, encoding) as file:
        columns = dict.fromkeys(name for found, _ in _json_objects(file) for name in found)
    if not columns:
        raise DataError("empty_table", "no JSON object in the file", where=str(path))
    return tuple(columns)


def _jsonl_rows(table: Table) -> Iterator[Row]:
    with open_text(table.path, table.encoding) as file:
        for number, (found, error) in enumerate(_json_objects(file), start=1):
            yield Row(number, {name: _cell(found.get(name)) for name in table.columns}, error)


def _json_objects(lines: Iterable[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """The object of each line that is not blank, or an empty one and what is wrong."""
    for line in lines:
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as problem:
            yield {}, f"bad_row: not JSON: {problem}"
            continue
        if isinstance(found, dict):
            yield {readable(name): value for name, value in found.items()}, ""
        else:
            yield {}, "bad_row: not a JSON object"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class Writer:
    """Rows out, to CSV (``.tsv`` with tabs) or JSON Lines by the ending of the name.

    Args:
        columns: in order.
        excel: write for a spreadsheet: a byte order mark first, so that the Arabic is read; and in CSV an apostrophe
            before each cell that begins with ``=``, ``+``, ``-`` or ``@``, the input's as well as ours, so that words
            from a web page are never run as a formula. Otherwise cells stay as they are.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, excel: bool = False) -> None:
        self._jsonl = path.suffix.lower() in (".jsonl", ".ndjson")
        self._file = path.open("w", encoding="utf-8-sig" if excel else "utf-8", newline="")
        self._columns = tuple(columns)
        self._excel = excel
        self._csv = csv.writer(self._file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        if not self._jsonl:
            self._csv.writerow(map(self._shown, columns))

    def write(self, values: Mapping[str, str]) -> None:
        cells = {name: values.get(name, "").encode("utf-8", "replace").decode("utf-8") for name in self._columns}
        if self._jsonl:
            self._file.write(json.dumps(cells, ensure_ascii=False) + "\n")
        else:
            self._csv.writerow(map(self._shown, cells.values()))

    def _shown(self, cell: str) -> str:
        return f"'{cell}" if self._excel and cell.startswith(_FORMULA) else cell

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
