"""The figures of a summary, as a tidy table and as JSON: every share with its count, its n and its interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data.writers import Writer
from models.checkpoint import Checkpoint
from serve.summary.tallies import NO, STANCE_UNSURE, UNSURE, Counts, Kept, Tally, wilson

ALL = "(all)"
COLUMNS = ("topic", "stance", "outlet", "month", "count", "n", "share", "low", "high")


@dataclass(frozen=True)
class Note:
    """Something that a reader must know: ``code`` in ``words.toml``, and what goes into its sentence."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Figures:
    """All that a report shows.

    Attributes:
        sources: names of the tables read.
        chosen: the filter, as given at the command line.
        outside: rows that it left out.
        undated: rows counted whose date is not there or can't be read.
        checkpoint: the one that the tables name, where it was found here.
    """

    sources: tuple[str, ...]
    tally: Tally
    counts: Counts
    notes: tuple[Note, ...]
    chosen: dict[str, Any]
    outside: int
    undated: int
    checkpoint: Checkpoint | None

    @property
    def scored(self) -> int:
        return self.tally.rows - sum(self.tally.errors.values())

    def evidence(self) -> Iterator[tuple[str, str, Kept]]:
        """Topic, state and sentence: by topic and stance, the strongest first."""
        for (topic, its), best in self.tally.evidence.items():
            yield from ((topic, its, kept) for kept in best.ranked())

    def doubts(self) -> Iterator[tuple[str, str, Kept]]:
        """Topic, kind of abstention and row, the nearest to being decided first."""
        for (topic, its), best in self.tally.doubts.items():
            yield from ((topic, its, kept) for kept in best.ranked())

    def quality(self) -> list[dict[str, Any]]:
        """What the checkpoint was measured to be worth, body by body of articles."""
        scores = read_metrics(self.checkpoint).get("scores", {})
        return [{"body": body, **models["wijha"]} for body, models in scores.items() if "wijha" in models]


def read_metrics(checkpoint: Checkpoint | None) -> dict[str, Any]:
    """``metrics.json`` of a checkpoint; empty where there is none."""
    import json

    path = checkpoint.folder / "metrics.json" if checkpoint else None
    return json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else {}


def tidy(counts: Counts, *, both: bool = True) -> Iterator[dict[str, Any]]:
    """Every share: of all, by outlet, by month, and by both; ``(all)`` stands for the sum over outlets or months.

    ``stance`` is a stance, ``stance_abstained`` (both of the relevant articles: ``n``), ``relevant`` or
    ``relevance_abstained`` (of all scored articles). ``stories`` is ``count`` with each story counted once.

    Args:
        both: also by outlet and month at once, which is most of the table.
    """
    outlets, months = counts.cells[:, 0], counts.cells[:, 1]
    every = np.zeros(len(counts.cells), dtype=np.int64)
    for by_outlet, by_month in ((False, False), (True, False), (False, True), (True, True))[: 3 + both]:
        keys = np.stack([outlets if by_outlet else every - 1, months if by_month else every - 1], axis=1)
        groups, group = np.unique(keys, axis=0, return_inverse=True)
        group = group.reshape(-1)
        summed = []
        for table in (counts.articles, counts.stories):
            if table is not None:
                total = np.zeros((len(groups), *table.shape[1:]))
                np.add.at(total, group, table)
                summed.append(total)
        for place, (outlet, month) in enumerate(groups.tolist()):
            where = {
                "outlet": counts.outlets[outlet] if by_outlet else ALL,
                "month": counts.months[month] if by_month else ALL,
            }
            for k, topic in enumerate(counts.topics):
                yield from ({"topic": topic, **where, **row} for row in _shares(counts, [t[place, k] for t in summed]))


def _shares(counts: Counts, tables: list[Any]) -> Iterator[dict[str, Any]]:
    """Of one topic in one place; ``tables``: rows by state, and stories by state where they are known."""
    first = [dict(zip(counts.states, table.tolist(), strict=True)) for table in tables]
    total = sum(first[0].values())
    relevant = [sum(t.values()) - t[UNSURE] - t[NO] for t in first]
    rows = [("relevant", relevant, total), (UNSURE, [t[UNSURE] for t in first], total)]
    for its in (*counts.stances, STANCE_UNSURE):
        rows.append((its, [t[its] for t in first], relevant[0]))
    for its, many, n in rows:
        if n:
            low, high = wilson(many[0], n)
            row = {"stance": its, "count": int(many[0]), "n": int(n)}
            row |= {"share": round(many[0] / n, 4), "low": round(low, 4), "high": round(high, 4)}
            yield row | ({"stories": round(many[1], 2)} if len(many) > 1 else {})


def write_csv(path: Path, counts: Counts) -> None:
    """The tidy table for a spreadsheet: a byte order mark, and no cell that is a formula."""
    columns = (*COLUMNS, "stories") if counts.stories is not None else COLUMNS
    with Writer(path, columns, excel=True) as out:
        for row in tidy(counts):
            out.write({name: str(value) for name, value in row.items()})


def to_json(figures: Figures) -> dict[str, Any]:
    """All figures as plain values."""
    tally = figures.tally
    return {
        "sources": list(figures.sources),
        "filter": figures.chosen,
        "rows": tally.rows,
        "outside_filter": figures.outside,
        "scored": figures.scored,
        "undated": figures.undated,
        "models": dict(tally.models.most_common()),
        "quality": figures.quality(),
        "errors": dict(tally.errors.most_common()),
        "warnings": dict(tally.warnings.most_common()),
        "notes": [asdict(note) for note in figures.notes],
        "shares": list(tidy(figures.counts)),
        "evidence": [{"topic": t, "stance": s, **asdict(kept)} for t, s, kept in figures.evidence()],
        "abstentions": [{"topic": t, "kind": s, **asdict(kept)} for t, s, kept in figures.doubts()],
    }
