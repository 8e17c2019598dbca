"""The parity check: a lower precision ships only if real answers hardly move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from data.article import Article
from data.errors import ArticleError
from models.backends.torch import TorchBackend
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from models.encoding import Encoder

MOST_FLIPPED = 0.005  # share of (article, topic) decisions, relevance or stance, that may change
MOST_MOVED = 0.03  # of a relevance probability, at the 99th percentile


def choose_precision(checkpoint: Checkpoint, articles: Sequence[Article], *, int8: bool) -> dict[str, Any]:
    """The lowest precision that passes the gate against ``f32``; and the figures of each.

    A processor that lacks a precision computes in a higher one (float32 without bfloat16, bfloat16 for int8 with AMX).
    Its answers are then the same to the bit and say nothing of processors that have it: bfloat16 is not chosen then,
    and int8 is imitated in torch.

    Args:
        int8: whether the matrices are stored so, and may be multiplied so.
    """
    wanted = _answers(Classifier.load(checkpoint, precision="f32"), articles)
    found: dict[str, Any] = {"precision": "f32", "decisions": len(wanted)}
    higher = wanted
    for precision in ("bf16", "int8") if int8 else ("bf16",):
        got = _answers(Classifier.load(checkpoint, precision=precision), articles)
        if precision == "int8" and got == higher:
            found["int8_imitated"] = True
            got = _answers(_imitated(checkpoint), articles)
        flipped = float(np.mean([a[1] != b[1] for a, b in zip(wanted, got, strict=True)]))
        moved = float(np.percentile([abs(a[0] - b[0]) for a, b in zip(wanted, got, strict=True)], 99))
        computed, higher = got != higher, got
        if computed and flipped <= MOST_FLIPPED and moved <= MOST_MOVED:
            found["precision"] = precision
        if not computed:
            found[f"{precision}_computed_here"] = False
        found |= {f"{precision}_flipped": round(flipped, 5), f"{precision}_moved_p99": round(moved, 5)}
    return found


def _imitated(checkpoint: Checkpoint) -> Classifier:
    """In int8 as far as torch can imitate it: the rest of the arithmetic is bfloat16, of its kind."""
    contract, tokenizer = checkpoint.contract, Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))
    size = {"topics": len(contract.taxonomy.topics), "stances": len(contract.taxonomy.stances)}
    backend = TorchBackend(checkpoint.folder, **size, precision="bf16", device="cpu", imitate_int8=True)
    return Classifier(Encoder(tokenizer, contract), backend, contract)


def _answers(classifier: Classifier, articles: Sequence[Article]) -> list[tuple[float, tuple[bool | None, str | None]]]:
    return [
        (topic.decision.probability, (topic.decision.relevant, topic.decision.stance))
        for answer in classifier.classify(articles)
        if not isinstance(answer, ArticleError)
        for topic in answer.topics
    ]
