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
    loss = functional.binary_cross_entropy_with_logits(logits[..., 0][known], batch["relevance"][known].float())
    stance = batch["stance"]
    if logits.shape[-1] > 1 and bool((stance != UNKNOWN).any()):
        loss = loss + config.stance * functional.cross_entropy(
            logits[..., 1:].flatten(0, 1), stance.flatten(), ignore_index=UNKNOWN, label_smoothing=config.smoothing
        )
    if config.evidence:
        loss = loss + config.evidence * evidence_loss(attention, batch["marked"], batch["body"], article, len(logits))
    return loss


def evidence_loss(
    attention: torch.Tensor, marked: torch.Tensor, body: torch.Tensor, article: torch.Tensor, articles: int
) -> torch.Tensor:
    """-log of the share of the text's attention that lies on marked sentences, where any are marked.

    The headline's attention counts on neither side: it may help to decide, and nobody marks it.
    """
    zeros = torch.zeros(articles, attention.shape[1], device=attention.device)
    inside = zeros.index_add(0, article, attention * body[:, None])
    on_marked = zeros.index_add(0, article, attention * marked)
    known = zeros.index_add(0, article, marked.float()) > 0
    if not bool(known.any()):
        return attention.sum() * 0.0
    return -torch.log((on_marked[known] + _LEAST) / (inside[known] + _LEAST)).mean()
