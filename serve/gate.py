"""How many requests compute at a time, how many may wait, and a clear refusal beyond that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from data.errors import OverloadError
from serve.problems import RequestError
from serve.trace import WAIT, stage

P = ParamSpec("P")
T = TypeVar("T")


class Gate:
    """A bounded queue before the model; used from the event loop alone.

    Args:
        running: pieces of work computed at a time.
        waiting: requests that may wait; one more is refused at once, which is kinder than a time-out.

    Attributes:
        inside: requests that have a place.
        draining: no new one is let in.
    """

    def __init__(self, *, running: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(running, thread_name_prefix="score")
        self._turns = asyncio.Semaphore(running)
        self._room = running + waiting
        self.inside = 0
        self.draining = False

    def check_open(self) -> None:
        """Whether anything new is let in.

        Raises:
            RequestError: ``draining`` where the server is about to stop.
        """
        if self.draining:
            raise RequestError(503, "draining", "the server is about to stop; ask another, or again shortly")

    def check(self) -> None:
        """Whether a request would be let in.

        Raises:
            OverloadError: ``overloaded`` where the queue is full.
            RequestError: ``draining`` where the server is about to stop.
        """
        self.check_open()
        if self.inside >= self._room:
            raise OverloadError("overloaded", "all turns are taken and the queue is full; try again shortly")

    @contextmanager
    def place(self) -> Iterator[None]:
        """A request's place, for as long as it lasts; raises what ``check`` raises."""
        self.check()
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Wait for a turn and do ``work`` in a thread.

        Turns go round: who comes back with the next piece of a long list waits behind those that came meanwhile. One
        who is cancelled leaves the queue; a piece already under way is computed to its end, and keeps its turn so long.
        """
        with stage(WAIT):
            await self._turns.acquire()
        future = asyncio.wrap_future(self._pool.submit(work, *args, **kwargs))
        future.add_done_callback(self._done)
        return await asyncio.shield(future)

    def _done(self, future: asyncio.Future[T]) -> None:
        self._turns.release()
        if not future.cancelled():
            future.exception()  # seen, also where nobody waits for it any more: asyncio would log its message
