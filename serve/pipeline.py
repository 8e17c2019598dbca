"""Rows past the model: those answered already are looked up, the others scored, ahead of the writer and in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from data.article import Article
from data.errors import ArticleError
from models.backends import cores
from models.classifier import Classifier
from serve.answers import Answers, Key, answer_key
from serve.inputs import Item
from serve.rows import Record
from serve.schema import ErrorOut, ResultOut, error_out, result_out

_ROWS, _CHARACTERS = 32, 1 << 20  # of a chunk: whichever is full first
_THREADS = 3  # chunks under way: one is tokenised while another is computed
_WAITING, _WEIGHT = 2048, 8 << 20  # rows and characters that may wait for the writer
_NOT_KEPT = ("id", "extracted_text")

Scored = tuple[Item, Record, bool]


@dataclass
class _Chunk:
    """Some rows. ``keys`` is empty for a row that could not be read; ``first`` is the place of the first row."""

    items: list[Item]
    keys: list[Key]
    first: int
    weight: int
    known: dict[Key, tuple[Record, int]] = field(default_factory=dict)
    asked: dict[Key, int] = field(default_factory=dict)
    future: Future[list[Record]] | None = None

    @property
    def ready(self) -> bool:
        return self.future is None or self.future.done()


def score_articles(classifier: Classifier, articles: Sequence[Article], most: int) -> list[Record]:
    """Records of articles, in order: ``ResultOut`` in plain values, without ``id`` and ``extracted_text``.

    Args:
        most: characters of headline and text; a longer article is answered with ``article_too_long``.
    """
    short = iter(classifier.classify([a for a in articles if len(a.title) + len(a.text) <= most]))
    records: list[Record] = []
    for article in articles:
        length = len(article.title) + len(article.text)
        answer = next(short) if length <= most else _too_long(length, most)
        found = (
            error_out(article.id, answer)
            if isinstance(answer, ArticleError)
            else result_out(answer, classifier.contract)
        )
        records.append(found.model_dump(mode="json", exclude=set(_NOT_KEPT)))
    return records


def unread_record(error: str) -> Record:
    """The record of a row that could not be read.

    Args:
        error: code and message, as in ``data.tables.Row``.
    """
    code, _, message = error.partition(": ")
    found = ResultOut(id="", error=ErrorOut(code=code, message=message, where=""))
    return found.model_dump(mode="json", exclude=set(_NOT_KEPT))


def _too_long(length: int, most: int) -> ArticleError:
    return ArticleError("article_too_long", f"{length} characters where {most} are allowed", where="text")


@contextmanager
def scored_items(
    items: Iterable[Item], classifier: Classifier, answers: Answers, most: int
) -> Iterator[Iterator[list[Scored]]]:
    """Chunks of rows with their records and whether their text stood before, in order.

    Each answer is kept in ``answers`` before its row is handed out, and each text is scored once. Reading runs ahead
    of the model far enough that it never waits, also where most rows are answered already.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            yield _scored(_chunks(items), answers, lambda texts: pool.submit(score_articles, classifier, texts, most))
        finally:
            pool.shutdown(cancel_futures=True)


def _scored(
    chunks: Iterator[_Chunk], answers: Answers, submit: Callable[[list[Article]], Future[list[Record]]]
) -> Iterator[list[Scored]]:
    ahead = max(_THREADS * _ROWS, 4 * cores())
    waiting: deque[_Chunk] = deque()
    asked: set[Key] = set()
    rows = weight = 0
    for chunk in chunks:
        keys = [key for key in dict.fromkeys(chunk.keys) if key]
        chunk.known = answers.get(keys)
        for place, key in enumerate(chunk.keys):
            if key and key not in chunk.known and key not in asked:
                chunk.asked.setdefault(key, place)
        if chunk.asked:
            asked |= chunk.asked.keys()
            texts = [Article("", chunk.items[i].title, chunk.items[i].text) for i in chunk.asked.values()]
            chunk.future = submit(texts)
        waiting.append(chunk)
        rows, weight = rows + len(chunk.items), weight + chunk.weight
        full = len(asked) >= ahead or rows >= _WAITING or weight >= _WEIGHT
        while waiting and (full or waiting[0].ready):
            done = waiting.popleft()
            yield _finish(done, answers)
            asked -= done.asked.keys()
            rows, weight = rows - len(done.items), weight - done.weight
            full = len(asked) >= ahead or rows >= _WAITING or weight >= _WEIGHT
    for chunk in waiting:
        yield _finish(chunk, answers)


def _finish(chunk: _Chunk, answers: Answers) -> list[Scored]:
    if chunk.future is not None:
        fresh = [
            (key, record, chunk.first + place)
            for (key, place), record in zip(chunk.asked.items(), chunk.future.result(), strict=True)
        ]
        answers.put(fresh)
        chunk.known |= {key: (record, first) for key, record, first in fresh}
    # asked for by an earlier chunk, and so in the store by now
    missing = [key for key in dict.fromkeys(chunk.keys) if key and key not in chunk.known]
    if missing:
        chunk.known |= answers.get(missing)
    scored: list[Scored] = []
    for place, (item, key) in enumerate(zip(chunk.items, chunk.keys, strict=True), start=chunk.first):
        if key:
            record, first = chunk.known[key]
            scored.append((item, record, first != place))
        else:
            scored.append((item, unread_record(item.row.error), False))
    return scored


def _chunks(items: Iterable[Item]) -> Iterator[_Chunk]:
    first = place = 0
    chunk = _Chunk([], [], 0, 0)
    for place, item in enumerate(items, start=1):
        chunk.items.append(item)
        chunk.keys.append(b"" if item.row.error else answer_key(item.title, item.text))
        chunk.weight += sum(map(len, item.row.values.values()))
        if len(chunk.items) >= _ROWS or chunk.weight >= _CHARACTERS:
            yield chunk
            first, chunk = place, _Chunk([], [], place, 0)
    if first < place:
        yield chunk
