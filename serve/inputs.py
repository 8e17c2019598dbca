"""The tables of a run: which columns are read, what a person is told of them, and what makes them the same again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import DataError
from data.sources import Source, digest, find_sources
from data.tables import TEXT_COLUMNS, TITLE_COLUMNS, Row, Table, listed, open_table


@dataclass(frozen=True)
class Item:
    """A row on its way.

    Attributes:
        source: the name of its table.
    """

    row: Row
    title: str
    text: str
    source: str


@dataclass(frozen=True)
class Input:
    """One table.

    Attributes:
        name: its path from the folder that all inputs share.
        text, title: columns; ``title`` may be missing.
        seal: size and BLAKE2b digest of the file.
        stamp: size and time of change when the digest was taken.
    """

    table: Table
    name: str
    text: str
    title: str | None
    seal: str
    stamp: tuple[int, int]

    @property
    def notes(self) -> list[str]:
        """What was found, for a person."""
        table = self.table
        separator = {"\t": "tab"}.get(table.separator, table.separator)
        how = f"{table.encoding}, separator {separator}" if separator else _NAMES[table.kind]
        told = [f"{self.name}: {how}; text column {self.text!r}, title {self.title!r}"]
        if table.renamed:
            told.append(f"{self.name}: headers that stood twice or were empty are now {listed(table.renamed, 10)}")
        return told

    def items(self, meter: Callable[[int], None]) -> Iterator[Item]:
        """The rows, in order, one at a time."""
        for row in self.table.rows(meter):
            yield Item(row, row.values[self.title] if self.title else "", row.values[self.text], self.name)

    def check_unchanged(self) -> None:
        """Whether the file is the one that was sealed.

        Raises:
            DataError: ``input_changed``.
        """
        if _stamp(self.table.source.path) != self.stamp:
            raise DataError(
                "input_changed", "the file was changed while it was scored; start over with --fresh", where=self.name
            )


_NAMES = {"jsonl": "JSON Lines", "parquet": "Parquet"}


def open_inputs(sources: Sequence[Path], target: Path, text: str | None, title: str | None) -> list[Input]:
    """Find and open the tables of ``sources``; each chooses its own columns where none is named.

    Raises:
        DataError: see ``find_sources`` and ``open_table``; ``no_text_column``, ``no_such_column``.
    """
    found = find_sources(sources, but=target)
    base = os.path.commonpath([source.path.resolve().parent for source in found])
    seals: dict[Path, tuple[str, tuple[int, int]]] = {}
    inputs = []
    for source in found:
        table = open_table(source)
        body = table.column(text, TEXT_COLUMNS, what="text", taken=title)
        if body is None:
            message = f"name it with --text-column; the table has: {listed(table.columns)}"
            raise DataError("no_text_column", message, where=source.where)
        head = table.column(title, TITLE_COLUMNS, what="title", taken=body)
        if source.path not in seals:
            stamp = _stamp(source.path)
            seals[source.path] = f"{stamp[0]} bytes {digest(source.path)}", stamp
        inputs.append(Input(table, _name(source, base), body, head, *seals[source.path]))
    return inputs


def _name(source: Source, base: str) -> str:
    path = Path(os.path.relpath(source.path.resolve(), base)).as_posix()
    return f"{path}/{source.member}" if source.member else path


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
