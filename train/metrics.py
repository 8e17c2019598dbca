"""What a model is worth: per topic, by stance, calibration, evidence; with n and 95 % intervals.

Intervals are percentiles of 1,000 bootstrap samples of articles. Definitions:

- ``topic_macro_f1``: F1 of "relevant", averaged over the topics that have a relevant article.
- ``stance_macro_f1``: stance given relevance: over all (article, topic) pairs that are relevant by the gold labels,
  whatever the model said of their relevance; F1 of each stance that occurs, averaged.
- ``stance_end_to_end``: the same, where a pair the model finds not relevant counts as missed, and a stance given to a
  pair that is not relevant as false.
- ``calibration_error``: expected calibration error of the relevance probability, 10 equal-width bins, over all pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from data.taxonomy import Taxonomy
from train.scores import UNKNOWN, Gold, Scores

Bools = npt.NDArray[np.bool_]
_SAMPLES = 1000


def measure(
    probabilities: Scores, predicted: Bools, gold: Gold, taxonomy: Taxonomy, *, seed: int = 0
) -> dict[str, Any]:
    """All figures of one body of articles.

    Args:
        probabilities: calibrated: relevance (A, K), stance (A, K, S).
        predicted: (A, K), relevant by the thresholds.
    """
    count = len(gold.relevance)
    rng = np.random.default_rng(seed)
    samples = [rng.integers(count, size=count) for _ in range(_SAMPLES)]
    stances = len(taxonomy.stances)
    guessed = probabilities.stance.argmax(axis=-1) if stances else np.zeros_like(gold.stance)

    def figure(of: Callable[[npt.NDArray[np.int64]], float]) -> dict[str, float]:
        return interval(of, samples, count)

    result: dict[str, Any] = {
        "articles": count,
        "topic_macro_f1": figure(lambda i: topic_macro_f1(predicted[i], gold.relevance[i])),
        "calibration_error": figure(lambda i: calibration_error(probabilities.relevance[i], gold.relevance[i])),
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
            result["topics"][topic]["stance_macro_f1"] = stance_macro_f1(guessed[:, k], gold.stance[:, k], stances)
            result["topics"][topic]["stances"] = {
                name: int((gold.stance[pairs, k] == s).sum()) for s, name in enumerate(taxonomy.stances)
            }
    return result


def interval(
    of: Callable[[npt.NDArray[np.int64]], float], samples: list[npt.NDArray[np.int64]], count: int
) -> dict[str, float]:
    """The figure over all articles, and the 2.5th and 97.5th percentile over ``samples`` of their indices."""
    values = np.array([of(sample) for sample in samples])
    low, high = np.nanpercentile(values, [2.5, 97.5]) if not np.isnan(values).all() else (np.nan, np.nan)
    return {"value": _round(of(np.arange(count))), "low": _round(low), "high": _round(high)}


def topic_macro_f1(predicted: Bools, relevance: npt.NDArray[np.int64]) -> float:
    """See the module; NaN where no topic has a relevant article."""
    scores = [
        f1(predicted[known, k], relevance[known, k] == 1)
        for k, known in enumerate((relevance != UNKNOWN).T)
        if (relevance[:, k] == 1).any()
    ]
    return float(np.mean(scores)) if scores else float("nan")


def stance_macro_f1(guessed: npt.NDArray[np.int64], stance: npt.NDArray[np.int64], stances: int) -> float:
    """See the module; NaN where no pair has a stance."""
    known = stance != UNKNOWN
    scores = [f1(guessed[known] == s, stance[known] == s) for s in range(stances) if (stance[known] == s).any()]
    return float(np.mean(scores)) if scores else float("nan")


def stance_end_to_end(
    predicted: Bools,
    guessed: npt.NDArray[np.int64],
    relevance: npt.NDArray[np.int64],
    stance: npt.NDArray[np.int64],
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


def calibration_error(probability: npt.NDArray[np.float64], relevance: npt.NDArray[np.int64], bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015) over all annotated pairs."""
    known = relevance != UNKNOWN
    p, y = probability[known], relevance[known]
    place = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [
        (place == b).mean() * abs(p[place == b].mean() - y[place == b].mean())
        for b in range(bins)
        if (place == b).any()
    ]
    return float(np.sum(gaps))


def _topic(predicted: Bools, relevance: npt.NDArray[np.int64]) -> dict[str, Any]:
    known = relevance != UNKNOWN
    p, y = predicted[known], relevance[known] == 1
    hit = float((p & y).sum())
    return {
        "relevant": int(y.sum()),
        "precision": _round(hit / p.sum() if p.any() else 0.0),
        "recall": _round(hit / y.sum() if y.any() else 0.0),
        "f1": _round(f1(p, y)),
    }


def _round(value: float) -> float:
    return round(float(value), 4)
