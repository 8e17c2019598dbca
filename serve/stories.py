"""Near copies in a table of articles: one agency's copy in many outlets gets one story.

Two articles are one story where the sets of their three-word runs overlap (Jaccard) by ``LEAST`` or more, as MinHash
(Broder 1997) estimates it; candidates come from locality-sensitive hashing, and stories are joined through copies of
copies. ``LEAST`` was chosen on the bundled articles: a copy without its lead, with a word in forty exchanged and a
footer added stays above it 99 times in 100 (above 0.6: 88 times), and two different articles never pass 0.05.
"""

from __future__ import annotations

import tempfile
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.clean import clean
from data.corpus import words
from data.errors import ConfigError

LEAST = 0.5
_RUN = 3  # words
_BANDS, _WIDTH = 42, 3  # of a signature: at an overlap of 0.5 a pair is missed 4 times in 1,000, at 0.6 never
_SIZE = _BANDS * _WIDTH
_BLOCK = 1 << 16  # articles or pairs worked on together
# on top of what ``words`` takes away: Latin digits, no Quranic or direction marks
_FOLD = {0x0660 + d: str(d) for d in range(10)} | {0x06F0 + d: str(d) for d in range(10)}
_FOLD |= dict.fromkeys([0x0670, *range(0x0653, 0x0660), *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0xFEFF], "")

Places = npt.NDArray[np.int32]
Signatures = npt.NDArray[np.uint32]


def find_stories(texts: Iterable[str], folder: Path) -> Places:
    """For each of N texts the place of the first one of its story; -1 for one without words.

    A text is read as the model reads it: without what a page carries around it. Signatures (504 bytes a text) lie in
    an unnamed file in ``folder``, which is gone when this returns, however it ends; in memory there are about 40 bytes
    a text. The same texts in the same order give the same answer.

    Args:
        texts: read once, one at a time.
        folder: with room for the file.

    Returns:
        int32 (N,): ``answer[i] <= i``.

    Raises:
        ConfigError: ``missing_extra`` where datasketch is not installed.
    """
    with tempfile.TemporaryFile(dir=folder, prefix=".stories") as file:
        wordless = bytearray()
        for signature, empty in sign(texts):
            file.write(signature.tobytes())
            wordless.append(empty)
        if not wordless:
            return np.empty(0, dtype=np.int32)
        file.flush()
        first = group(np.memmap(file, dtype=np.uint32, mode="r", shape=(len(wordless), _SIZE)))
    first[np.frombuffer(wordless, dtype=np.bool_)] = -1
    return first


def story_id(place: int) -> str:
    """The id of the story whose first article stands at ``place``, counted from 0: ``s000001`` for 0; empty for -1."""
    return f"s{place + 1:06d}" if place >= 0 else ""


def check_installed() -> None:
    """Whether stories can be told.

    Raises:
        ConfigError: ``missing_extra`` where datasketch is not installed.
    """
    try:
        import datasketch  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "missing_extra", "stories need datasketch: pip install --editable '.[stories]' in the clone"
        ) from error


def sign(texts: Iterable[str]) -> Iterator[tuple[Signatures, bool]]:
    """For each text its signature, uint32 (126,), and whether it has no words.

    Raises:
        ConfigError: ``missing_extra`` where datasketch is not installed.
    """
    check_installed()
    from datasketch import MinHash

    start = MinHash(num_perm=_SIZE, hashfunc=zlib.crc32)
    for text in texts:
        runs = _runs(text)
        found = start.copy()
        found.update_batch(runs)
        yield found.hashvalues.astype(np.uint32), not runs


def group(signatures: Signatures) -> Places:
    """For each of N signatures, uint32 (N, 126), the place of the first one of its story: int32 (N,)."""
    first = np.arange(len(signatures), dtype=np.int32)
    for band in range(0, _SIZE, _WIDTH):
        keys = np.zeros(len(signatures), dtype=np.uint64)
        for column in range(band, band + _WIDTH):
            keys = keys * np.uint64(0x9E3779B97F4A7C15) + signatures[:, column]
        order = np.argsort(keys, kind="stable").astype(np.int32)  # equal keys: in the order of the articles
        keys = keys[order]
        begins = np.concatenate([[True], keys[1:] != keys[:-1]])
        del keys
        heads = order[np.maximum.accumulate(np.where(begins, np.arange(len(order), dtype=np.int32), 0))]
        # Each is held against the first of its bucket and the one before it: two pairs a text however many copies
        # there are, and a bucket's stranger at one place is not at that place in the other 41 bands.
        for left in (heads[1:], order[:-1]):
            _join(first, signatures, left[~begins[1:]], order[1:][~begins[1:]])
    return first


def _join(first: Places, signatures: Signatures, left: Places, right: Places) -> None:
    """Join in ``first``, in place, the stories of each pair (``left``, ``right``) that is alike."""
    for begin in range(0, len(left), _BLOCK):
        a, b = left[begin : begin + _BLOCK], right[begin : begin + _BLOCK]
        apart = first[a] != first[b]
        a, b = a[apart], b[apart]
        alike = (signatures[a] == signatures[b]).mean(axis=1) >= LEAST
        for i, j in zip(a[alike].tolist(), b[alike].tolist(), strict=True):
            one, other = _root(first, i), _root(first, j)
            first[max(one, other)] = min(one, other)
    while (first[first] != first).any():
        first[:] = first[first]


def _root(first: Places, i: int) -> int:
    while first[i] != i:
        first[i] = first[first[i]]
        i = int(first[i])
    return i


def _runs(text: str) -> list[bytes]:
    """The runs of three words that ``text`` has, each once; all its words where they are fewer."""
    cleaned, place, kept = clean(text), 0, []
    for start, end in cleaned.cut:
        kept.append(cleaned.text[place:start])
        place = end
    kept.append(cleaned.text[place:])
    found = words(unicodedata.normalize("NFKC", "\n".join(kept)).translate(_FOLD))
    runs = {" ".join(found[i : i + _RUN]) for i in range(max(1, len(found) - _RUN + 1))} - {""}
    return [run.encode("utf-8", "replace") for run in runs]
