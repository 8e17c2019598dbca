"""The server as a process: its end, its workers, and clients that leave."""

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.checkpoint import Checkpoint
from serve.keys import new_key
from tests.conftest import article
from tests.contract.live import ROOT, serving

LONG = {"articles": [{"text": article(number, 100).text} for number in range(100)]}
SHORT = {"text": article(1).text}
ONE = {"streams": "1", "max_waiting": "0"}  # one request at a time: another is refused while it is being answered


def ask(url: str, body: Any, **options: Any) -> httpx.Response:
    """The answer, asked for again as long as there is no room."""
    while (answer := httpx.post(f"{url}/classify", json=body, **{"timeout": 60, **options})).status_code == 429:
        assert answer.headers["retry-after"]
    return answer


def begin(pool: ThreadPoolExecutor, url: str) -> Future[httpx.Response]:
    """A request that takes its time, once it is being answered."""
    running = pool.submit(ask, url, LONG)
    while httpx.post(f"{url}/classify", json=SHORT, timeout=60).status_code != 429:
        time.sleep(0.1)
    return running


def test_sigterm_lets_the_running_finish_and_refuses_the_new(checkpoint: Checkpoint) -> None:
    with serving(checkpoint, **ONE, drain="60") as live, ThreadPoolExecutor() as pool:
        running = begin(pool, live.url)
        live.process.send_signal(signal.SIGTERM)
        while (refused := httpx.get(f"{live.url}/health/ready", timeout=60)).status_code == 200:
            pass
        assert (refused.status_code, refused.json()["code"]) == (503, "draining")
        refused = httpx.post(f"{live.url}/classify", json={"text": "نص"})
        assert (refused.status_code, refused.json()["code"]) == (503, "draining")
        assert refused.headers["retry-after"]
        assert httpx.post(f"{live.url}/jobs?name=a.csv", content=b"text").json()["code"] == "draining"
        assert httpx.get(f"{live.url}/health/live").status_code == 200
        assert not running.done()
        assert len(running.result().json()["results"]) == 100
        assert live.process.wait(20) in (0, -signal.SIGTERM)


def test_the_drain_is_bounded(checkpoint: Checkpoint) -> None:
    with serving(checkpoint, **ONE, drain="0") as live, ThreadPoolExecutor() as pool:
        running = begin(pool, live.url)
        live.process.send_signal(signal.SIGTERM)
        live.process.wait(60)
        assert running.exception(60) is None or isinstance(running.exception(), httpx.TransportError)


def test_a_client_that_leaves_makes_room(checkpoint: Checkpoint) -> None:
    with serving(checkpoint, **ONE) as live:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{live.url}/classify", json=LONG, timeout=0.3)
        assert ask(live.url, SHORT).status_code == 200


def test_each_worker_keeps_keys_and_limits(checkpoint: Checkpoint, tmp_path: Path) -> None:
    key, line = new_key("desk")
    (tmp_path / "keys").write_text(line, encoding="utf-8")
    with serving(checkpoint, "--workers", "2", keys_file=str(tmp_path / "keys"), max_articles="2") as live:
        right = {"Authorization": f"Bearer {key}"}
        for _ in range(8):  # each of its own connection, so that both workers are met
            assert httpx.post(f"{live.url}/classify", json={"text": "نص"}).status_code == 401
            answer = httpx.post(f"{live.url}/classify", json={"articles": [1, 2, 3]}, headers=right)
            assert answer.status_code in (413, 503)  # 503: the other worker is still loading
            limits = httpx.get(f"{live.url}/model", headers=right)
            assert limits.status_code == 503 or limits.json()["limits"]["max_articles"] == 2
        live.process.send_signal(signal.SIGTERM)
        live.process.wait(30)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(live.url.rpartition(":")[2])))


@pytest.mark.parametrize("flags", [("--host", "0.0.0.0"), ("--host", "0.0.0.0", "--workers", "2")])
def test_no_start_beyond_loopback_without_keys(flags: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", "serve", "api", *flags], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("wijha: no_keys: 0.0.0.0 can be reached by others")
    assert len(done.stderr.splitlines()) == 1
