"""Gold labels beside a model's logits, as arrays: what calibration, metrics and baselines share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.article import LabelledArticle
from data.taxonomy import Taxonomy

UNKNOWN = -1


@dataclass(frozen=True)
class Gold:
    """Labels of A articles.

    Attributes:
        relevance: int64 (A, K): 1, 0, or ``UNKNOWN`` where not annotated.
        stance: int64 (A, K): index of the stance, or ``UNKNOWN``.
    """

    relevance: npt.NDArray[np.int64]
    stance: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """A model's answers on the same articles.

    Attributes:
        relevance: float64 (A, K), logits or probabilities by context.
        stance: float64 (A, K, S).
    """

    relevance: npt.NDArray[np.float64]
    stance: npt.NDArray[np.float64]


def units_of(articles: Sequence[LabelledArticle]) -> npt.NDArray[np.int64]:
    """The sampling unit of each article, (A,): its event, for articles of one event are not independent.

    An article without an event is its own unit.
    """
    numbers: dict[str | int, int] = {}
    return np.array(
        [numbers.setdefault(item.event or a, len(numbers)) for a, item in enumerate(articles)], dtype=np.int64
    )


def gold_of(articles: Sequence[LabelledArticle], taxonomy: Taxonomy) -> Gold:
    """Arrays of the labels of ``articles``."""
    shape = len(articles), len(taxonomy.topics)
    relevance, stance = np.full(shape, UNKNOWN), np.full(shape, UNKNOWN)
    for a, item in enumerate(articles):
        for k, topic in enumerate(taxonomy.ids):
            label = item.labels.get(topic)
            if label is None:
                continue
            relevance[a, k] = int(label.relevant)
            if label.relevant and label.stance is not None:
                stance[a, k] = taxonomy.stances.index(label.stance)
    return Gold(relevance, stance)
