"""Documents into one long row of token ids on disk, and batches of fixed length out of it.

The file holds uint16 (vocabularies of up to 65,536 entries); documents end in [SEP]. It is read through a
memory map, so that a corpus larger than memory trains the same way. The batch of a step is a pure function of
the file, the plan and the seed: a resumed run sees what the uninterrupted one would have seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer
from tqdm import tqdm

from data.errors import ConfigError, DataError

VOCABULARY = 1 << 16  # most entries that uint16 can number
_CHUNK = 1024  # documents tokenised at once, in parallel, in Rust


def pack(
    documents: Iterable[str], tokenizer: Tokenizer, path: Path, *, least: int = 1, limit: int | None = None
) -> int:
    """Tokenise ``documents`` into ``path``; returns the number of tokens written.

    Args:
        least: tokens that there must be.
        limit: stop at the end of the document that reaches so many tokens.

    Raises:
        ConfigError: ``no_encoder`` where the tokenizer has no [SEP] or ids beyond uint16.
        DataError: ``small_corpus`` where there are fewer than ``least`` tokens; ``path`` is not written.
    """
    sep = tokenizer.token_to_id("[SEP]")
    if sep is None or max(tokenizer.get_vocab().values()) >= VOCABULARY:
        raise ConfigError("no_encoder", f"a tokenizer with [SEP] and at most {VOCABULARY} entries is wanted")
    written = 0
    beside = path.with_suffix(".part")
    with beside.open("wb") as file, tqdm(unit="token", unit_scale=True, desc="tokenise") as bar:
        for encoded in _encode(documents, tokenizer):
            ids = np.array([*encoded, sep], dtype=np.uint16)
            ids.tofile(file)
            written += len(ids)
            bar.update(len(ids))
            if limit is not None and written >= limit:
                break
    if written < least:
        beside.unlink()
        raise DataError("small_corpus", f"{written} tokens in the corpus; at least {least} are wanted")
    beside.rename(path)
    return written


def _encode(documents: Iterable[str], tokenizer: Tokenizer) -> Iterator[list[int]]:
    source = iter(documents)
    while chunk := list(itertools.islice(source, _CHUNK)):
        for encoding in tokenizer.encode_batch_fast(chunk, add_special_tokens=False):
            if encoding.ids:
                yield encoding.ids


class Rows:
    """Batches of token rows for one phase of a run, out of a packed file.

    Each pass over the file has its own order and its own cut into blocks. A step takes the next blocks of the pass
    whatever its row length, so that a phase reads on where the one before it stopped; within the phase its blocks
    are cut into rows and these are shuffled.

    Args:
        path: what ``pack`` wrote, at least ``batch`` tokens.
        length: tokens a row.
        block: tokens a block: the same in all phases, a multiple of every ``length``.
        batch: tokens a step: the same in all phases, a multiple of ``block``.
        phase: the numbers of the steps of the phase.
        seed: of the order.
    """

    def __init__(self, path: Path, *, length: int, block: int, batch: int, phase: range, seed: int) -> None:
        self._tokens: npt.NDArray[np.uint16] = np.memmap(path, dtype=np.uint16, mode="r")
        self._length, self._block, self._phase, self._seed = length, block, phase, seed
        self._rows, self._blocks = batch // length, batch // block
        self._per_pass = len(self._tokens) // block // self._blocks
        self._drawn: tuple[int, int, npt.NDArray[np.int64]] | None = None

    def batch(self, step: int) -> npt.NDArray[np.int64]:
        """The batch of ``step``, a number of the phase: int64 of shape (batch / length, length)."""
        number = step // self._per_pass
        if self._drawn is None or self._drawn[0] != number:
            self._drawn = (number, *self._draw(number))
        _, first, starts = self._drawn
        picked = starts[(step - first) * self._rows :][: self._rows]
        places = (picked[:, None] + np.arange(self._length)) % len(self._tokens)  # the file is read as a circle
        ids: npt.NDArray[np.int64] = self._tokens[places].astype(np.int64)
        return ids

    def _draw(self, number: int) -> tuple[int, npt.NDArray[np.int64]]:
        """The phase's part of pass ``number``: its first step, and where its rows start in the order they are read."""
        rng = np.random.default_rng((self._seed, number))
        offset = int(rng.integers(len(self._tokens)))
        order = rng.permutation(len(self._tokens) // self._block)
        before = number * self._per_pass
        first = max(self._phase.start, before)
        stop = min(self._phase.stop, before + self._per_pass)
        blocks = order[(first - before) * self._blocks : (stop - before) * self._blocks]
        starts = offset + blocks[:, None] * self._block + np.arange(0, self._block, self._length)
        return first, rng.permutation(starts.ravel())
