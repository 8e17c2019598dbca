"""What the page's script draws from: counts by outlet, month, topic and answer, small enough for a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from serve.summary.figures import Figures
from serve.summary.tallies import FEW, Array

_OUTLETS = 40  # named in the page, those with most articles; the others are one entry


def embedded(figures: Figures, words: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Plain values.

    Args:
        words: of the report's language.
        names: topic to its name in that language.

    Returns:
        ``cells``: pairs of places in ``outlets`` and ``months``; ``articles`` and ``stories`` (or ``None``): for each
        of them T x S counts in a row; ``place``: the spelling of an outlet to its place in ``outlets``.
    """
    counts = figures.counts
    of_outlet = np.zeros(len(counts.outlets))
    rows = counts.articles.sum(axis=2).max(axis=1, initial=0.0)
    np.add.at(of_outlet, counts.cells[:, 0], rows)
    order = sorted((o for o in range(1, len(of_outlet)) if of_outlet[o]), key=lambda o: (-of_outlet[o], o))
    shown, folded = order[:_OUTLETS], order[_OUTLETS:]
    if len(folded) == 1:
        shown, folded = order, []
    outlets = [counts.outlets[o] for o in shown]
    rest, unknown = len(shown), len(shown) + bool(folded)
    to_page = np.full(len(of_outlet), rest, dtype=np.int64)
    to_page[shown] = range(len(shown))
    to_page[0] = unknown
    outlets += [words["other_outlets"].format(n=len(folded))] * bool(folded)
    outlets += [words["unknown_outlet"]] * bool(of_outlet[0])
    months = sorted(counts.months)
    to_month = np.array([months.index(m) for m in counts.months])
    keys = to_page[counts.cells[:, 0]] * len(months) + to_month[counts.cells[:, 1]]
    cells, cell = np.unique(keys, return_inverse=True)
    many = np.zeros(len(outlets))
    np.add.at(many, cells[cell] // len(months), rows)

    def table(counted: Array, digits: int) -> list[list[float]]:
        summed = np.zeros((len(cells), counted.shape[1] * counted.shape[2]))
        np.add.at(summed, cell, counted.reshape(len(counted), -1))
        return [[int(x) if x == int(x) else x for x in row] for row in summed.round(digits).tolist()]

    stories = counts.stories
    return {
        "few": FEW,
        "topics": [{"id": topic, "name": names[topic]} for topic in counts.topics],
        "states": list(counts.states),
        "outlets": outlets,
        "named": [int(place >= len(shown)) for place in range(len(outlets))],
        "many": [int(n) for n in many],
        "by_outlet": bool(shown),
        "months": months,
        "cells": [[int(key) // len(months), int(key) % len(months)] for key in cells],
        "articles": table(counts.articles, 0),
        "stories": None if stories is None else table(stories, 3),
        "sizes": [
            float(c.sum(axis=(0, 2)).max(initial=0.0))
            for c in (counts.articles, counts.articles if stories is None else stories)
        ],
        "undated": figures.undated,
        "place": {name: int(to_page[o]) for o, name in enumerate(counts.outlets)},
        "words": {key: value for key, value in words.items() if isinstance(value, str)} | {"states": words["states"]},
    }
