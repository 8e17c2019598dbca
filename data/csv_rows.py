"""CSV as it is met: its separator, its header, and its records even where a quote is never closed."""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections.abc import Iterator
from typing import IO, NamedTuple

SEPARATORS = ",;\t|"
_RECORD = 1 << 22  # characters of the longest record of several lines; a quote open for longer was never closed
_PIECE = 1 << 16  # characters of a line without end that are passed over together
_SAMPLE = 20  # records looked at to tell the separator
_HINT = re.compile(r'"?sep=([^\w"\r\n ])"?[\r\n]*', re.IGNORECASE)  # Excel's first line

csv.field_size_limit(min(sys.maxsize, 1 << 30))  # an article may be longer than the 131,072 characters of the default


class Line(str):
    """A line that was longer than ``_RECORD``: its beginning."""


class Record(NamedTuple):
    """Cells of one record; empty for a blank line.

    Attributes:
        problem: what is wrong with it: code and message; ``cells`` holds what could be read.
    """

    cells: list[str]
    problem: str = ""


def bounded_lines(file: IO[str]) -> Iterator[str]:
    """The lines of ``file``; of one that is longer than any article its beginning, as a ``Line``."""
    after = file.readline(_RECORD)
    while line := after:
        last, most = line, _RECORD
        while len(last) == most and not last.endswith(("\n", "\r")):
            last, most = file.readline(_PIECE), _PIECE
        after = file.readline(_RECORD)
        if len(last) == most and last.endswith("\r") and after == "\n":  # one line end, cut in two
            after = file.readline(_RECORD)
        yield line if last is line else Line(line)


def too_long() -> str:
    """What is wrong with a ``Line``."""
    return f"article_too_long: a line of more than {_RECORD} characters; the rest of it is left out"


def find_header(head: str, *, tabs: bool) -> tuple[str, list[str]]:
    """Separator and header of the table that begins with ``head``.

    The separator is the one named by Excel's ``sep=;`` line; else the one that cuts the header, and after it the
    most records, into the same number of cells.

    Args:
        tabs: the file is named as one with tabs (``.tsv``).

    Returns:
        The separator and the names as they stand there; no names where every line is blank.
    """
    tried = []
    for separator in _hinted(head.splitlines()[0] if head else "") or SEPARATORS:
        found = table_records(io.StringIO(head, newline=""), separator)
        sample = [record.cells for record in itertools.islice(found, _SAMPLE) if record.cells]
        header = sample[0] if sample else []
        alike = sum(len(cells) == len(header) for cells in sample)
        fit = (len(header) > 1, tabs and separator == "\t", alike, len(header))
        tried.append((fit, separator, header))
    _, best, names = max(tried, key=lambda item: item[0])
    return best, names


def table_records(file: IO[str], separator: str) -> Iterator[Record]:
    """The header, which is the first record that isn't blank, then every record under it.

    Args:
        file: opened with ``newline=""``, at its beginning.
    """
    lines = bounded_lines(file)
    first = next(lines, "")
    lines = lines if _hinted(first) else itertools.chain([first], lines)
    return itertools.dropwhile(lambda record: not "".join(record.cells).strip(), _records(lines, separator))


def _hinted(line: str) -> str:
    hint = _HINT.fullmatch(line)
    return hint[1] if hint else ""


def _records(lines: Iterator[str], separator: str) -> Iterator[Record]:
    """Records one at a time.

    A quote that is opened and not closed would swallow what follows, up to the next quote or the end of the file.
    Where that comes to light, only the opening line is a record with a problem; the lines it swallowed are read again,
    each on its own. (None of them begins a cell of several lines: its quote would have closed the open one.)
    """
    again = ""
    while line := again or next(lines, ""):
        again = ""
        if isinstance(line, Line):
            yield Record(_alone(line, separator).cells, too_long())
            continue
        taken: list[str] = []
        try:
            # strict: without it the end of the file, or a letter behind a closing quote, would be no error
            cells = next(csv.reader(_take(line, lines, taken), delimiter=separator, strict=True))
        except csv.Error:
            if len(taken) > 1:
                again = taken.pop()
            yield from (_alone(line, separator) for line in taken)
        else:
            yield Record(cells)


def _take(first: str, lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    size = 0
    for line in itertools.chain([first], lines):
        taken.append(line)
        size += len(line)
        if isinstance(line, Line) or (size > _RECORD and len(taken) > 1):
            raise csv.Error("too long")
        yield line


def _alone(line: str, separator: str) -> Record:
    """One line, forgiving what stands behind a closing quote (``"he" said``)."""
    cells = next(csv.reader([line.rstrip("\r\n") + "\n"], delimiter=separator), [])
    if cells and cells[-1].endswith("\n"):
        return Record([*cells[:-1], cells[-1][:-1]], "bad_row: a quote is opened and never closed")
    return Record(cells)
