"""Lines of the log and the ids of requests."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from models.checkpoint import Checkpoint
from serve.logs import JsonFormatter, PlainFormatter
from serve.settings import Settings
from tests.conftest import SENTENCES
from tests.contract.inside import ARTICLE, inside, metrics

ROOT = Path(__file__).parents[2]


@pytest.fixture
def client(checkpoint: Checkpoint, tmp_path: Path) -> Iterator[TestClient]:
    with inside(checkpoint, tmp_path) as client:
        yield client


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """The lines of the log, JSON and plain, as they are written while the requests run."""
    found: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.extend([JsonFormatter().format(record), PlainFormatter().format(record)])

    keep = Keep()
    caplog.set_level(logging.INFO, "serve")
    logging.getLogger("serve").addHandler(keep)
    yield found
    logging.getLogger("serve").removeHandler(keep)


@pytest.mark.parametrize("given", ["abc-1", "0af7651916cd43dd.8448_eb", "x" * 64])
def test_a_sane_request_id_is_kept(client: TestClient, given: str) -> None:
    assert client.get("/topics", headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\tb", 'a"b', "é", "id;x=1"])
def test_another_request_id_gives_way_to_ours(client: TestClient, given: str) -> None:
    made = {client.get("/nothing", headers={b"X-Request-Id": given.encode()}).headers["x-request-id"] for _ in range(2)}
    assert len(made) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in made)


def test_a_line_for_each_request_without_its_text(client: TestClient, written: list[str]) -> None:
    headers = {"X-Request-Id": "r-1"}
    body = {"articles": [ARTICLE, {"text": ""}]}
    windows = client.post("/classify?text=سر", json=body, headers=headers).json()["results"][0]["windows"]
    client.get("/موضوع%0Alevel=error")
    client.get("/health/live")  # a probe that finds all well says nothing
    client.get("/metrics")
    assert len(written) == 4
    scored, missing = (json.loads(line) for line in written[::2])
    assert scored.pop("ms") > 0
    assert scored.pop("time").endswith("+00:00")
    assert scored == {
        "level": "info",
        "logger": "serve.trace",
        "request_id": "r-1",
        "message": "request",
        "method": "POST",
        "path": "/classify",
        "status": 200,
        "articles": 2,
        "windows": windows,
    }
    assert (missing["status"], missing["code"]) == (404, "not_found")
    assert missing["path"] == "/%D9%85%D9%88%D8%B6%D9%88%D8%B9%0Alevel%3Derror"
    assert not any("\n" in line or sentence in line for line in written for sentence in SENTENCES)


def test_a_fault_is_logged_under_its_request_without_its_message(
    client: TestClient, written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: Any) -> None:
        raise ValueError(ARTICLE["text"])

    monkeypatch.setattr("serve.door._classify", break_down)
    response = client.post("/classify", json=ARTICLE, headers={"X-Request-Id": "r-2"})
    assert (response.status_code, response.headers["x-request-id"]) == (500, "r-2")
    fault, request = (json.loads(line) for line in written[::2])
    assert fault["request_id"] == request["request_id"] == "r-2"
    assert "in break_down" in fault["message"]
    assert (request["status"], request["code"]) == (500, "internal")
    assert not any(sentence in line for line in written for sentence in SENTENCES)
    assert metrics(client)["wijha_problems_total", "internal"] == 1


def test_no_exception_s_message_gets_into_a_line() -> None:
    try:
        try:
            raise KeyError(SENTENCES[0])
        except KeyError as error:
            raise ValueError(SENTENCES[1]) from error
    except ValueError:
        given = ("Task exception was never retrieved\nfuture: %s", (SENTENCES[2],), sys.exc_info())
        record = logging.LogRecord("asyncio", logging.ERROR, __file__, 1, *given)
    for formatter in (JsonFormatter(), PlainFormatter()):
        text = formatter.format(record)
        assert not any(sentence in text for sentence in SENTENCES)
        assert "Task exception was never retrieved" in text
        assert "ValueError" in text
        assert "KeyError" in text
        assert "test_logs.py" in text


@pytest.mark.parametrize("form", ["json", "plain"])
def test_the_format_is_a_setting(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIJHA_LOG_FORMAT", form)
    assert Settings.read().log_format == form
    program = f"""
import logging, logging.config
from serve.logs import log_config
logging.config.dictConfig(log_config({form!r}))
logging.getLogger("serve.x").info("وصل", extra={{"fields": {{"n": 1}}}})
logging.getLogger("uvicorn.error").info("up")
logging.getLogger("other").info("not said")
logging.getLogger("trafilatura.core").error("not said")
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    first, second = done.stderr.splitlines()
    if form == "json":
        assert (json.loads(first)["message"], json.loads(first)["n"]) == ("وصل", 1)
        assert json.loads(second)["logger"] == "uvicorn.error"
    else:
        assert first.endswith("info    وصل n=1")
