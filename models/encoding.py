"""One article into windows of tokens, with nothing cut off and every token's sentence known.

The title and each sentence of the cleaned text are tokenised on their own, so a token belongs to one sentence and
its offsets are the sentence's plus its own. Windows overlap; each token is *counted* in exactly one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from data.article import Article, Span
from data.clean import clean
from data.errors import ArticleError
from data.language import arabic_share
from data.sentences import split_sentences
from models.contract import Contract, Windows

TITLE = "title"
TEXT = "text"


@dataclass(frozen=True)
class Sentence:
    """A sentence of the article: ``start`` and ``end`` are offsets into ``field`` (``title`` or ``text``)."""

    field: str
    start: int
    end: int


@dataclass(frozen=True)
class Window:
    """One row of input.

    Attributes:
        ids: int64 (T,), special tokens included.
        counted: int64 (C,), positions in ``ids`` whose tokens are counted in this window.
        first: the place, among the article's tokens, of the first counted one.
    """

    ids: npt.NDArray[np.int64]
    counted: npt.NDArray[np.int64]
    first: int


@dataclass(frozen=True)
class Encoded:
    """An article ready for the network.

    Attributes:
        text: what the offsets point into (the text as sent, unless that was HTML).
        sentences: title first, in reading order.
        sentence_of: int64 (N,), the sentence of each of the article's N tokens.
        starts: int64 (N,), where each token begins in its sentence's field.
        windows: together they count each token once.
        warnings: codes.
    """

    text: str
    sentences: tuple[Sentence, ...]
    sentence_of: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    windows: tuple[Window, ...]
    warnings: tuple[str, ...]

    @property
    def tokens(self) -> int:
        return len(self.sentence_of)


class Encoder:
    """Article to windows, for one checkpoint.

    Args:
        tokenizer: with [CLS] and [SEP] (or <s> and </s>), the normaliser inside.
        contract: window length and warnings.
    """

    def __init__(self, tokenizer: Tokenizer, contract: Contract) -> None:
        self._tokenizer = tokenizer
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._contract = contract
        self._open, self._close = special_ids(tokenizer)

    def encode(self, article: Article) -> Encoded:
        """Clean, split, tokenise and window ``article``.

        Raises:
            ArticleError: ``empty_text`` where there is nothing to read; ``bad_characters`` for lone surrogates.
        """
        for field, value in ((TITLE, article.title), (TEXT, article.text)):
            if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
                raise ArticleError("bad_characters", "half a surrogate pair is no character", where=field)
        cleaned = clean(article.text)
        pieces = [(TITLE, s, article.title) for s in split_sentences(article.title)]
        pieces += [(TEXT, s, cleaned.text) for s in _outside(split_sentences(cleaned.text), cleaned.cut)]
        read = [source[start:end] for _, (start, end), source in pieces]
        encodings = self._tokenizer.encode_batch(read, add_special_tokens=False)
        ids = np.array([i for e in encodings for i in e.ids], dtype=np.int64)
        if not any(e.ids for e, (field, _, _) in zip(encodings, pieces, strict=True) if field == TEXT):
            raise ArticleError("empty_text", "there is no text to read", where=TEXT)
        return Encoded(
            text=cleaned.text,
            sentences=tuple(Sentence(field, start, end) for field, (start, end), _ in pieces),
            sentence_of=np.repeat(np.arange(len(encodings)), [len(e.ids) for e in encodings]),
            starts=np.array(
                [span[0] + o[0] for e, (_, span, _) in zip(encodings, pieces, strict=True) for o in e.offsets],
                dtype=np.int64,
            ),
            windows=tuple(cut_windows(ids, self._contract.windows, self._open, self._close)),
            warnings=(*cleaned.warnings, *self._warnings(" ".join(read))),
        )

    def _warnings(self, read: str) -> list[str]:
        warnings = []
        if arabic_share(read) < self._contract.least_arabic:
            warnings.append("not_arabic")
        if len(read.split()) < self._contract.least_words:
            warnings.append("very_short")
        return warnings


def special_ids(tokenizer: Tokenizer) -> tuple[int, int]:
    """Ids of the tokens that open and close a window: by name, else what the tokenizer itself puts around a text.

    Raises:
        ValueError: a tokenizer without them.
    """
    for opening, closing in (("[CLS]", "[SEP]"), ("<s>", "</s>")):
        first, last = tokenizer.token_to_id(opening), tokenizer.token_to_id(closing)
        if first is not None and last is not None:
            return first, last
    bare, dressed = (tokenizer.encode("ا", add_special_tokens=special).ids for special in (False, True))
    if len(dressed) == len(bare) + 2 and dressed[1:-1] == bare:
        return dressed[0], dressed[-1]
    raise ValueError("the tokenizer puts no token before and behind a text")


def cut_windows(ids: npt.NDArray[np.int64], windows: Windows, opening: int, closing: int) -> list[Window]:
    """Cut N tokens into overlapping windows that together count each token exactly once."""
    room = windows.length - 2
    if len(ids) <= room:
        starts = [0]
    else:
        # as few windows as do, spread evenly: no short last window, and the overlap never under what was asked
        count = -(-(len(ids) - windows.overlap) // (room - windows.overlap))
        starts = [round(i * (len(ids) - room) / (count - 1)) for i in range(count)]
    cut = []
    for number, start in enumerate(starts):
        end = min(start + room, len(ids))
        # two neighbours share [next start, this end): the border of what each counts lies in its middle
        first = 0 if number == 0 else (start + starts[number - 1] + room) // 2
        last = len(ids) if number == len(starts) - 1 else (starts[number + 1] + end) // 2
        row = np.concatenate([[opening], ids[start:end], [closing]]).astype(np.int64)
        cut.append(Window(row, np.arange(first - start + 1, last - start + 1, dtype=np.int64), first))
    return cut


def _outside(spans: Sequence[Span], cut: Sequence[Span]) -> list[Span]:
    """Those of ``spans`` that lie in no span of ``cut``; both in order, so one pass does."""
    kept, place = [], 0
    for start, end in spans:
        while place < len(cut) and cut[place][1] < end:
            place += 1
        if place == len(cut) or start < cut[place][0]:
            kept.append((start, end))
    return kept
