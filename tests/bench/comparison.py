"""Contenders beside each other: ratios of the same round, and where somebody else is ahead.

``rows`` maps a contender's kind to ``{"rounds": [{figure: value, …}, …]}``, with an ``error`` where it could not go on.
"""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tests.bench.spread import shown, spread

Rows = Mapping[str, Mapping[str, Any]]


class Figure(NamedTuple):
    """What is compared.

    Attributes:
        sign: 1 where more is better, -1 where less is.
    """

    key: str
    label: str
    sign: int
    digits: int


def values(rows: Rows, kind: str, key: str) -> list[float]:
    """What each round gave; empty where nothing did."""
    return [found[key] for found in rows.get(kind, {}).get("rounds", []) if found.get(key) is not None]


def cell(rows: Rows, kind: str, key: str, digits: int = 0) -> str:
    """Median, least and most, or a dash."""
    found = values(rows, kind, key)
    return shown(spread(found), digits) if found else "–"


def ratio(rows: Rows, kind: str, base: str | None, key: str) -> str:
    """How many times ``base`` the contender is: median, least and most of the quotients of the same round."""
    if base is None:
        return "–"
    pairs = zip(values(rows, kind, key), values(rows, base, key), strict=False)  # one may have failed in a later round
    found = [mine / theirs for mine, theirs in pairs if theirs]
    return shown(spread(found), 2) if found else "–"


def turns(rows: Rows) -> int:
    """How many the contender had who had most."""
    return max(len(row["rounds"]) for row in rows.values())


def best(rows: Rows, kinds: Iterable[str], key: str) -> str | None:
    """Who of ``kinds`` has the highest median."""
    found = {kind: statistics.median(given) for kind in kinds if (given := values(rows, kind, key))}
    return max(found, key=lambda kind: found[kind]) if found else None


def ahead(
    rows: Rows, peers: Mapping[str, str], ours: str, figures: Iterable[Figure], reasons: Mapping[tuple[str, str], str]
) -> list[str]:
    """A line for each figure in which a peer's median is better than ours.

    Args:
        peers: kind to name.
        ours: our kind.
        reasons: why, by kind and figure; a figure alone, under an empty kind, where all peers share it.
    """
    lines = []
    for kind, name in peers.items():
        for figure in figures:
            theirs, mine = values(rows, kind, figure.key), values(rows, ours, figure.key)
            if not theirs or not mine:
                continue
            peer, own = statistics.median(theirs), statistics.median(mine)
            said = [f"{value:,.{figure.digits}f}" for value in (peer, own)]
            if figure.sign * peer > figure.sign * own and len(set(said)) == 2:
                why = reasons.get((kind, figure.key)) or reasons.get(("", figure.key), "")
                lines.append(f"- {name}, {figure.label}: {' against '.join(said)}. {why}".rstrip())
    return lines


def prose(*sentences: str) -> str:
    """A paragraph, in lines of 120 characters."""
    return textwrap.fill(" ".join(sentences), 120, break_long_words=False, break_on_hyphens=False)


def errors(rows: Rows, names: Mapping[str, str]) -> list[str]:
    """A line for each contender that could not be measured, or not to the end."""
    return [f"- {names[kind]}: {row['error']}" for kind, row in rows.items() if "error" in row and kind in names]
