"""The network: any Hugging Face encoder, and label attention over its tokens (torch; needed for training only).

For each topic k, with H (T, d) the encoder's states of an article's tokens::

    a_k = softmax_T(H q_k)                    which tokens the decision rests on
    relevance logit = Σ_t a_kt (H_t · w_k) + b_k
    stance logits   = Σ_t a_kt (H_t · W_k) + c_k

Label-wise attention after Mullenbach et al. 2018 (CAML). All of it is linear in H but the softmax, so the network
itself ends in *one* linear map, H to ``heads`` (T, K, 2 + S): per token the attention score, the relevance value
and the S stance values (the attention sums to one, so each bias may be added to every token's value just as well, and
is). The softmax over all counted tokens of all windows is left to ``models.decision`` (numpy) in serving and ``pool``
(torch) in training: the same three lines of arithmetic. That is what merges windows exactly, and what makes a
sentence's part in a score a sum over its tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig

from models.weights import load_weights


class LabelAttention(nn.Module):
    """Encoder and heads.

    Args:
        encoder: maps (input_ids, attention_mask) to ``last_hidden_state`` (R, T, d).
        hidden: d.
        topics: K.
        stances: S; 0 for topics alone.
        dropout: on H, while training.
    """

    def __init__(self, encoder: nn.Module, *, hidden: int, topics: int, stances: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.topics, self.stances = topics, stances
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.Linear(hidden, topics * (2 + stances))
        nn.init.normal_(self.heads.weight, std=0.02)
        nn.init.zeros_(self.heads.bias)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """int64 (R, T) twice; returns float (R, T, K, 2 + S): attention score, relevance value, stance values."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        heads: torch.Tensor = self.heads(self.dropout(states))
        return heads.view(*heads.shape[:-1], self.topics, 2 + self.stances)

    def pool(
        self, heads: torch.Tensor, counted: torch.Tensor, owner: torch.Tensor, articles: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Attention over all counted tokens of each article, whatever window they stand in.

        Args:
            heads: (R, T, K, 2 + S) from ``forward``.
            counted: bool (R, T), each token of an article true once.
            owner: int64 (R,), the article of each row.
            articles: how many.

        Returns:
            logits (A, K, 1 + S), relevance first; attention (N, K) of the N counted tokens, row by row, summing to
            one over each article.
        """
        tokens = heads[counted].float()
        article = owner[:, None].expand_as(counted)[counted]
        scores = tokens[..., 0]
        index = article[:, None].expand_as(scores)
        top = torch.full((articles, self.topics), -torch.inf, device=scores.device)
        top = top.scatter_reduce(0, index, scores.detach(), "amax")
        weights = torch.exp(scores - top[article])
        attention = weights / torch.zeros_like(top).index_add(0, article, weights)[article]
        weighted = attention[..., None] * tokens[..., 1:]
        zeros = torch.zeros(articles, *weighted.shape[1:], device=scores.device)
        return zeros.index_add(0, article, weighted), attention


def build_network(base: str | Path, *, topics: int, stances: int, dropout: float = 0.1) -> LabelAttention:
    """A network over the encoder of ``base``, a hub id or a folder, with fresh heads."""
    options = _without_pooler(AutoConfig.from_pretrained(base))
    encoder = AutoModel.from_pretrained(base, dtype=torch.float32, **options)
    return LabelAttention(
        encoder, hidden=int(encoder.config.hidden_size), topics=topics, stances=stances, dropout=dropout
    )


def load_network(folder: Path, *, topics: int, stances: int) -> LabelAttention:
    """The network of a checkpoint folder, in evaluation mode."""
    config = AutoConfig.from_pretrained(folder)
    encoder = AutoModel.from_config(config, dtype=torch.float32, **_without_pooler(config))
    network = LabelAttention(encoder, hidden=int(encoder.config.hidden_size), topics=topics, stances=stances)
    state = {name: torch.from_numpy(array) for name, array in load_weights(folder / "model.safetensors").items()}
    network.load_state_dict(state)
    return network.eval()


def _without_pooler(config: PreTrainedConfig) -> dict[str, bool]:
    """BERT-like encoders bring a pooler that is never used here; leave it out where the class allows."""
    pooled: Sequence[str] = ("bert", "roberta", "xlm-roberta", "camembert")
    return {"add_pooling_layer": False} if config.model_type in pooled else {}
