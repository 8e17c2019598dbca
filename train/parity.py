"""The parity gate: a lower precision ships only if real answers hardly move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from data.article import Article
from data.errors import ArticleError
from models.checkpoint import Checkpoint
from models.classifier import Classifier

MOST_FLIPPED = 0.005  # share of (article, topic) decisions, relevance or stance, that may change
MOST_MOVED = 0.03  # of a relevance probability, at the 99th percentile


def choose_precision(checkpoint: Checkpoint, articles: Sequence[Article]) -> dict[str, Any]:
    """``bf16`` where it passes the gate against ``f32``, else ``f32``; and the figures."""
    wanted = _answers(Classifier.load(checkpoint, precision="f32"), articles)
    got = _answers(Classifier.load(checkpoint, precision="bf16"), articles)
    flipped = float(np.mean([a[1] != b[1] for a, b in zip(wanted, got, strict=True)]))
    moved = float(np.percentile([abs(a[0] - b[0]) for a, b in zip(wanted, got, strict=True)], 99))
    passed = flipped <= MOST_FLIPPED and moved <= MOST_MOVED
    return {
        "precision": "bf16" if passed else "f32",
        "decisions": len(wanted),
        "bf16_flipped": round(flipped, 5),
        "bf16_moved_p99": round(moved, 5),
    }


def _answers(classifier: Classifier, articles: Sequence[Article]) -> list[tuple[float, tuple[bool | None, str | None]]]:
    return [
        (topic.decision.probability, (topic.decision.relevant, topic.decision.stance))
        for answer in classifier.classify(articles)
        if not isinstance(answer, ArticleError)
        for topic in answer.topics
    ]
