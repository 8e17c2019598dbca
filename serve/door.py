"""What every door to the classifier does: read, keep limits and deadline, wait for a turn, score, go on to the next."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request

from data.article import Article
from data.errors import ArticleError
from models.classifier import Answer
from serve.engine import Engine, Loaded
from serve.gate import Gate
from serve.problems import RequestError
from serve.reading import Given, Refused, left, parse, read_body
from serve.settings import Settings
from serve.trace import COMPUTE, note_answers, stage

T = TypeVar("T")
TIMEOUT_HEADER = "X-Request-Timeout"
# Scored together, so that all cores have work, and so few that a deadline or a client's leaving soon stops the rest.
_GROUP_ARTICLES = 16
_GROUP_CHARACTERS = 60_000


@dataclass(frozen=True)
class Scored:
    """What a request asked for and its answers, in the same order."""

    loaded: Loaded
    given: Given
    answers: list[Answer | ArticleError]


@dataclass(frozen=True)
class Door:
    """The way of a request to the one classifier."""

    engine: Engine
    gate: Gate
    settings: Settings

    async def score(self, request: Request, read: Callable[[Any, Settings], Given]) -> Scored:
        """Score what ``read`` finds in the request's JSON.

        Raises:
            RequestError: what is wrong with the request; ``deadline``, ``draining``, ``disconnected``.
            OverloadError: ``overloaded``.
            CheckpointError, ConfigError: why there is no model.
        """
        loaded = self.engine.loaded
        self.gate.check()  # before the body: a full house costs a client nothing but the asking
        seconds = timeout(request, self.settings.timeout)
        try:
            async with asyncio.timeout(seconds):
                body = await read_body(request, self.settings.max_body_bytes)
                with self.gate.place():
                    return await _unless_left(request, self._score(loaded, body, read))
        except TimeoutError as error:
            raise RequestError(504, "deadline", f"no answer within {seconds:g} s; the rest is not computed") from error

    async def _score(self, loaded: Loaded, body: bytes, read: Callable[[Any, Settings], Given]) -> Scored:
        given = await self.gate.run(lambda: read(parse(body), self.settings))
        answers: list[Answer | ArticleError] = []
        for group in groups(given.articles):
            with stage(COMPUTE):
                answers += await self.gate.run(_classify, loaded, group)
        note_answers(answers)
        return Scored(loaded, given, answers)


def timeout(request: Request, most: float) -> float:
    """Seconds that the request may take.

    Raises:
        RequestError: ``bad_timeout``.
    """
    said = request.headers.get(TIMEOUT_HEADER)
    if said is None:
        return most
    try:
        seconds = float(said)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise RequestError(400, "bad_timeout", "a number of seconds is wanted", where=TIMEOUT_HEADER)
    return min(seconds, most)


def groups(articles: Sequence[Article | Refused]) -> Iterator[list[Article | Refused]]:
    """Cut a list into what is scored together; in order, none lost."""
    group: list[Article | Refused] = []
    size = 0
    for item in articles:
        length = len(item.text) if isinstance(item, Article) else 0
        if group and (len(group) >= _GROUP_ARTICLES or size + length > _GROUP_CHARACTERS):
            yield group
            group, size = [], 0
        group.append(item)
        size += length
    if group:
        yield group


def _classify(loaded: Loaded, items: Sequence[Article | Refused]) -> list[Answer | ArticleError]:
    answers = iter(loaded.classifier.classify([item for item in items if isinstance(item, Article)]))
    return [next(answers) if isinstance(item, Article) else item.error for item in items]


async def _unless_left(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, which is cancelled where the client goes away before."""

    async def leaving() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(leaving())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise left()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
