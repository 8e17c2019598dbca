"""Documents into one long row of token ids on disk, and batches of fixed length out of it.

The file holds uint16 (vocabularies stay under 65,536); documents end in [SEP]. It is read through a
memory map, so that a corpus larger than memory trains the same way. Batch ``i`` is a pure function of
(file, length, rows, seed, i): a resumed run sees what the uninterrupted one would have seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer
from tqdm import tqdm

_CHUNK = 1024  # documents tokenised at once, in parallel, in Rust


def pack(documents: Iterable[str], tokenizer: Tokenizer, path: Path, *, limit: int | None = None) -> int:
    """Tokenise ``documents`` into ``path``; returns the number of tokens written.

    Args:
        limit: stop after about so many tokens.
    """
    sep = tokenizer.token_to_id("[SEP]")
    written = 0
    source = iter(documents)
    beside = path.with_suffix(".part")
    with beside.open("wb") as file, tqdm(unit="token", unit_scale=True, desc="tokenise") as bar:
        while chunk := list(itertools.islice(source, _CHUNK)):
            for encoding in tokenizer.encode_batch_fast(chunk, add_special_tokens=False):
                ids = np.array([*encoding.ids, sep], dtype=np.uint16)
                ids.tofile(file)
                written += len(ids)
                bar.update(len(ids))
            if limit is not None and written >= limit:
                break
    beside.rename(path)
    return written


class Rows:
    """Batches of token rows from a packed file.

    Args:
        path: what ``pack`` wrote.
        length: tokens a row.
        rows: rows a batch.
        seed: of the order; each pass over the file has its own permutation and its own offset.
    """

    def __init__(self, path: Path, *, length: int, rows: int, seed: int) -> None:
        self._tokens: npt.NDArray[np.uint16] = np.memmap(path, dtype=np.uint16, mode="r")
        self._length, self._rows, self._seed = length, rows, seed
        self._per_pass = max((len(self._tokens) - length) // length // rows, 1)
        self._order: tuple[int, int, npt.NDArray[np.int64]] | None = None

    def batch(self, index: int) -> npt.NDArray[np.int64]:
        """Batch number ``index`` (any non-negative number): int64 of shape (rows, length)."""
        epoch, place = divmod(index, self._per_pass)
        if self._order is None or self._order[0] != epoch:
            rng = np.random.default_rng((self._seed, epoch))
            order = rng.permutation((len(self._tokens) - self._length) // self._length)
            self._order = (epoch, int(rng.integers(self._length)), order)
        _, offset, order = self._order
        picked = order[place * self._rows : (place + 1) * self._rows]
        return np.stack([self._tokens[offset + p * self._length :][: self._length] for p in picked]).astype(np.int64)
