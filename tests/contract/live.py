"""A server of its own process, as a user starts it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from models.checkpoint import Checkpoint

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Live:
    url: str
    process: subprocess.Popen[str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(checkpoint: Checkpoint, *flags: str, **settings: str) -> Iterator[Live]:
    """``python -m serve api``, ready; ended by force where the test has not ended it."""
    port = free_port()
    environment = {**os.environ, **{f"WIJHA_{name.upper()}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "serve", "api", "--port", str(port), "--checkpoint", str(checkpoint.folder)]
    log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed below; not a pipe, which nobody would empty
    process = subprocess.Popen([*command, *flags], cwd=ROOT, env=environment, text=True, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            assert process.poll() is None, log.seek(0) or log.read()
            try:
                if httpx.get(f"{url}/health/ready").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        yield Live(url, process)
    finally:
        process.kill()
        process.wait()
        log.close()
