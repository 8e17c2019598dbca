"""Figures of several rounds, and tables of them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, least, most and n of what several rounds gave; plain values, for JSON."""
    given = list(values)
    return {"median": statistics.median(given), "least": min(given), "most": max(given), "n": len(given)}


def shown(found: Mapping[str, float], digits: int = 0) -> str:
    """``median [least–most]``."""
    middle, least, most = (f"{found[key]:,.{digits}f}" for key in ("median", "least", "most"))
    return middle if least == most else f"{middle} [{least}–{most}]"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table, with numbers' columns (all but the first) to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
