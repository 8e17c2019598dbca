"""How the server does under load: ``python -m tests.bench.load [--seconds 30] [--soak 30]``.

Starts ``python -m serve api`` with the bundled checkpoint, measures its capacity with as many clients as cores, each
sending its next article when the last is answered, and then lets requests come at random times (Poisson), whether or
not earlier ones are answered, at shares of that capacity. A latency counts from the moment that a request was due, so
a server, or a client, that falls behind can't hide it. Articles are the bundled ones, one a request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from models.backends import cores
from tests.bench.phase import HEADER, Phase, slope, soaked
from tests.contract.live import free_port

__all__ = [
    "HEADER",
    "PATIENCE",
    "ROOT",
    "SHARES",
    "Clients",
    "Phase",
    "main",
    "measure",
    "memory",
    "server",
    "slope",
    "soaked",
]

ROOT = Path(__file__).parents[2]
SHARES = (0.5, 0.8, 1.2, 10.0)
PATIENCE = 120.0  # seconds, after which a client gives up


class Clients:
    """Sends articles, drawn at random, to one server."""

    def __init__(self, url: str, pid: int, bodies: Sequence[bytes], seed: int) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        headers = {"content-type": "application/json"}
        self._client = httpx.AsyncClient(
            base_url=url, limits=limits, timeout=PATIENCE, headers=headers, trust_env=False
        )
        self._pid, self._bodies, self._draw = pid, bodies, random.Random(seed)

    async def capacity(self, seconds: float, clients: int) -> Phase:
        """Answers a second that so many clients get, each sending one request after another."""
        with self._phase(f"capacity, {clients} clients") as phase:
            end = time.perf_counter() + seconds

            async def client() -> None:
                while time.perf_counter() < end:
                    await self._send(phase, time.perf_counter())

            await asyncio.gather(*(client() for _ in range(clients)))
        phase.offered = phase.sent / phase.seconds
        return phase

    async def arrivals(self, name: str, rate: float, seconds: float, *, sample: float) -> Phase:
        """Requests at ``rate`` a second, at random times; ends when the last is answered.

        Args:
            sample: seconds between two looks at the server's memory.
        """
        with self._phase(name) as phase:
            phase.offered = rate
            watch = asyncio.create_task(self._watch(phase, sample))
            waiting: set[asyncio.Task[None]] = set()
            due = began = time.perf_counter()
            while (due := due + self._draw.expovariate(rate)) < began + seconds:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                task = asyncio.create_task(self._send(phase, due))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
            await asyncio.gather(*waiting)
            watch.cancel()
        return phase

    @contextmanager
    def _phase(self, name: str) -> Iterator[Phase]:
        phase, began, cpu = Phase(name), time.perf_counter(), _cpu()
        yield phase
        phase.seconds, phase.cpu = time.perf_counter() - began, _cpu() - cpu
        phase.memory.append((phase.seconds, memory(self._pid)))

    async def _watch(self, phase: Phase, sample: float) -> None:
        began = time.perf_counter()
        while True:
            phase.memory.append((time.perf_counter() - began, memory(self._pid)))
            await asyncio.sleep(sample)

    async def _send(self, phase: Phase, due: float) -> None:
        phase.late.append(time.perf_counter() - due)
        try:
            answer = await self._client.post("/classify", content=self._draw.choice(self._bodies))
        except httpx.HTTPError as error:
            phase.others[type(error).__name__] += 1
            return
        spent = time.perf_counter() - due
        if answer.status_code == 429:
            phase.refused.append(spent)
        elif answer.status_code != 200:
            phase.others[str(answer.status_code)] += 1
        elif any(result["error"] for result in answer.json()["results"]):
            phase.others["article error"] += 1
        else:
            phase.answered.append(spent)


@contextmanager
def server(workers: int) -> Iterator[tuple[str, int]]:
    """Address and process id of a server that is ready; its log is kept out of the way."""
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch, (Path(scratch) / "log").open("wb") as log:
        environment = {**os.environ, "WIJHA_JOBS_FOLDER": f"{scratch}/jobs"}
        command = [sys.executable, "-m", "serve", "api", "--port", str(port), "--workers", str(workers)]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            ready = 0
            while ready < 5 * workers:  # each connection may be another worker's
                if process.poll() is not None:
                    raise SystemExit(Path(log.name).read_text(encoding="utf-8"))
                with suppress(httpx.TransportError):
                    ready = ready + 1 if httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200 else 0
                time.sleep(0.05)
            yield url, process.pid
        finally:
            process.terminate()
            process.wait(60)


def memory(pid: int) -> int:
    """Resident bytes of a process and its children (Linux; elsewhere 0)."""
    with suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return pages * resource.getpagesize() + sum(memory(int(child)) for child in children)
    return 0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _bodies() -> list[bytes]:
    files = sorted((ROOT / "data" / "articles").glob("*.jsonl"))
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").split("\n") if line]
    return [json.dumps({"title": row["title"], "text": row["text"]}).encode() for row in rows]


async def measure(url: str, pid: int, given: argparse.Namespace) -> int:
    """Run and print all phases; returns how many requests ended in neither an answer nor a refusal."""
    clients = Clients(url, pid, _bodies(), given.seed)
    await clients.capacity(min(5, given.calibrate), cores())  # to warm up
    phases = [await clients.capacity(given.calibrate, cores())]
    capacity = len(phases[0].answered) / phases[0].seconds
    print(HEADER, phases[0].row(), sep="\n", flush=True)
    for share in [] if given.soak else SHARES:
        phases.append(await clients.arrivals(f"{share:.0%}", share * capacity, given.seconds, sample=1))
        print(phases[-1].row(), flush=True)
    if given.soak:
        phases.append(await clients.arrivals("soak, 80%", 0.8 * capacity, 60 * given.soak, sample=10))
        print(phases[-1].row(), soaked(phases[-1]), sep="\n\n", flush=True)
    return sum(phase.others.total() for phase in phases)


def main() -> None:
    """Exit status 1 where a request ended in neither an answer nor a refusal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibrate", type=float, default=20, help="seconds of the measuring of the capacity")
    parser.add_argument("--seconds", type=float, default=60, help="seconds of each phase")
    parser.add_argument("--soak", type=float, default=0, help="minutes at 80%% instead of the phases, for the memory")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with server(given.workers) as (url, pid):
        raise SystemExit(int(asyncio.run(measure(url, pid, given)) > 0))


if __name__ == "__main__":
    main()
