"""Tables out: CSV, TSV, JSON Lines or Parquet by the ending of the name, packed where it ends in .gz, .zst or .zip.

The same rows make the same bytes: no time and no name of a machine goes into a file.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, cast

from data.encodings import write_text
from data.errors import DataError
from data.parquet import ParquetWriter, text_fields
from data.sources import CSV, JSONL, KINDS, PACKED, PARQUET, TSV, kind_of

# A spreadsheet takes a cell that begins so for a formula, full-width signs included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Rows(Protocol):
    def write(self, row: Mapping[str, Any]) -> None: ...
    def close(self) -> None: ...


class Writer:
    """Rows out.

    Args:
        path: its ending says which kind.
        columns: in order.
        nested: for Parquet, the pyarrow types of columns that are no strings.
        excel: write CSV for a spreadsheet: a byte order mark first, so that the Arabic is read; and an apostrophe
            before each cell that it would take for a formula, the input's as well as ours, so that words from a web
            page are never computed. Otherwise cells stay as they are.

    Raises:
        DataError: see ``check_ending``.
    """

    def __init__(
        self, path: Path, columns: Sequence[str], *, nested: Mapping[str, Any] | None = None, excel: bool = False
    ) -> None:
        kind = check_ending(path, excel=excel)
        with ExitStack() as stack:
            sink = stack.enter_context(_sink(path))
            self._rows: _Rows
            if kind == PARQUET:
                self._rows = ParquetWriter(sink, {**text_fields(columns), **(nested or {})})
            elif kind == JSONL:
                self._rows = _JsonLines(write_text(sink, "utf-8"), columns)
            else:
                self._rows = _Csv(
                    write_text(sink, "utf-8-sig" if excel else "utf-8"), columns, "\t" if kind == TSV else ",", excel
                )
            self._stack = stack.pop_all()

    def write(self, row: Mapping[str, Any]) -> None:
        """Write one row; a column that it lacks is empty, characters that are none are U+FFFD."""
        self._rows.write(row)

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            self._rows.close()


def check_ending(path: Path, *, excel: bool = False) -> str:
    """The kind of table that ``path`` says.

    Raises:
        DataError: ``bad_target`` for an ending that is none of ours, or ``excel`` with another kind than CSV or TSV.
    """
    kind = kind_of(path)
    if kind is None:
        endings = ", ".join(KINDS)
        raise DataError("bad_target", f"the ending is none of {endings} (then {', '.join(PACKED)})", where=str(path))
    if excel and kind not in (CSV, TSV):
        raise DataError("bad_target", "for a spreadsheet CSV or TSV is wanted", where=str(path))
    return kind


@contextmanager
def _sink(path: Path) -> Iterator[IO[bytes]]:
    packed = path.suffix.lower()
    with ExitStack() as stack:
        file = stack.enter_context(path.open("wb"))
        sink: IO[bytes] = file
        if packed == ".gz":
            sink = cast(IO[bytes], stack.enter_context(gzip.GzipFile("", "wb", 6, file, mtime=0)))
        elif packed == ".zst":
            import zstandard

            sink = stack.enter_context(zstandard.ZstdCompressor().stream_writer(file, closefd=False))
        elif packed == ".zip":
            archive = stack.enter_context(zipfile.ZipFile(file, "w"))
            member = zipfile.ZipInfo(path.stem, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            sink = stack.enter_context(archive.open(member, "w", force_zip64=True))
        yield sink


class _JsonLines:
    """An object a line, all cells strings."""

    def __init__(self, file: io.TextIOWrapper, columns: Sequence[str]) -> None:
        self._file, self._columns = file, columns

    def write(self, row: Mapping[str, Any]) -> None:
        cells = {name: row.get(name, "") for name in self._columns}
        self._file.write(json.dumps(cells, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.flush()
        self._file.detach()


class _Csv:
    """A line a row, the header first."""

    def __init__(self, file: io.TextIOWrapper, columns: Sequence[str], separator: str, excel: bool) -> None:
        self._file, self._columns, self._excel = file, columns, excel
        self._csv = csv.writer(file, delimiter=separator)
        self.write({name: name for name in columns})

    def write(self, row: Mapping[str, Any]) -> None:
        cells = [row.get(name, "") for name in self._columns]
        if self._excel:
            cells = [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells]
        self._csv.writerow(cells)

    def close(self) -> None:
        self._file.flush()
        self._file.detach()
