"""Clients that each send their next article when the last is answered (a closed loop), all in one process."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import httpx
import numpy as np

PATIENCE = 120.0  # seconds, after which a client gives up


class Call(NamedTuple):
    """One article for one server: what is sent, and how many windows or articles the answer must have."""

    body: dict[str, Any]
    wanted: int


class Target(NamedTuple):
    """A server.

    Attributes:
        path: where articles are posted.
        answer: names and places, by which the list of answers is found in the body; the body itself where empty.
    """

    url: str
    path: str
    answer: tuple[str, ...] = ()


def answered(target: Target, call: Call, body: Any) -> bool:
    """Whether every window (or article) has its answer, and none is an error."""
    for name in target.answer:
        body = body.get(name) if isinstance(body, dict) else None
    whole = isinstance(body, list) and len(body) == call.wanted
    return whole and all(item and not (isinstance(item, dict) and item.get("error")) for item in body)


def first_answer(target: Target, call: Call, began: float, alive: Callable[[], bool]) -> float:
    """Seconds from ``began`` (``time.perf_counter()``) until the server answers an article.

    Raises:
        ValueError: it doesn't, or is no longer alive.
    """
    last = "no connection"
    with httpx.Client(trust_env=False, timeout=PATIENCE) as client:
        while alive() and time.perf_counter() - began < PATIENCE:
            with suppress(httpx.TransportError, ValueError):
                response = client.post(target.url + target.path, json=call.body)
                last = f"status {response.status_code}"
                if response.status_code == 200 and answered(target, call, response.json()):
                    return time.perf_counter() - began
            time.sleep(0.02)
    raise ValueError(f"no article was answered within {time.perf_counter() - began:.0f} s: {last}")


def load(target: Target, calls: Sequence[Call], clients: int, seconds: float) -> dict[str, Any]:
    """What so many clients get: no new article after ``seconds``, and the time ends with the last answer.

    Returns:
        ``articles`` answered a second; ``p50`` and ``p99`` in milliseconds, from an article's first sending, waits that
        a 429 asked for included; ``answered``; ``refused`` (429s); ``errors`` by status or kind; ``client``, the share
        of a core that the clients took.
    """
    return asyncio.run(_load(target, calls, clients, seconds))


async def _load(target: Target, calls: Sequence[Call], clients: int, seconds: float) -> dict[str, Any]:
    spent: list[float] = []
    troubles: Counter[str] = Counter()
    following = itertools.cycle(calls)
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(limits=limits, timeout=PATIENCE, trust_env=False) as connections:
        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(
            *(_client(connections, target, following, began + seconds, spent, troubles) for _ in range(clients))
        )
        whole, busy = time.perf_counter() - began, time.process_time() - used
    p50, p99 = (np.percentile(spent, [50, 99]) * 1000).tolist() if spent else (None, None)
    return {
        "articles": len(spent) / whole,
        "p50": p50,
        "p99": p99,
        "answered": len(spent),
        "refused": troubles.pop("429", 0),
        "errors": dict(troubles),
        "client": busy / whole,
    }


async def _client(
    connections: httpx.AsyncClient,
    target: Target,
    following: Iterator[Call],
    end: float,
    spent: list[float],
    troubles: Counter[str],
) -> None:
    while time.perf_counter() < end:
        call, sent = next(following), time.perf_counter()
        while True:
            try:
                response = await connections.post(target.url + target.path, json=call.body)
            except httpx.HTTPError as error:
                troubles[type(error).__name__] += 1
                break
            if response.status_code == 429:
                troubles["429"] += 1
                if time.perf_counter() > end:
                    break
                await asyncio.sleep(float(response.headers.get("retry-after", 1)))
                continue
            if response.status_code != 200:
                troubles[str(response.status_code)] += 1
            elif answered(target, call, response.json()):
                spent.append(time.perf_counter() - sent)
            else:
                troubles["not whole"] += 1
            break
