import asyncio
import os

import pytest

from data.errors import OverloadError
from models.backends import cores
from serve.gate import Gate


def test_runs_some_lets_some_wait_and_refuses_the_rest() -> None:
    async def scene() -> None:
        gate, release, running = Gate(running=2, waiting=1), asyncio.Event(), 0

        async def visit() -> None:
            nonlocal running
            async with gate.turn():
                running += 1
                await release.wait()
                running -= 1

        visits = [asyncio.create_task(visit()) for _ in range(3)]
        await asyncio.sleep(0.01)
        assert running == 2
        with pytest.raises(OverloadError, match="overloaded"):
            await visit()
        visits[2].cancel()  # a client that leaves the queue makes room
        await asyncio.sleep(0.01)
        assert gate.inside == 2
        release.set()
        await asyncio.gather(*visits[:2])
        assert gate.inside == 0
        await visit()

    asyncio.run(scene())


@pytest.mark.parametrize(("count", "answer"), [(6, 6), (None, 1)])
def test_cores_are_counted_where_the_system_has_no_affinity(
    monkeypatch: pytest.MonkeyPatch, count: int | None, answer: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert cores() == answer
