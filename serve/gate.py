"""How many requests compute at a time, how many may wait, and a clear refusal beyond that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from data.errors import OverloadError


class Gate:
    """A bounded queue before the model.

    Args:
        running: requests inside at a time.
        waiting: requests that may wait; one more is refused at once, which is kinder than a time-out.
    """

    def __init__(self, *, running: int, waiting: int) -> None:
        self._turns = asyncio.Semaphore(running)
        self._room = running + waiting
        self.inside = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn.

        Raises:
            OverloadError: ``overloaded`` where the queue is full.
        """
        if self.inside >= self._room:
            raise OverloadError("overloaded", "all turns are taken and the queue is full; try again shortly")
        self.inside += 1
        try:
            async with self._turns:
                yield
        finally:
            self.inside -= 1
