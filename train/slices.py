"""The figures on parts of a body of articles: by genre, length, place, period and spelling.

Over a slice F1 of "relevant" is taken over all its (article, topic) pairs at once, and stance is the share of right
ones given relevance: macro averages of a dozen pairs would say little.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from data.article import LabelledArticle
from train.metrics import f1, interval, resample
from train.scores import UNKNOWN, Gold

SMALL = 20  # articles below which a slice tells little
_NAMED = 5  # articles of one place or genre below which it is counted under "other"
_LENGTHS = (150, 300, 600)  # words
_YEAR = re.compile(r"(1[89]|20)\d\d")
_WORD = re.compile(r"[\u0621-\u064a\u0640-\u0652]+")
_HAMZA = re.compile("[أإآ]")
_UNDOTTED = re.compile(r"(?<!\w)(?:فى|التى|الذى|حتي|الي)(?!\w)")
_LATIN, _ARABIC = re.compile("[0-9]"), re.compile("[٠-٩۰-۹]")
NOT_STATED = "not stated"


def slices(
    articles: Sequence[LabelledArticle],
    predicted: npt.NDArray[np.bool_],
    guessed: npt.NDArray[np.int64],
    gold: Gold,
    units: npt.NDArray[np.int64],
    *,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Every slice of every kind that parts the articles at all.

    Args:
        predicted: (A, K), relevant by the thresholds.
        guessed: (A, K), the likeliest stance.
        units: (A,), sampling units.

    Returns:
        ``kind``, ``slice``, ``articles``, ``relevance_f1``, ``stance_pairs``, ``stance_right`` (each figure with its
        interval, or ``None``), ``small`` where it is under ``SMALL`` articles.
    """
    found = []
    for kind, of in KINDS.items():
        names = np.array(of(articles), dtype=object)
        if len(set(names.tolist())) < 2:
            continue
        for name in sorted(set(names.tolist()), key=_order):
            rows = np.flatnonzero(names == name)
            part = Gold(gold.relevance[rows], gold.stance[rows])
            figures = _figures(predicted[rows], guessed[rows], part, resample(units[rows], seed))
            found.append({"kind": kind, "slice": name, "articles": len(rows), **figures, "small": len(rows) < SMALL})
    return found


def _figures(
    predicted: npt.NDArray[np.bool_],
    guessed: npt.NDArray[np.int64],
    gold: Gold,
    samples: list[npt.NDArray[np.int64]],
) -> dict[str, Any]:
    known, told = gold.relevance != UNKNOWN, gold.stance != UNKNOWN
    relevant, hit = gold.relevance == 1, guessed == gold.stance

    def relevance(i: npt.NDArray[np.int64]) -> float:
        inside = known[i]
        return f1(predicted[i][inside], relevant[i][inside]) if relevant[i].any() else float("nan")

    def stance(i: npt.NDArray[np.int64]) -> float:
        inside = told[i]
        return float(hit[i][inside].mean()) if inside.any() else float("nan")

    return {
        "relevance_f1": interval(relevance, samples, len(known)),
        "stance_pairs": int(told.sum()),
        "stance_right": interval(stance, samples, len(known)),
    }


def _order(name: str) -> tuple[bool, int, str]:
    """By the number in front, then by name; what is no value last."""
    number = re.match(r"\d+", name)
    return name in ("other", NOT_STATED), int(number.group()) if number else 0, name


def _named(values: Sequence[str]) -> list[str]:
    counts = Counter(values)
    return [NOT_STATED if not v else v if counts[v] >= _NAMED else "other" for v in values]


def length(text: str) -> str:
    """By words."""
    words = len(text.split())
    for low, high in zip((0, *_LENGTHS), _LENGTHS, strict=False):
        if words < high:
            return f"{low} to {high - 1} words"
    return f"{_LENGTHS[-1]} words or more"


def period(date: str) -> str:
    """Five years: "2015-2019"."""
    year = _YEAR.search(date)
    if not year:
        return NOT_STATED
    first = int(year.group()) // 5 * 5
    return f"{first}-{first + 4}"


def hamza(text: str) -> str:
    """Is the hamza on the alef written? Desks that leave it out do so nearly always."""
    words = _WORD.findall(text)
    return "written" if len(_HAMZA.findall(text)) * 20 >= len(words) else "left out"


def final_ya(text: str) -> str:
    """Is the final ya told from alef maqsura? Judged by the commonest words (فى، التى; الي، حتي)."""
    return "confused" if _UNDOTTED.search(text) else "told apart"


def digits(text: str) -> str:
    """Latin (2011), Arabic (٢٠١١), both or none."""
    latin, arabic = bool(_LATIN.search(text)), bool(_ARABIC.search(text))
    return {(True, True): "both", (True, False): "Latin", (False, True): "Arabic", (False, False): "none"}[
        latin, arabic
    ]


def _of_text(of: Callable[[str], str]) -> Callable[[Sequence[LabelledArticle]], list[str]]:
    return lambda articles: [of(item.article.text) for item in articles]


KINDS: Mapping[str, Callable[[Sequence[LabelledArticle]], list[str]]] = {
    "genre": lambda articles: _named([item.genre for item in articles]),
    "length": _of_text(length),
    "place": lambda articles: _named([item.place for item in articles]),
    "period": lambda articles: [period(item.date) for item in articles],
    "spelling: hamza on alef": _of_text(hamza),
    "spelling: final ya": _of_text(final_ya),
    "spelling: digits": _of_text(digits),
}
