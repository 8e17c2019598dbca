"""What a model is worth: per topic, by stance, calibration, evidence; with n and 95 % intervals.

Intervals are percentiles of 1,000 bootstrap samples of units: articles of one event are drawn together, for they are
not independent, and an article without an event is a unit of its own. What cannot be computed, for want of a label,
is ``None``. Definitions:

- ``topic_macro_f1``: F1 of "relevant", averaged over the topics that have a relevant article.
- ``stance_macro_f1``: stance given relevance: over all (article, topic) pairs that are relevant by the gold labels,
  whatever the model said of their relevance; F1 of each stance that occurs, averaged.
- ``stance_end_to_end``: the same, where a pair the model finds not relevant counts as missed, and a stance given to a
  pair that is not relevant as false.
- ``calibration_error``: expected calibration error of the relevance probability, 10 equal-width bins, over all pairs.
  No interval: the error is biased upward in small samples, and in a bootstrap sample twice, so that percentiles can lie
  wholly above the value itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from data.taxonomy import Taxonomy
from train.scores import UNKNOWN, Gold, Scores

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
_SAMPLES = 1000


def measure(
    probabilities: Scores,
    predicted: Bools,
    gold: Gold,
    taxonomy: Taxonomy,
    *,
    units: Ints | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """All figures of one body of articles.

    Args:
        probabilities: calibrated: relevance (A, K), stance (A, K, S).
        predicted: (A, K), relevant by the thresholds.
        units: (A,), the sampling unit of each article (``train.scores.units_of``); default: each its own.
    """
    count = len(gold.relevance)
    samples = resample(np.arange(count) if units is None else units, seed)
    stances = len(taxonomy.stances)
    guessed = probabilities.stance.argmax(axis=-1) if stances else np.zeros_like(gold.stance)

    def figure(of: Callable[[Ints], float]) -> dict[str, float] | None:
        return interval(of, samples, count)

    error = _round(calibration_error(probabilities.relevance, gold.relevance))

    result: dict[str, Any] = {
        "articles": count,
        "topic_macro_f1": figure(lambda i: topic_macro_f1(predicted[i], gold.relevance[i])),
        "calibration_error": None if error is None else {"value": error},
        "topics": {topic: _topic(predicted[:, k], gold.relevance[:, k]) for k, topic in enumerate(taxonomy.ids)},
    }
    if stances:
        result["stance_pairs"] = int((gold.stance != UNKNOWN).sum())
        result["stance_macro_f1"] = figure(lambda i: stance_macro_f1(guessed[i], gold.stance[i], stances))
        result["stance_end_to_end"] = figure(
            lambda i: stance_end_to_end(predicted[i], guessed[i], gold.relevance[i], gold.stance[i], stances)
        )
        for k, topic in enumerate(taxonomy.ids):
            pairs = gold.stance[:, k] != UNKNOWN
            value = stance_macro_f1(guessed[:, k], gold.stance[:, k], stances)
            result["topics"][topic]["stance_macro_f1"] = _round(value)
            result["topics"][topic]["stances"] = {
                name: int((gold.stance[pairs, k] == s).sum()) for s, name in enumerate(taxonomy.stances)
            }
    return result


def resample(units: Ints, seed: int) -> list[Ints]:
    """Bootstrap samples of row numbers: as many units as there are, drawn with replacement, each with all its rows."""
    rng = np.random.default_rng(seed)
    order = np.argsort(units, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(units[order])) + 1)
    return [np.concatenate([rows[u] for u in rng.integers(len(rows), size=len(rows))]) for _ in range(_SAMPLES)]


def interval(of: Callable[[Ints], float], samples: list[Ints], count: int) -> dict[str, float] | None:
    """The figure over all rows, and the 2.5th and 97.5th percentile over ``samples`` of them; ``None`` for NaN."""
    value = of(np.arange(count))
    if np.isnan(value):
        return None
    low, high = np.nanpercentile([of(sample) for sample in samples], [2.5, 97.5])
    return {name: round(float(number), 4) for name, number in (("value", value), ("low", low), ("high", high))}


def topic_macro_f1(predicted: Bools, relevance: Ints) -> float:
    """See the module; NaN where no topic has a relevant article."""
    scores = [
        f1(predicted[known, k], relevance[known, k] == 1)
        for k, known in enumerate((relevance != UNKNOWN).T)
        if (relevance[:, k] == 1).any()
    ]
    return float(np.mean(scores)) if scores else float("nan")


def stance_macro_f1(guessed: Ints, stance: Ints, stances: int) -> float:
    """See the module; NaN where no pair has a stance."""
    known = stance != UNKNOWN
    scores = [f1(guessed[known] == s, stance[known] == s) for s in range(stances) if (stance[known] == s).any()]
    return float(np.mean(scores)) if scores else float("nan")


def stance_end_to_end(
    predicted: Bools,
    guessed: Ints,
    relevance: Ints,
    stance: Ints,
    stances: int,
) -> float:
    """See the module. Pairs whose relevance, or whose stance though relevant, nobody annotated are left out."""
    known = (relevance == 0) | ((relevance == 1) & (stance != UNKNOWN))
    scores = [
        f1((predicted & (guessed == s))[known], (stance == s)[known])
        for s in range(stances)
        if (stance[known] == s).any()
    ]
    return float(np.mean(scores)) if scores else float("nan")


def f1(predicted: Bools, gold: Bools) -> float:
    """Harmonic mean of precision and recall; 0 where nothing is right."""
    hit = float((predicted & gold).sum())
    total = float(predicted.sum() + gold.sum())
    return 2 * hit / total if total else 0.0


def calibration_error(probability: npt.NDArray[np.float64], relevance: Ints, bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015) over all annotated pairs; NaN where there is none."""
    found = reliability(probability, relevance, bins)
    total = sum(b["pairs"] for b in found)
    return sum(b["pairs"] / total * abs(b["probability"] - b["share"]) for b in found) if found else float("nan")


def reliability(probability: npt.NDArray[np.float64], relevance: Ints, bins: int = 10) -> list[dict[str, float]]:
    """Each equal-width bin with annotated pairs in it: ``pairs``, mean ``probability``, ``share`` of relevant ones."""
    known = relevance != UNKNOWN
    p, y = probability[known], relevance[known]
    place = np.minimum((p * bins).astype(int), bins - 1)
    return [
        {"pairs": int(inside.sum()), "probability": float(p[inside].mean()), "share": float(y[inside].mean())}
        for inside in (place == b for b in range(bins))
        if inside.any()
    ]


def confusion(guessed: Ints, gold: Ints, classes: int) -> Ints:
    """Counts (classes, classes), gold by row and guess by column, over what is annotated."""
    known = gold != UNKNOWN
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (gold[known], guessed[known]), 1)
    return counts


def precision_recall_f1(predicted: Bools, relevance: Ints) -> tuple[float, float, float]:
    """Of one topic, over its annotated articles; 0 where there is nothing to divide by."""
    known = relevance != UNKNOWN
    p, y = predicted[known], relevance[known] == 1
    hit = float((p & y).sum())
    return hit / p.sum() if p.any() else 0.0, hit / y.sum() if y.any() else 0.0, f1(p, y)


def _topic(predicted: Bools, relevance: Ints) -> dict[str, Any]:
    figures = precision_recall_f1(predicted, relevance)
    names = ("precision", "recall", "f1")
    return {
        "relevant": int((relevance == 1).sum()),
        **{name: _round(value) for name, value in zip(names, figures, strict=True)},
    }


def _round(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else round(float(value), 4)
