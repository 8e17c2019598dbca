"""Serving over HTTP, ours beside what a user would write or start: same encoder, same articles, 1, 8 and 32 clients.

Each turn of a server is a fresh start of it; the clients are a process of their own. ``tests/bench/programs`` has what
the peers run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.apart import apart
from tests.bench.clients import Call, Target, first_answer, load
from tests.bench.environments import PROGRAMS, ROOT, installed, last_line, limited
from tests.bench.memory import Watch
from tests.bench.performance import Given
from tests.bench.servers_page import CLIENTS, SERVERS, render
from tests.bench.stage import Stage, prepare
from tests.bench.turns import Contender, rounds
from tests.contract.live import free_port

__all__ = ["measure", "render"]

NEEDS = {  # what must be installed to run each
    "fastapi": ["fastapi", "uvicorn", "torch", "transformers"],
    "litserve": ["litserve", "torch", "transformers"],
    "litserve-8": ["litserve", "torch", "transformers"],
    "infinity": ["infinity-emb[server,torch]", "torch"],
    "ours": ["wijha"],
}
ROOTS = {"own": NEEDS["ours"], "peers": [*NEEDS["fastapi"], *NEEDS["litserve"]], "infinity": NEEDS["infinity"]}


def measure(given: Given) -> dict[str, Any]:
    """Every server, ``given.rounds`` times: started, asked by 1, 8 and 32 clients, stopped."""
    stage = prepare(given, ROOTS)
    with tempfile.TemporaryDirectory() as scratch:
        rows = rounds(given.rounds, SERVERS, stage.pythons, Turns(stage, Path(scratch)).turn)
    for who in SERVERS:
        if isinstance(python := stage.pythons[who.place], Path):
            size = installed(python, NEEDS[who.kind])["size"]
            rows[who.kind]["rounds"] = [{**found, "size": size} for found in rows[who.kind]["rounds"]]
    return stage.facts() | {"rows": rows}


@dataclass(frozen=True)
class Turns:
    """What a server does in its turn.

    Args:
        stage: its ``seconds`` are those of the load by each number of clients.
        scratch: a folder for logs.
    """

    stage: Stage
    scratch: Path

    def turn(self, who: Contender, python: Path) -> dict[str, Any]:
        """Seconds to ready, MB at most, and for each number of clients what ``clients.load`` says.

        Raises:
            ValueError: the server ended, or did not answer.
        """
        calls = self.calls(who)
        shortest = min(calls, key=lambda call: len(str(call.body)))
        with Watch() as watch:
            began = time.perf_counter()
            with self._server(who, python, watch) as (target, process), apart() as clients:
                ready = first_answer(target, shortest, began, lambda: process.poll() is None)
                clients.submit(load, target, calls, max(CLIENTS), min(2.0, self.stage.seconds)).result()  # to warm up
                loads = {str(n): clients.submit(load, target, calls, n, self.stage.seconds).result() for n in CLIENTS}
        found = {"ready": ready, "memory": watch.most}
        return found | {f"{key} {n}": value for n, figures in loads.items() for key, value in figures.items()}

    def calls(self, who: Contender) -> list[Call]:
        """Every article as the server takes it: ours whole, the others' by its windows."""
        if who.own:
            return [Call({"title": item.title, "text": item.text}, 1) for item in self.stage.drawn.articles]
        if who.kind == "infinity":
            return [Call({"model": "standard", "input": texts}, len(texts)) for texts in self.stage.drawn.texts]
        return [Call({"inputs": texts}, len(texts)) for texts in self.stage.drawn.texts]

    @contextmanager
    def _server(self, who: Contender, python: Path, watch: Watch) -> Iterator[tuple[Target, subprocess.Popen[bytes]]]:
        port = free_port()
        target = Target(f"http://127.0.0.1:{port}", *PATHS[who.kind])
        log = self.scratch / f"{who.kind}.log"
        settings = {"WIJHA_JOBS_FOLDER": str(self.scratch / "jobs")} if who.own else {}
        with log.open("wb") as file:
            process = subprocess.Popen(
                [str(python), *self._command(who, python, port)],
                cwd=ROOT if who.own else self.scratch,
                env=limited(own=who.own, **settings),
                stdout=file,
                stderr=file,
                start_new_session=True,  # ended with all its workers
            )
            watch.follow(process.pid)
            try:
                yield target, process
            except ValueError as error:
                if process.poll() is None:
                    raise
                said = last_line(log.read_text(encoding="utf-8", errors="replace"))
                raise ValueError(f"ended by itself: {said}") from error
            finally:
                _end(process)

    def _command(self, who: Contender, python: Path, port: int) -> Sequence[str]:
        model, at = str(self.stage.folder.absolute()), str(port)
        if who.kind == "fastapi":
            return [str(PROGRAMS / "plain_server.py"), model, at]
        if who.kind.startswith("litserve"):
            return [str(PROGRAMS / "lit_server.py"), model, at, *(["8"] if who.kind == "litserve-8" else [])]
        if who.kind == "infinity":
            flags = ["--served-model-name", "standard", "--device", "cpu", "--engine", "torch", "--port", at]
            return [str(python.with_name("infinity_emb")), "v2", "--model-id", model, *flags]
        return ["-m", "serve", "api", "--port", at, "--checkpoint", str(self.stage.checkpoint.folder.absolute())]


PATHS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fastapi": ("/predict", ()),
    "litserve": ("/predict", ("output",)),
    "litserve-8": ("/predict", ("output",)),
    "infinity": ("/classify", ("data",)),
    "ours": ("/classify", ("results",)),
}


def _end(process: subprocess.Popen[bytes]) -> None:
    """The server and all its workers: asked, then forced."""
    for way, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 15)):
        try:
            os.killpg(process.pid, way)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
