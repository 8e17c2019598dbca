"""Selective prediction: what is answered, what is left to a person, and how right the answers are.

Three questions are asked of each (article, topic) pair: is it relevant; which stance, given that it is relevant by the
gold labels; and both at once, as they are served (``whole``: right where the relevance is right, and the stance too
where there is one to tell). Risk-coverage curves after El-Yaniv & Wiener 2010; the area under one is the mean risk over
all coverages (AURC, Geifman & El-Yaniv 2017): 0 would be an order that puts every mistake last, and no mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from models.classifier import Answer
from models.contract import Contract
from train.evaluate import predicted_of, probabilities_of
from train.metrics import interval, resample
from train.scores import UNKNOWN, Gold

Bools = npt.NDArray[np.bool_]
_POINTS = 200  # of a curve that is kept


@dataclass(frozen=True)
class Judged:
    """N answers to one question.

    Attributes:
        confidence: float64 (N,), the calibrated probability of what was said.
        right: bool (N,).
        given: bool (N,), false where the checkpoint abstains.
        units: int64 (N,), sampling units.
    """

    confidence: npt.NDArray[np.float64]
    right: Bools
    given: Bools
    units: npt.NDArray[np.int64]


def judge(answers: Sequence[Answer], gold: Gold, units: npt.NDArray[np.int64], contract: Contract) -> dict[str, Judged]:
    """The questions ``relevance``, ``stance`` and ``whole``, over the pairs whose labels are known."""
    predicted, probabilities = predicted_of(answers), probabilities_of(answers)
    p = probabilities.relevance
    sure = np.where(predicted, p, 1 - p)
    by_pair = np.broadcast_to(units[:, None], p.shape)
    right = predicted == (gold.relevance == 1)
    said = np.array([[t.decision.relevant is not None for t in a.topics] for a in answers])
    known = gold.relevance != UNKNOWN
    questions = {"relevance": Judged(sure[known], right[known], said[known], by_pair[known])}
    if contract.taxonomy.stances:
        best, guessed = probabilities.stance.max(axis=-1), probabilities.stance.argmax(axis=-1)
        told = gold.stance != UNKNOWN
        hit = guessed == gold.stance
        enough = best >= contract.abstention.stance
        questions["stance"] = Judged(best[told], hit[told], enough[told], by_pair[told])
        whole = np.array([[not t.decision.abstained for t in a.topics] for a in answers])
        known &= (gold.relevance == 0) | told
        least = np.where(predicted, sure * best, sure)
        both = right & (hit | (gold.relevance == 0))
        questions["whole"] = Judged(least[known], both[known], whole[known], by_pair[known])
    return questions


def selective(judged: Judged, *, seed: int = 0) -> dict[str, Any]:
    """At the checkpoint's abstention.

    Returns:
        ``pairs``; ``coverage``: the share that is answered; ``right``: the share of right answers among these;
        ``always``: among all, were every pair answered. Each with its interval; ``None`` where there is no pair.
    """
    count, samples = len(judged.right), resample(judged.units, seed) if len(judged.units) else []

    def share(of: Bools, among: Bools) -> dict[str, float] | None:
        return interval(lambda i: _mean(of[i][among[i]]), samples, count)

    every = np.ones(count, dtype=np.bool_)
    return {
        "pairs": count,
        "coverage": share(judged.given, every),
        "right": share(judged.right, judged.given),
        "always": share(judged.right, every),
    }


def risk_coverage(judged: Judged) -> dict[str, Any]:
    """The curve from the surest answer to all of them.

    Returns:
        ``coverage`` and ``risk`` (share of wrong answers), equally long; ``area``. Equally sure answers are given
        together, and share the risk of their last.
    """
    if not len(judged.right):
        return {"coverage": [], "risk": [], "area": None}
    order = np.argsort(-judged.confidence, kind="stable")
    sure, n = judged.confidence[order], np.arange(1, len(order) + 1)
    risk = np.cumsum(~judged.right[order]) / n
    last = np.append(sure[1:] < sure[:-1], True)
    ends = np.flatnonzero(last)
    area = float(np.repeat(risk[ends], np.diff(ends, prepend=-1)).mean())
    kept = ends[np.unique(np.linspace(0, len(ends) - 1, min(len(ends), _POINTS)).astype(int))]
    return {
        "coverage": np.round(n[kept] / len(order), 4).tolist(),
        "risk": np.round(risk[kept], 4).tolist(),
        "area": round(area, 4),
    }


def _mean(values: Bools) -> float:
    return float(values.mean()) if len(values) else float("nan")
