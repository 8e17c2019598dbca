"""An orderly end: who is being answered gets the answer, who comes new is told to ask elsewhere."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from serve.gate import Gate

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_TICK = 0.05  # seconds


@contextmanager
def draining(gate: Gate, seconds: float) -> Iterator[None]:
    """While inside, the first SIGTERM or SIGINT closes ``gate`` and is passed on once it is empty.

    Passed on to whoever handled it before, the HTTP server; a second signal is passed on at once.

    Args:
        seconds: how long the requests inside may take.
    """
    if threading.current_thread() is not threading.main_thread():  # a test's client; signals are the main thread's
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    tasks: set[asyncio.Task[None]] = set()

    def pass_on(number: int, frame: FrameType | None) -> None:
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    async def drain(number: int) -> None:
        end = time.monotonic() + seconds
        while gate.inside and time.monotonic() < end:
            await asyncio.sleep(_TICK)
        pass_on(number, None)

    def heard(number: int, frame: FrameType | None) -> None:
        if gate.draining:
            pass_on(number, frame)
            return
        gate.draining = True
        loop.call_soon_threadsafe(lambda: tasks.add(loop.create_task(drain(number))))

    handled = [number for number in _SIGNALS if callable(before[number])]
    for number in handled:
        signal.signal(number, heard)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
