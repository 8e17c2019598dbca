"""From per-token heads to probabilities, labels and each sentence's part in them (numpy).

The attention is a softmax over every counted token of the article, so it makes no difference how the article was
cut into windows: with m the log-sum-exp of a window's scores and s its own weighted mean, Σ softmax(m)·s is the same
number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.contract import Abstention, Calibration, Contract
from models.encoding import Encoded, Window

Array = npt.NDArray[np.float32]
Array64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pooled:
    """An article's logits and where they come from.

    Attributes:
        relevance: (K,) logits.
        stance: (K, S) logits.
        attention: (M, K), each sentence's share of the attention; sums to one over the sentences.
    """

    relevance: Array64
    stance: Array64
    attention: Array64


@dataclass(frozen=True)
class Decision:
    """One topic's answer.

    Attributes:
        probability: calibrated, that the article is about the topic.
        relevant: ``probability`` reaches the topic's threshold; ``None`` where that is too unsure to be said.
        stances: calibrated probabilities in the taxonomy's order, given relevance.
        stance: the likeliest; ``None`` where not relevant, too unsure, or the taxonomy has no stances.
        abstained: relevance, or the stance of a relevant article, was too unsure to be said.
    """

    probability: float
    relevant: bool | None
    stances: tuple[float, ...]
    stance: str | None
    abstained: bool


def pool(encoded: Encoded, heads: Sequence[Array]) -> Pooled:
    """Merge the windows of one article exactly.

    Args:
        heads: for each window of ``encoded``, (T, K, 2 + S): score, relevance value, stance values.
    """
    tokens = counted_tokens(encoded.windows, heads).astype(np.float64)
    scores = tokens[..., 0]
    weights = np.exp(scores - scores.max(axis=0))
    weights /= weights.sum(axis=0)
    logits = np.einsum("nk,nkv->kv", weights, tokens[..., 1:])
    attention = np.zeros((len(encoded.sentences), scores.shape[1]))
    np.add.at(attention, encoded.sentence_of, weights)
    return Pooled(logits[:, 0], logits[:, 1:], attention)


def counted_tokens(windows: Sequence[Window], heads: Sequence[Array]) -> Array:
    """The heads of the article's N tokens in reading order: (N, K, 2 + S)."""
    return np.concatenate([head[window.counted] for window, head in zip(windows, heads, strict=True)])


def decide(pooled: Pooled, contract: Contract) -> list[Decision]:
    """Calibrate and decide, topic by topic in the taxonomy's order."""
    return [
        _decide(float(relevance), stance, calibration, contract.abstention, contract.taxonomy.stances)
        for relevance, stance, calibration in zip(pooled.relevance, pooled.stance, contract.calibration, strict=True)
    ]


def _decide(
    relevance: float, stance: Array64, calibration: Calibration, least: Abstention, names: Sequence[str]
) -> Decision:
    probability = float(relevance_probability(np.float64(relevance), calibration))
    relevant = probability >= calibration.threshold
    stances = softmax(stance / calibration.stance_temperature) if len(names) else stance
    chances = tuple(float(p) for p in stances)
    if confidence(probability, relevant) < least.relevance:
        return Decision(probability, None, chances, None, abstained=True)
    if not (relevant and names):
        return Decision(probability, relevant, chances, None, abstained=False)
    unsure = max(chances) < least.stance
    return Decision(probability, relevant, chances, None if unsure else names[int(stances.argmax())], abstained=unsure)


def confidence(probability: float, relevant: bool) -> float:
    """The calibrated probability that the decision is right."""
    return probability if relevant else 1 - probability


def relevance_probability(logits: Array64 | np.float64, calibration: Calibration) -> Array64 | np.float64:
    """Calibrated probabilities of one topic's relevance, in the shape of ``logits``."""
    return sigmoid(logits / calibration.relevance_temperature + calibration.relevance_bias)


def sigmoid(x: Array64 | np.float64) -> Array64 | np.float64:
    """Logistic function, without overflow on either side."""
    return np.exp(-np.logaddexp(0.0, -x))


def softmax(x: Array64) -> Array64:
    """Along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))
