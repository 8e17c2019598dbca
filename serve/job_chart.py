"""A scored table in counts: topic, stance and month, which the page draws."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pydantic import BaseModel

from data.sources import Source
from serve.summary.dates import find_order, read_date
from serve.summary.scored import open_scored


class Count(BaseModel):
    """So many articles about a topic, with a stance (null: too unsure to say, or none), in a month (null: undated)."""

    topic: str
    stance: str | None
    month: str | None
    articles: int


class Chart(BaseModel):
    """A scored table in counts; ``date_column`` is null where it has none, ``months`` counts all articles of each."""

    date_column: str | None
    articles: int
    errors: int
    undated: int
    months: dict[str, int]
    counts: list[Count]


def chart(path: Path, date_column: str | None = None) -> Chart:
    """Count the rows of a scored table, a few in memory at a time; months are like ``2024-05``, in order.

    Args:
        date_column: default: by its usual names.

    Raises:
        DataError: as ``open_scored``.
    """
    table = open_scored(Source(path), date_column=date_column)
    column = table.columns.get("date")
    day_first = find_order(table.cells("date")).day_first if column else True
    months: Counter[str | None] = Counter()
    counts: Counter[tuple[str, str | None, str | None]] = Counter()
    errors = 0
    for row in table.rows():
        day = read_date(row.date, day_first=day_first)
        month = f"{day:%Y-%m}" if day else None
        months[month] += 1
        errors += bool(row.error)
        counts.update((found.topic, found.stance, month) for found in row.topics if found.relevant)
    undated = months.pop(None, 0)
    return Chart(
        date_column=column,
        articles=months.total() + undated,
        errors=errors,
        undated=undated,
        months={month: months[month] for month in sorted(filter(None, months))},
        counts=[
            Count(topic=topic, stance=stance, month=month, articles=number)
            for (topic, stance, month), number in sorted(counts.items(), key=lambda item: tuple(map(str, item[0])))
        ],
    )
