"""Vectors to start an encoder's embeddings from: word2vec (Mikolov et al. 2013) over the tokens it will read.

An encoder with random embeddings spends its first million tokens on learning which tokens are alike; word2vec learns
that many times faster. Short runs, as on a CPU, gain much by it (docs/log.md); of long ones it was not measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from data.errors import ConfigError

_MOST = 10_000_000  # tokens read, from the head of the file: vectors are good long before the encoder is
_SENTENCE = 1000  # tokens handed over at once; no context reaches over the end of one
_LEAST = 5  # times that a token is met, or its vector stays as it was
_WINDOW = 5  # tokens to either side that are its context


def find_word2vec() -> Any:
    """gensim's ``Word2Vec``.

    Raises:
        ConfigError: ``no_gensim`` where gensim is not installed.
    """
    try:
        from gensim.models.word2vec import Word2Vec
    except ImportError as error:
        raise ConfigError(
            "no_gensim", "pip install 'wijha[train]', or set it to 0: random embeddings", where="encoder.word2vec"
        ) from error
    return Word2Vec


def write_vectors(packed: Path, path: Path, *, sep: int, size: int, passes: int, seed: int) -> None:
    """Learn vectors of the tokens in ``packed`` and write them to ``path`` (.npz: ``ids`` (N,), ``vectors`` (N, size)).

    Skip-gram with 5 negative samples, on one thread: the same tokens and seed give the same vectors.

    Args:
        packed: a file as ``train.packing.pack`` writes it.
        sep: the token that ends a document.
        passes: over the tokens.

    Raises:
        ConfigError: as ``find_word2vec``.
    """
    word2vec = find_word2vec()
    tokens = np.fromfile(packed, dtype=np.uint16, count=_MOST).astype(np.int64)
    ids, vectors = np.zeros(0, np.int64), np.zeros((0, size), np.float32)
    if np.bincount(tokens[tokens != sep], minlength=1).max() >= _LEAST:  # of no vocabulary gensim makes an error
        print(f"word2vec: {passes} passes over {len(tokens)} tokens", flush=True)  # some minutes of a full file
        model = word2vec(
            list(_sentences(tokens, sep)),
            vector_size=size,
            window=_WINDOW,
            sg=1,
            negative=5,
            min_count=_LEAST,
            epochs=passes,
            workers=1,
            seed=seed,
        )
        ids, vectors = np.array(model.wv.index_to_key, dtype=np.int64), model.wv.vectors
    beside = path.with_suffix(".part.npz")
    np.savez(beside, ids=ids, vectors=vectors)
    beside.rename(path)


def start_from(path: Path, weights: torch.Tensor) -> None:
    """Put the vectors of ``path`` into embeddings ``weights`` (V, size), centred, with the spread that these have.

    Tokens without a vector keep what they have.
    """
    with np.load(path) as file:
        ids, vectors = file["ids"], file["vectors"]
    if not len(ids):
        return
    centred = vectors - vectors.mean(axis=0)
    with torch.no_grad():
        scaled = torch.from_numpy(centred) * (weights.std().cpu() / max(float(centred.std()), 1e-8))
        weights[torch.from_numpy(ids)] = scaled.to(weights)


def _sentences(tokens: npt.NDArray[np.int64], sep: int) -> Iterator[list[int]]:
    for document in np.split(tokens, np.flatnonzero(tokens == sep)):
        words = document[document != sep]
        yield from (words[at : at + _SENTENCE].tolist() for at in range(0, len(words), _SENTENCE))
