"""The articles that all contenders read, and the texts of their windows for those who can't cut them themselves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from data.article import Article
from data.errors import ArticleError, ConfigError
from models.checkpoint import Checkpoint
from models.encoding import TITLE, Encoder
from tests.bench.batch import BUNDLED, read

ROOM = 510  # tokens of a text that a peer reads; two more open and close it


@dataclass(frozen=True)
class Drawn:
    """Articles of even ranks of length, in an order that length has no part in.

    Attributes:
        texts: of each article, the texts of its windows.
        tokens: of each article, how many it has.
        given: tokens of all windows, as our encoder cuts them.
        retold: tokens of all windows' texts, as a peer makes them.
        length: most tokens of a window.
    """

    articles: list[Article]
    texts: list[list[str]]
    tokens: list[int]
    given: int
    retold: int
    length: int

    @property
    def windows(self) -> int:
        return sum(map(len, self.texts))

    @property
    def read(self) -> int:
        """Tokens that one reads who cuts each article off."""
        return sum(min(ROOM, tokens) for tokens in self.tokens)

    def facts(self) -> dict[str, float]:
        """How long they are, for the page."""
        ordered = sorted(self.tokens)
        return {
            "articles": len(ordered),
            "windows": self.windows,
            "tokens": sum(ordered),
            "least": ordered[0],
            "median": ordered[len(ordered) // 2],
            "most": ordered[-1],
            "unread": 1 - self.read / sum(ordered),
            "retold": self.retold / self.given,
            "length": self.length,
        }


def draw(checkpoint: Checkpoint, source: Path | None, count: int) -> Drawn:
    """``count`` articles (or all, where there are fewer) of ``source``; ``None``: of the bundled ones.

    Raises:
        ConfigError: ``no_articles`` where none of them can be read.
    """
    tokenizer = Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))
    encoder = Encoder(tokenizer, checkpoint.contract)
    different = {item.text: item for item in read(source or BUNDLED)}
    ordered = sorted(different.values(), key=lambda item: len(item.text))
    chosen = [item for item in even(ordered, count) if _readable(encoder, item)]
    if not chosen:
        raise ConfigError("no_articles", "no article to measure with", where=str(source or BUNDLED))
    random.Random(1).shuffle(chosen)
    encoded = [encoder.encode(item) for item in chosen]
    texts = [window_texts(encoder, tokenizer, item) for item in chosen]
    retold = tokenizer.encode_batch([text for windows in texts for text in windows])
    return Drawn(
        chosen,
        texts,
        [item.tokens for item in encoded],
        sum(len(window.ids) for item in encoded for window in item.windows),
        sum(len(encoding.ids) for encoding in retold),
        checkpoint.contract.windows.length,
    )


def even(ordered: Sequence[Article], count: int) -> list[Article]:
    """``count`` of ``ordered``, at even distances."""
    count = min(count, len(ordered))
    return [ordered[int((place + 0.5) * len(ordered) / count)] for place in range(count)]


def window_texts(encoder: Encoder, tokenizer: Tokenizer, article: Article) -> list[str]:
    """One text for each window of ``article``, with the window's tokens; a word cut by its border is left out.

    Raises:
        ArticleError: see ``Encoder.encode``.
    """
    encoded = encoder.encode(article)
    fields = [article.title if s.field == TITLE else encoded.text for s in encoded.sentences]
    read = [field[s.start : s.end] for field, s in zip(fields, encoded.sentences, strict=True)]
    sentences = tokenizer.encode_batch(read, add_special_tokens=False)
    texts = []
    for window in encoded.windows:
        first = window.first - (int(window.counted[0]) - 1)
        last = first + len(window.ids) - 2
        pieces, place = [], 0
        for text, sentence in zip(read, sentences, strict=True):
            words, offsets = sentence.word_ids, sentence.offsets
            start, end = max(0, first - place), min(len(words), last - place)
            place += len(words)
            while 0 < start < len(words) and words[start] == words[start - 1]:
                start += 1
            while 0 < end < len(words) and words[end] == words[end - 1]:
                end -= 1
            if start < end:
                pieces.append(text[offsets[start][0] : offsets[end - 1][1]])
        texts.append(" ".join(pieces))
    return texts


def _readable(encoder: Encoder, item: Article) -> bool:
    try:
        return bool(encoder.encode(item).windows)
    except ArticleError:
        return False
