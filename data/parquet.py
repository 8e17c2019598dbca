"""Parquet in and out, a few rows at a time. Cells in are text, as those of the other tables are."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any

from data.encodings import readable
from data.errors import DataError
from data.sources import Source

_READ = 64  # rows decoded together
_ROWS, _CHARACTERS = 1024, 8 << 20  # of a row group: whichever is full first


def arrow() -> Any:
    """pyarrow, imported where it is first needed. Its names are made at import, which a type checker can't see."""
    import pyarrow
    import pyarrow.parquet

    return pyarrow


def parquet_names(source: Source) -> list[str]:
    """The names of the columns, in order.

    Raises:
        DataError: ``not_a_table`` where the file is broken.
    """
    with _opened(source) as (file, _):
        return [str(name) for name in file.schema_arrow.names]


def parquet_cells(source: Source, meter: Callable[[int], None]) -> Iterator[list[str]]:
    """The rows as cells: strings as they are (bytes that are not UTF-8 as surrogates), other values as JSON or text.

    Args:
        meter: gets the file's size, in parts.

    Raises:
        DataError: ``not_a_table`` where the file is broken, also half way.
    """
    pa = arrow()

    with _opened(source) as (file, size):
        done, rows = 0, max(1, file.metadata.num_rows)
        try:
            for batch in file.iter_batches(batch_size=_READ):
                columns = [_cells(column) for column in batch.columns]
                yield from (list(row) for row in zip(*columns, strict=True)) if columns else ()
                meter(size * (done + batch.num_rows) // rows - size * done // rows)
                done += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise _broken(source, error) from error


@contextmanager
def _opened(source: Source) -> Iterator[tuple[Any, int]]:
    """The Parquet file, and the size in bytes of what it lies in."""
    pa = arrow()
    with _seekable(source) as plain:
        try:
            file = pa.parquet.ParquetFile(plain, pre_buffer=False, buffer_size=1 << 16)
        except (pa.ArrowException, OSError) as error:
            raise _broken(source, error) from error
        yield file, source.path.stat().st_size


@contextmanager
def _seekable(source: Source) -> Iterator[IO[bytes]]:
    """The bytes; a packed file's in a temporary one, for Parquet is read by seeking."""
    with source.open() as file:
        if file.seekable():
            yield file
            return
        with tempfile.TemporaryFile() as whole:
            while piece := file.read(1 << 20):
                whole.write(piece)
            whole.seek(0)
            yield whole


def _broken(source: Source, error: Exception) -> DataError:
    first = (str(error).splitlines() or [""])[0]
    return DataError("not_a_table", f"a broken Parquet file: {first}", where=source.where)


def _cells(column: Any) -> list[str]:
    pa = arrow()

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = column.cast(pa.large_binary())  # decoded here: to_pylist raises at the first bad byte
    try:
        values = column.to_pylist()
    except (ArithmeticError, LookupError, ValueError):
        values = [_value(scalar) for scalar in column]
    return [_cell(value) for value in values]


def _value(scalar: Any) -> Any:
    """What Python has no value for: a date in the year 12000 as Arrow writes it, one of an unknown zone as its number.

    What is neither, such as a list of broken strings, is a lone surrogate, which makes its row an error.
    """
    pa = arrow()

    for said in (scalar.as_py, lambda: scalar.cast(pa.string()).as_py(), lambda: scalar.value):
        with suppress(ArithmeticError, AttributeError, LookupError, ValueError, pa.ArrowException):
            return said()
    return "\udcff"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


class ParquetWriter:
    """Rows into a Parquet file, in row groups of a fixed size: the same rows make the same bytes.

    Args:
        sink: a binary file, written front to back.
        fields: column to pyarrow type, in order.
    """

    def __init__(self, sink: IO[bytes], fields: Mapping[str, Any]) -> None:
        pa = arrow()

        self._schema = pa.schema(list(fields.items()))
        self._writer = pa.parquet.ParquetWriter(sink, self._schema, compression="zstd")
        self._waiting: list[Mapping[str, Any]] = []
        self._size = 0

    def write(self, row: Mapping[str, Any]) -> None:
        self._waiting.append(row)
        self._size += sum(len(cell) for cell in row.values() if isinstance(cell, str))
        if len(self._waiting) >= _ROWS or self._size >= _CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        pa = arrow()

        columns = [
            pa.array([_readable(row.get(field.name)) for row in self._waiting], type=field.type)
            for field in self._schema
        ]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._waiting, self._size = [], 0

    def close(self) -> None:
        if self._waiting:
            self._flush()
        self._writer.close()


def _readable(cell: Any) -> Any:
    return readable(cell) if isinstance(cell, str) else cell


def text_fields(columns: Sequence[str]) -> dict[str, Any]:
    """Columns of strings."""
    pa = arrow()

    return dict.fromkeys(columns, pa.string())
