"""Hiding tokens for masked language modelling."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer

UNMASKED = -100  # the label that the loss passes over


def mask(
    ids: torch.Tensor, *, share: float, keep: float, mask_id: int, ordinary: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hide ``share`` of the tokens (Devlin et al. 2019, with the higher share of Wettig et al. 2023).

    Args:
        ids: int64 (R, T).
        keep: share of the hidden tokens that stay as they are, and share that another token replaces.
        ordinary: int64 (V,), the ids that may be hidden or put in another's place: all but the special ones.

    Returns:
        inputs and labels, both of the shape of ``ids``; labels are -100 where nothing was hidden.
    """
    draw = torch.rand(ids.shape, generator=generator)
    hidden = (draw < share) & torch.isin(ids, ordinary)
    how = torch.rand(ids.shape, generator=generator)
    inputs = torch.where(hidden & (how >= 2 * keep), mask_id, ids)
    other = ordinary[torch.randint(len(ordinary), ids.shape, generator=generator)]
    inputs = torch.where(hidden & (how < keep), other, inputs)
    return inputs, torch.where(hidden, ids, UNMASKED)


def ordinary_ids(tokenizer: Tokenizer) -> torch.Tensor:
    """int64 (V,): the ids of all entries but the special ones."""
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    return torch.tensor(sorted(set(tokenizer.get_vocab().values()) - special))
