"""Tables of articles: CSV as spreadsheets write it, and JSON Lines; rows in, rows out, none lost.

Reading streams: a row is decoded, parsed and handed on before the next is read. What can't be read becomes a row
with ``error``, in its place. Encodings met in Arabic newsrooms: UTF-8 with or without a byte order mark, UTF-16
(Excel's "Unicode text") and Windows-1256.
"""

from __future__ import annotations

import codecs
import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from data.errors import DataError

TEXT_COLUMNS = ("text", "body", "content", "article", "النص", "نص", "المقال", "المحتوى", "الخبر", "html")
TITLE_COLUMNS = ("title", "headline", "العنوان", "عنوان")
ID_COLUMNS = ("id", "article_id", "المعرف", "رقم")
_SEPARATORS = ",;\t|"
# what is often sent by mistake: xlsx and zip, PDF, old xls, gzip. (A NUL or two among the text proves nothing.)
_MAGIC = (b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x1f\x8b")
_HEAD = 1 << 20  # bytes looked at to tell encoding and separator


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

    def column(self, given: str | None, usual: Sequence[str], *, what: str) -> str | None:
        """The column named by the user, or the first of ``usual`` that is there.

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
        by_name = {name.strip().casefold(): name for name in reversed(self.columns)}
        return next((by_name[name] for name in usual if name in by_name), None)


def open_table(path: Path) -> Table:
    """Look at the head of ``path`` and say what it is.

    Raises:
        DataError: ``source_missing``, ``empty_table`` (no header), ``not_a_table`` (binary).
    """
    if not path.is_file():
        raise DataError("source_missing", "no such file", where=str(path))
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip():
        raise DataError("empty_table", "the file is empty", where=str(path))
    encoding = _encoding(head)
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return Table(path, _jsonl_columns(path, encoding), encoding)
    if head.startswith(_MAGIC):
        raise DataError("not_a_table", "binary data; CSV or JSON Lines is wanted", where=str(path))
    first = _first_record(path, encoding)
    separator = max(_SEPARATORS, key=lambda s: len(next(csv.reader([first], delimiter=s), [])))
    header = next(csv.reader([first], delimiter=separator), [])
    columns, renamed = _distinct(header)
    return Table(path, columns, encoding, separator, renamed)


def _encoding(head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _HEAD)
    except UnicodeDecodeError:
        # A broken character or two in a UTF-8 file is not another encoding: Arabic in UTF-8 is full of D8 and D9.
        high = sum(b >= 0x80 for b in head)
        lead = head.count(0xD8) + head.count(0xD9)
        return "utf-8" if lead > 0.35 * high else "cp1256"
    return "utf-8"


def _first_record(path: Path, encoding: str) -> str:
    """The header as one string, also where a quoted name holds a line break."""
    with _text(path, encoding) as file:
        record = ""
        for line in file:
            record += line
            if record.count('"') % 2 == 0 and record.strip():
                break
    return record.strip("\r\n")


def _text(path: Path, encoding: str) -> IO[str]:
    # surrogateescape: bytes that don't decode stay visible in their own row, and nothing else is lost
    return path.open(
        encoding=encoding, errors="surrogateescape" if encoding.startswith("utf-8") else "replace", newline=""
    )


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
    csv.field_size_limit(min(sys.maxsize, 1 << 30))
    with _text(table.path, table.encoding) as file:
        reader = csv.reader(file, delimiter=table.separator)
        number, header_seen = 0, False
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as problem:
                number += 1
                yield Row(number, dict.fromkeys(table.columns, ""), f"bad_row: {problem}")
                continue
            if not cells:
                continue
            if not header_seen:
                header_seen = True
                continue
            number += 1
            yield _row(table, number, cells)


def _row(table: Table, number: int, cells: Sequence[str]) -> Row:
    wanted = len(table.columns)
    error = ""
    if len(cells) != wanted:
        error = f"bad_row: {len(cells)} cells where the header has {wanted}"
        # what is too much stays with the last column, so that nothing of the row is lost
        cells = (
            [*cells, *[""] * (wanted - len(cells))]
            if len(cells) < wanted
            else [*cells[: wanted - 1], table.separator.join(cells[wanted - 1 :])]
        )
    if any(_undecodable(cell) for cell in cells):
        error = f"undecodable: bytes that are not {table.encoding}"
        cells = [cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for cell in cells]
    return Row(number, dict(zip(table.columns, cells, strict=True)), error)


def _undecodable(cell: str) -> bool:
    return any("\udc80" <= c <= "\udcff" for c in cell) if not cell.isascii() else False


def _jsonl_columns(path: Path, encoding: str) -> tuple[str, ...]:
    """The keys of the first whole object; later keys that are new go to no column."""
    with _text(path, encoding) as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict) and row:
                return tuple(str(key) for key in row)
    raise DataError("empty_table", "no JSON object in the file", where=str(path))


def _jsonl_rows(table: Table) -> Iterator[Row]:
    number = 0
    with _text(table.path, table.encoding) as file:
        for line in file:
            if not line.strip():
                continue
            number += 1
            empty = dict.fromkeys(table.columns, "")
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as problem:
                yield Row(number, empty, f"bad_row: not JSON: {problem}")
                continue
            if not isinstance(row, dict):
                yield Row(number, empty, "bad_row: not a JSON object")
                continue
            yield Row(number, {name: _cell(row.get(name)) for name in table.columns})


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class Writer:
    """Rows out, to CSV (``.tsv`` with tabs) or JSON Lines by the ending of the name.

    Args:
        columns: in order.
        excel: begin with a byte order mark, so that a spreadsheet reads the Arabic.
    """

    def __init__(self, path: Path, columns: Sequence[str], *, excel: bool = False) -> None:
        self._jsonl = path.suffix.lower() in (".jsonl", ".ndjson")
        self._file = path.open("w", encoding="utf-8-sig" if excel else "utf-8", newline="")
        self._columns = tuple(columns)
        self._csv = csv.writer(self._file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
        if not self._jsonl:
            self._csv.writerow(columns)

    def write(self, values: Mapping[str, str]) -> None:
        cells = {name: values.get(name, "").encode("utf-8", "replace").decode("utf-8") for name in self._columns}
        if self._jsonl:
            self._file.write(json.dumps(cells, ensure_ascii=False) + "\n")
        else:
            self._csv.writerow(cells.values())

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
