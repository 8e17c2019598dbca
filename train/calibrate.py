"""Temperatures, biases, thresholds and abstention from the logits of development articles.

For relevance a temperature and a bias a topic (Platt 1999): articles picked to be trained on for what is rare in them
shift how often a topic is relevant, and a temperature alone (Guo et al. 2017) can't shift it back. One temperature for
all stances (a topic alone has too few). The threshold is the one with the best F1. All are shrunk by support: the fewer
pairs a temperature was found on, relevant articles (or others, where those are fewer) a bias, relevant articles a
threshold, the harder it is pulled to 1, 0 or 0.5.
Abstention: the least confidence above which the share of right answers is what was asked for, over all topics.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from models.contract import Abstention, Calibration
from models.decision import relevance_probability, sigmoid, softmax
from train.scores import UNKNOWN, Gold, Scores

_BIASES = -4.0, 4.0  # no bias beyond: such answers want other training articles, not another calibration
_TEMPERATURES = np.geomspace(0.25, 8.0, 61)
_SUPPORT = 30.0  # pairs (relevant articles) at which the temperature (threshold) found and 1 (0.5) weigh the same
Array = npt.NDArray[np.float64]


def calibrate(logits: Scores, gold: Gold) -> tuple[Calibration, ...]:
    """Calibration of each topic.

    Args:
        logits: uncalibrated.
    """
    known = gold.stance != UNKNOWN
    stance = fit_stance(logits.stance[known], gold.stance[known]) if known.any() else 1.0
    return tuple(
        _topic(logits.relevance[gold.relevance[:, k] != UNKNOWN, k], column[column != UNKNOWN], stance)
        for k, column in enumerate(gold.relevance.T)
    )


def calibrate_abstention(
    logits: Scores, gold: Gold, calibration: tuple[Calibration, ...], *, relevance: float, stance: float
) -> Abstention:
    """How sure to be, so that of the answers given the share asked for is right.

    Args:
        logits: uncalibrated.
        calibration: of each topic, as they will be applied.
        relevance, stance: the shares; 0 answers always.
    """
    sure, right, stance_sure, stance_right = [], [], [], []
    for k, c in enumerate(calibration):
        known = gold.relevance[:, k] != UNKNOWN
        probability = np.asarray(relevance_probability(logits.relevance[known, k], c))
        said = probability >= c.threshold
        sure.append(np.where(said, probability, 1 - probability))
        right.append(said == (gold.relevance[known, k] == 1))
        known = gold.stance[:, k] != UNKNOWN
        if known.any():
            chances = softmax(logits.stance[known, k] / c.stance_temperature)
            stance_sure.append(chances.max(axis=1))
            stance_right.append(chances.argmax(axis=1) == gold.stance[known, k])
    return Abstention(_least_confidence(sure, right, relevance), _least_confidence(stance_sure, stance_right, stance))


def _least_confidence(sure: list[Array], right: list[npt.NDArray[np.bool_]], wanted: float) -> float:
    """The lowest confidence from which upward a share of ``wanted`` is right, if ``_SUPPORT`` answers are left.

    Where no confidence gives that share, the one that leaves ``_SUPPORT`` answers.
    """
    if wanted == 0 or not any(map(len, sure)):
        return 0.0
    order = np.argsort(-np.concatenate(sure), kind="stable")
    confidence, hits = np.concatenate(sure)[order], np.concatenate(right)[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    last = np.append(confidence[1:] < confidence[:-1], True)  # equally sure answers are given together
    enough = np.flatnonzero((precision >= wanted) & last & (np.arange(1, len(hits) + 1) >= _SUPPORT))
    if len(enough) and enough[-1] == len(hits) - 1:
        return 0.0
    place = int(enough[-1]) if len(enough) else min(int(_SUPPORT), len(hits)) - 1
    return float(np.floor(confidence[place] * 1e4) / 1e4)


def _topic(logits: Array, relevant: npt.NDArray[np.int64], stance: float) -> Calibration:
    if len(set(relevant.tolist())) < 2:  # nothing to tell yes from no by
        return Calibration(stance_temperature=stance)
    found = Calibration(stance_temperature=stance, **fit_relevance(logits, relevant))
    return dataclasses.replace(
        found, threshold=best_threshold(np.asarray(relevance_probability(logits, found)), relevant)
    )


def fit_relevance(logits: Array, relevant: npt.NDArray[np.int64]) -> dict[str, float]:
    """Temperature and bias with the least cross-entropy of ``sigmoid(logits / t + b)``, shrunk toward 1 and 0."""
    signs = np.where(relevant == 1, 1.0, -1.0)
    biases = [_best_bias(logits / t, relevant) for t in _TEMPERATURES]
    losses = [np.logaddexp(0.0, -signs * (logits / t + b)).mean() for t, b in zip(_TEMPERATURES, biases, strict=True)]
    rarer = min(int((relevant == answer).sum()) for answer in (0, 1))
    return {
        "relevance_temperature": _best_temperature(losses, len(relevant)),
        "relevance_bias": round(biases[int(np.argmin(losses))] * rarer / (rarer + _SUPPORT), 4),
    }


def _best_bias(logits: Array, relevant: npt.NDArray[np.int64]) -> float:
    """The bias with which the mean probability is the share of the relevant: where the likelihood's slope is nil."""
    low, high = _BIASES
    for _ in range(40):  # the mean rises with the bias, so halving finds it
        middle = (low + high) / 2
        low, high = (low, middle) if np.mean(sigmoid(logits + middle)) > relevant.mean() else (middle, high)
    return (low + high) / 2


def fit_stance(logits: Array, stance: npt.NDArray[np.int64]) -> float:
    """Temperature with the least cross-entropy of ``softmax(logits / t)``, shrunk as above; logits (N, S)."""
    rows = np.arange(len(stance))
    losses = [-np.log(softmax(logits / t)[rows, stance] + 1e-12).mean() for t in _TEMPERATURES]
    return _best_temperature(losses, len(stance))


def _best_temperature(losses: list[float], pairs: int) -> float:
    """A factor, hence shrunk in its logarithm."""
    return float(_TEMPERATURES[int(np.argmin(losses))] ** (pairs / (pairs + _SUPPORT)))


def best_threshold(probability: Array, relevant: npt.NDArray[np.int64]) -> float:
    """Threshold of the best F1, shrunk toward 0.5 by support."""
    grid = np.linspace(0.2, 0.8, 61)
    f1 = np.array([_f1(probability >= t, relevant == 1) for t in grid])
    # of equally good thresholds, the middle one
    best = float(np.median(grid[f1 >= f1.max() - 1e-9]))
    support = float((relevant == 1).sum())
    return round((support * best + _SUPPORT * 0.5) / (support + _SUPPORT), 4)


def _f1(predicted: npt.NDArray[np.bool_], gold: npt.NDArray[np.bool_]) -> float:
    hit = float((predicted & gold).sum())
    return 2 * hit / max(float(predicted.sum() + gold.sum()), 1.0)
