"""Hiding tokens: for masked language modelling, and from a network that is fine-tuned."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer

UNMASKED = -100  # the label that the loss passes over


def mask(
    ids: torch.Tensor, *, share: float, keep: float, mask_id: int, ordinary: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Hide ``share`` of the tokens (Devlin et al. 2019, with the higher share of Wettig et al. 2023).

    As many in every row, one at least, so that shapes never change and a GPU is not asked how many there were.

    Args:
        ids: int64 (R, T), on the device of ``ordinary`` and ``generator``.
        keep: share of the hidden tokens that stay as they are, and share that another token replaces.
        ordinary: int64 (V,), ascending: the ids that may be hidden or put in another's place, all but the special ones.

    Returns:
        inputs, of the shape of ``ids``; places, int64 (R, M), of the hidden tokens in their rows; labels (R, M), their
        ids, -100 at places that a row with too few ordinary tokens has over.
    """
    able = ordinary[torch.searchsorted(ordinary, ids).clamp(max=len(ordinary) - 1)] == ids
    draw = torch.rand(ids.shape, generator=generator, device=ids.device)
    places = torch.where(able, draw, 2.0).topk(max(round(share * ids.shape[1]), 1), largest=False).indices
    said, free = ids.gather(1, places), able.gather(1, places)
    how = torch.rand(places.shape, generator=generator, device=ids.device)
    other = ordinary[torch.randint(len(ordinary), places.shape, generator=generator, device=ids.device)]
    shown = torch.where(how < keep, other, torch.where(how < 2 * keep, said, mask_id))
    inputs = ids.scatter(1, places, torch.where(free, shown, said))
    return inputs, places, torch.where(free, said, UNMASKED)


def hide(ids: torch.Tensor, counted: torch.Tensor, *, share: float, mask_id: int) -> torch.Tensor:
    """Hide ``share`` of an article's tokens at random while it is learnt from (word dropout, Iyyer et al. 2015; an
    encoder that was pretrained by masking knows how to read on).

    Args:
        ids: int64 (R, T).
        counted: bool (R, T); others, the special ones among them, are left as they are.

    Returns:
        int64 (R, T), drawn with torch's own generator.
    """
    return torch.where(counted & (torch.rand(ids.shape, device=ids.device) < share), mask_id, ids)


def mask_token(tokenizer: Tokenizer) -> int | None:
    """The id of the token that stands for a hidden one, where ``tokenizer`` has one."""
    found = (tokenizer.token_to_id(name) for name in ("[MASK]", "<mask>"))
    return next((number for number in found if number is not None), None)


def ordinary_ids(tokenizer: Tokenizer) -> torch.Tensor:
    """int64 (V,): the ids of all entries but the special ones."""
    special = {number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    return torch.tensor(sorted(set(tokenizer.get_vocab().values()) - special))
