"""The queue before the model, and what ends a request early."""

import asyncio
import os
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import Request

from data.article import Article
from data.errors import ArticleError, OverloadError
from models.backends import cores
from serve.door import _GROUP_ARTICLES, Door, groups
from serve.engine import Engine
from serve.gate import Gate
from serve.problems import RequestError
from serve.reading import Refused, read_classify
from serve.settings import Settings
from tests.conftest import article


def test_runs_some_lets_some_wait_and_refuses_the_rest() -> None:
    async def scene() -> None:
        gate, release = Gate(running=2, waiting=1), threading.Event()
        running: list[int] = []

        def work(number: int) -> None:
            running.append(number)
            release.wait()

        async def visit(number: int) -> None:
            with gate.place():
                await gate.run(work, number)

        visits = [asyncio.create_task(visit(number)) for number in range(3)]
        await until(lambda: len(running) == 2)
        with pytest.raises(OverloadError, match="overloaded"):
            await visit(3)
        visits[2].cancel()  # a client that leaves the queue makes room
        await asyncio.wait([visits[2]])
        assert gate.inside == 2
        release.set()
        await asyncio.gather(*visits[:2])
        assert gate.inside == 0
        await visit(4)
        assert sorted(running) == [0, 1, 4]  # what left the queue was not computed

    asyncio.run(scene())


def test_a_piece_under_way_keeps_its_turn_when_its_client_leaves() -> None:
    async def scene() -> None:
        gate, release = Gate(running=1, waiting=9), threading.Event()
        begun: list[int] = []

        def work() -> None:
            begun.append(1)
            release.wait()

        first = asyncio.create_task(gate.run(work))
        await until(lambda: begun == [1])
        first.cancel()
        await asyncio.wait([first])
        assert gate._turns.locked()  # else what comes next would pile up behind it, unseen and not to be cancelled
        second = asyncio.create_task(gate.run(begun.append, 2))
        await asyncio.sleep(0.02)
        assert begun == [1]
        release.set()
        await second
        assert begun == [1, 2]

    asyncio.run(scene())


def test_turns_go_round() -> None:
    async def scene() -> None:
        gate = Gate(running=1, waiting=9)
        order: list[str] = []

        async def visit(name: str, pieces: int) -> None:
            with gate.place():
                for _ in range(pieces):
                    await gate.run(order.append, name)

        await asyncio.gather(visit("long", 5), visit("short", 1))
        assert order.index("short") == 1

    asyncio.run(scene())


def test_a_gate_that_drains_lets_nobody_in() -> None:
    async def scene() -> None:
        gate = Gate(running=1, waiting=1)
        gate.draining = True
        with pytest.raises(RequestError, match="draining") as caught, gate.place():
            pass
        assert caught.value.status == 503

    asyncio.run(scene())


@pytest.mark.parametrize("end", ["deadline", "disconnected"])
def test_the_rest_of_a_list_is_not_computed(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    scored: list[int] = []
    release = threading.Event()

    def classify(_: Any, group: list[Any]) -> list[Any]:
        scored.append(len(group))
        release.wait()
        return []

    monkeypatch.setattr("serve.door._classify", classify)

    async def scene() -> None:
        gate = Gate(running=1, waiting=1)
        door = Door(cast(Engine, SimpleNamespace(loaded=None)), gate, Settings())
        body = b'{"articles": [' + b",".join([b'{"text": "x"}'] * (3 * _GROUP_ARTICLES)) + b"]}"
        messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        messages.put_nowait({"type": "http.request", "body": body})
        headers = [(b"content-type", b"application/json")]
        if end == "deadline":
            headers.append((b"x-request-timeout", b"0.1"))
        request = Request({"type": "http", "method": "POST", "headers": headers}, messages.get)
        task = asyncio.create_task(door.score(request, read_classify))
        await until(lambda: bool(scored))
        if end == "disconnected":
            messages.put_nowait({"type": "http.disconnect"})
        with pytest.raises(RequestError, match=end) as caught:
            await task
        assert caught.value.status == {"deadline": 504, "disconnected": 499}[end]
        assert gate.inside == 0  # answered at once, though a piece is still being computed
        release.set()
        await gate.run(lambda: None)
        assert scored == [_GROUP_ARTICLES]

    asyncio.run(scene())


def test_groups_lose_nothing_and_stay_small() -> None:
    long = [article(number, 400) for number in range(4)]
    unread = Refused("r", ArticleError("bad_article", "no text"))
    items: list[Article | Refused] = [*(article(number) for number in range(40)), unread, *long]
    cut = list(groups(items))
    assert [item for group in cut for item in group] == items
    assert max(map(len, cut)) == _GROUP_ARTICLES
    assert [len(group) for group in groups([article(0, 2000)] * 3)] == [1, 1, 1]
    assert list(groups([])) == []


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(("count", "answer"), [(6, 6), (None, 1)])
def test_cores_are_counted_where_the_system_has_no_affinity(
    monkeypatch: pytest.MonkeyPatch, count: int | None, answer: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert cores() == answer


@pytest.mark.parametrize(("workers", "streams", "share"), [(1, 0, 8), (2, 0, 4), (3, 0, 2), (99, 0, 1), (2, 8, 8)])
def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch, workers: int, streams: int, share: int) -> None:
    monkeypatch.setattr("serve.settings.cores", lambda: 8)
    assert Settings(workers=workers, streams=streams).share == share
