"""How well an encoder knows a language: its loss on hidden tokens of texts that it did not learn from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from data.errors import DataError
from train.masked_network import hidden_losses, read_network, read_tokenizer
from train.masking import UNMASKED, mask, ordinary_ids
from train.metrics import interval, resample

_ROWS = 32  # of a forward pass


def masked_loss(
    encoder: Path, documents: Iterable[str], *, share: float = 0.25, length: int = 128, most: int = 512, seed: int = 0
) -> dict[str, Any]:
    """Mean cross-entropy in nats at hidden tokens, with a 95 % bootstrap interval by document.

    Two encoders with the same tokenizer see the same rows with the same tokens hidden; with other tokenizers the
    tokens are others, and the figures can't be compared.

    Args:
        encoder: folder with ``config.json``, ``model.safetensors`` (with the head for masked tokens) and
            ``tokenizer.json``.
        share: of the tokens that is hidden, as in pretraining.
        length: tokens a row; a document's last piece that is shorter is left out.
        most: rows in all, taken from the first documents.

    Returns:
        ``loss`` (value, low, high), ``documents``, ``rows`` and ``hidden`` (tokens).

    Raises:
        ConfigError: ``no_encoder``.
        DataError: ``small_corpus`` where no document fills a row.
    """
    tokenizer = read_tokenizer(encoder)
    network = read_network(encoder, tokenizer).eval()
    ids, units = _rows(documents, tokenizer, length, most)
    hidden = mask(
        ids,
        share=share,
        keep=0.1,
        mask_id=tokenizer.get_vocab()["[MASK]"],
        ordinary=ordinary_ids(tokenizer),
        generator=torch.Generator().manual_seed(seed),
    )
    parts = zip(*(part.split(_ROWS) for part in hidden), strict=True)
    with torch.inference_mode():
        loss = torch.cat([hidden_losses(network, *part).sum(dim=1) for part in parts]).numpy()
    counts = (hidden[2] != UNMASKED).sum(dim=1).numpy()
    return {
        "loss": interval(lambda of: float(loss[of].sum() / counts[of].sum()), resample(units, seed), len(loss)),
        "documents": int(units.max()) + 1,
        "rows": len(loss),
        "hidden": int(counts.sum()),
    }


def _rows(
    documents: Iterable[str], tokenizer: Tokenizer, length: int, most: int
) -> tuple[torch.Tensor, npt.NDArray[np.int64]]:
    """int64 (R, length), and the number of the document that each row is of."""
    rows: list[list[int]] = []
    units: list[int] = []
    for text in documents:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        pieces = [ids[at : at + length] for at in range(0, len(ids) - length + 1, length)]
        units += [units[-1] + 1 if units else 0] * len(pieces)
        rows += pieces
        if len(rows) >= most:
            break
    if not rows:
        raise DataError("small_corpus", f"no document of {length} tokens")
    return torch.tensor(rows[:most]), np.array(units[:most])
