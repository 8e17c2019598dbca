"""What training minimises. Everything that nobody annotated is masked out."""

from __future__ import annotations

import torch
from torch.nn import functional

from train.batches import UNKNOWN
from train.config import LossConfig

_LEAST = 1e-6  # attention mass below which the logarithm stops


def multitask_loss(
    logits: torch.Tensor,
    attention: torch.Tensor,
    batch: dict[str, torch.Tensor],
    article: torch.Tensor,
    config: LossConfig,
) -> torch.Tensor:
    """Relevance + stance + evidence.

    Args:
        logits: (A, K, 1 + S) and ``attention`` (N, K) from ``LabelAttention.pool``.
        batch: from ``train.batches.collate``.
        article: int64 (N,), the article of each counted token.
    """
    known = batch["relevance"] != UNKNOWN
    loss = logits.sum() * 0.0  # a batch of which nobody annotated anything teaches nothing
    if bool(known.any()):
        loss = functional.binary_cross_entropy_with_logits(logits[..., 0][known], batch["relevance"][known].float())
    stance = batch["stance"]
    if logits.shape[-1] > 1 and bool((stance != UNKNOWN).any()):
        loss = loss + config.stance * functional.cross_entropy(
            logits[..., 1:].flatten(0, 1), stance.flatten(), ignore_index=UNKNOWN, label_smoothing=config.smoothing
        )
    if config.evidence:
        loss = loss + config.evidence * evidence_loss(attention, batch, article, len(logits))
    return loss


def evidence_loss(
    attention: torch.Tensor, batch: dict[str, torch.Tensor], article: torch.Tensor, articles: int
) -> torch.Tensor:
    """How far the text's attention is from lying on the marked sentences in equal parts, where any are marked.

    The Kullback-Leibler divergence of the attention over the text's sentences from the uniform distribution over the
    marked ones. The headline's attention counts on neither side: it may help to decide, and nobody marks it.
    """
    sentence, marked, body = batch["sentence"], batch["marked"], batch["body"]
    count, topics = int(sentence.max()) + 1, attention.shape[1]
    nothing = torch.zeros(count, topics, device=attention.device)
    share = nothing.index_add(0, sentence, attention)
    is_marked = nothing.index_add(0, sentence, marked.float()) > 0
    owner = torch.zeros(count, dtype=torch.int64, device=attention.device).index_copy(0, sentence, article)
    zeros = torch.zeros(articles, topics, device=attention.device)
    inside = zeros.index_add(0, article, attention * body[:, None])
    marks = zeros.index_add(0, owner, is_marked.float())
    if not bool((marks > 0).any()):
        return attention.sum() * 0.0
    missing = -torch.log((share + _LEAST) / (inside[owner] + _LEAST)) * is_marked
    divergence = zeros.index_add(0, owner, missing) / marks.clamp(min=1.0) - torch.log(marks.clamp(min=1.0))
    return divergence[marks > 0].mean()
