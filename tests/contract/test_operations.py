"""Metrics, logs, request ids, timing, and the container file."""

from __future__ import annotations

import asyncio
import json
import logging
import logging.config
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from data.errors import OverloadError
from models.checkpoint import Checkpoint
from serve.app import create_app
from serve.gate import Gate
from serve.logs import JsonFormatter, PlainFormatter
from serve.settings import Settings
from serve.telemetry import Telemetry, counting_together
from serve.trace import Trace, Traced, current, stage
from tests.conftest import SENTENCES

ROOT = Path(__file__).parents[2]
ARTICLE = {"title": "خَبَرٌ عاجـــل ٢٠٢٤", "text": "\u200f" + "\n".join(SENTENCES) + " UNSMIL 2024"}


@pytest.fixture
def client(checkpoint: Checkpoint, tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings(checkpoint=checkpoint.folder, jobs_folder=tmp_path / "jobs", max_articles=5)
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        while client.get("/health/ready").json().get("code") == "loading":
            pass
        yield client


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Name and label values of each sample, buckets left out."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "le" not in sample.labels
    }


def metrics(client: TestClient) -> dict[tuple[str, ...], float]:
    return samples(client.get("/metrics").text)


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


def test_what_was_answered_is_counted(client: TestClient) -> None:
    before = metrics(client)
    body = {"articles": [ARTICLE, {"text": ""}, {"text": "Hello there. " * 20}]}
    answer = client.post("/classify", json=body).json()
    found = metrics(client)
    new = {name: value - before.get(name, 0) for name, value in found.items() if value != before.get(name, 0)}
    results = answer["results"]
    assert new["wijha_articles_total",] == 2
    assert new["wijha_article_errors_total", "empty_text"] == 1
    assert new["wijha_windows_total",] == sum(result["windows"] for result in results)
    assert new["wijha_tokens_total",] == sum(result["tokens"] for result in results)
    assert new["wijha_warnings_total", "not_arabic"] == 1
    assert new["wijha_requests_total", "POST", "/classify", "200"] == 1
    for place, topic in enumerate(results[0]["topics"]):
        name = topic["id"]
        topics = [results[i]["topics"][place] for i in (0, 2)]
        rates = {key[1]: value for key, value in new.items() if key[0] == "wijha_relevance_total" and key[2] == name}
        assert rates.get("yes", 0) == sum(t["relevant"] is True for t in topics)
        assert rates.get("no", 0) == sum(t["relevant"] is False for t in topics)
        stances = [value for key, value in new.items() if key[0] == "wijha_stance_total" and name in key]
        assert sum(stances) == sum(t["stance"] is not None for t in topics)
        assert new["wijha_probability_count", name] == 2
        assert new["wijha_probability_sum", name] == pytest.approx(sum(t["probability"] for t in topics), abs=1e-5)
    assert found["wijha_queue_length",] == 0
    assert found["wijha_requests_inside",] == 1  # the one that asks
    assert found["process_resident_memory_bytes",] > 1e6


def test_stages_sum_to_the_whole_and_are_said(client: TestClient) -> None:
    response = client.post("/classify", json={"text": ARTICLE["text"]})
    timing = dict(part.split(";dur=") for part in response.headers["server-timing"].split(", "))
    assert list(timing) == ["read", "wait", "compute", "answer", "total"]
    whole = float(timing.pop("total"))
    assert sum(map(float, timing.values())) == pytest.approx(whole, abs=0.3)
    assert float(timing["compute"]) > 0
    found = metrics(client)
    assert {key[1] for key in found if key[0] == "wijha_stage_seconds_count"} == set(timing)
    assert found["wijha_stage_seconds_sum", "compute"] == pytest.approx(float(timing["compute"]) / 1000, abs=1e-3)
    assert re.fullmatch(r"total;dur=[\d.]+", client.get("/topics").headers["server-timing"])


def test_labels_are_few_whatever_is_asked(client: TestClient) -> None:
    before = metrics(client)
    for number in range(20):
        client.get(f"/nothing/{number}")
        client.request(f"METHOD{number}", "/classify")
        client.get(f"/jobs/{number:032x}")
    new = set(metrics(client)) - set(before)
    requests = {key[1:] for key in new if key[0] == "wijha_requests_total"}
    assert ("GET", "other", "404") in requests
    assert ("other", "/classify", "405") in requests
    assert ("GET", "/jobs/{id}", "404") in requests
    assert len(requests) <= 5
    assert {key[1] for key in new if key[0] == "wijha_problems_total"} == {
        "not_found",
        "method_not_allowed",
        "no_such_job",
    }


def test_the_queue_is_counted_and_refusals_by_code() -> None:
    async def scene() -> None:
        telemetry, gate, release = Telemetry(), Gate(running=1, waiting=1), asyncio.Event()

        async def visit(scope: Any, receive: Any, send: Any) -> None:
            with gate.place(), stage("wait"):
                await release.wait()

        async def ask() -> None:
            scope = {"type": "http", "method": "POST", "path": "/classify", "headers": []}
            await Traced(visit, watch=telemetry)(scope, None, None)  # type: ignore[arg-type]

        visits = [asyncio.create_task(ask()) for _ in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        found = samples(telemetry.text().decode())
        assert (found["wijha_queue_length",], found["wijha_requests_inside",]) == (2, 2)
        with pytest.raises(OverloadError):
            await ask()
        visits[1].cancel()  # whoever leaves is out of the count
        release.set()
        await asyncio.gather(*visits, return_exceptions=True)
        found = samples(telemetry.text().decode())
        assert (found["wijha_queue_length",], found["wijha_requests_inside",]) == (0, 0)
        assert found["wijha_requests_total", "POST", "other", "499"] == 3

    asyncio.run(scene())


def test_a_full_house_is_a_refusal_in_the_metrics(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Gate) -> None:
        raise OverloadError("overloaded", "full")

    monkeypatch.setattr(Gate, "check", full)
    assert client.post("/classify", json={"text": "نص"}).status_code == 429
    assert metrics(client)["wijha_problems_total", "overloaded"] == 1
    assert ("wijha_stage_seconds_count", "wait") not in metrics(client)


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
        assert "test_operations.py" in text


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


def test_outside_of_a_request_there_is_no_trace() -> None:
    with stage("compute"):
        assert current() is None
    trace = Trace(Telemetry())
    trace.enter(None)
    assert trace.enter("wait") is None  # over is over: a late part of it counts for nothing
    assert not trace.queued


def test_processes_count_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What two processes counted is one sum; what a dead one was doing is forgotten."""
    program = """
import sys
from serve.telemetry import Telemetry
from serve.trace import Trace
telemetry = Telemetry()
trace = Trace(telemetry)
trace.enter("wait")
if sys.argv[1] == "ends":
    trace.enter(None)
    telemetry.finished(trace, "/classify", "POST", 200)
if sys.argv[1] == "asks":
    print(telemetry.text().decode())
"""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    with counting_together(1):
        assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
    with counting_together(2):
        folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])

        def process(what: str) -> str:
            command = [sys.executable, "-c", program, what]
            return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

        process("ends")
        process("ends")
        process("dies in the queue")
        found = samples(process("asks"))
        assert found["wijha_requests_total", "POST", "/classify", "200"] == 2
        assert found["wijha_stage_seconds_count", "wait"] == 2
        assert (found["wijha_queue_length",], found["wijha_requests_inside",]) == (1, 1)  # of the one that asks
    assert not folder.exists()
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "given"))
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "counter_1.db").touch()
    with counting_together(1):
        assert list((tmp_path / "given").iterdir()) == []


def test_metrics_want_a_key_where_there_are_keys(checkpoint: Checkpoint, tmp_path: Path) -> None:
    from serve.keys import new_key

    key, line = new_key("prometheus")
    (tmp_path / "keys").write_text(line + "\n", encoding="utf-8")
    settings = Settings(checkpoint=checkpoint.folder, keys_file=tmp_path / "keys", jobs_folder=tmp_path / "jobs")
    with TestClient(create_app(settings)) as client:
        refused = client.get("/metrics")
        assert (refused.status_code, bool(refused.headers["x-request-id"])) == (401, True)
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {key}"})
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert samples(answer.text)["wijha_problems_total", "no_key"] == 1


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    kept = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in kept)]


def test_the_container_runs_as_nobody_and_without_torch() -> None:
    found = instructions()
    names = [name for name, _ in found]
    assert set(names) <= {
        "FROM",
        "ARG",
        "WORKDIR",
        "COPY",
        "RUN",
        "ENV",
        "USER",
        "VOLUME",
        "EXPOSE",
        "HEALTHCHECK",
        "CMD",
    }
    assert names.count("FROM") == 2
    last = found[len(names) - names[::-1].index("FROM") :]
    (user,) = (rest for name, rest in last if name == "USER")
    uid = user.split(":")[0]
    assert uid.isdecimal()
    assert int(uid) > 0
    assert not any(name in ("RUN", "COPY") for name, _ in last[last.index(("USER", user)) :])
    whole = "\n".join(rest for _, rest in found)
    assert not re.search(r"torch|\[(train|dev)", whole)
    environment = dict(part.split("=", 1) for name, rest in last if name == "ENV" for part in shlex.split(rest))
    assert environment["PYTHONSAFEPATH"] == "1"
    known = {f"WIJHA_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in environment if name.startswith("WIJHA_")} <= known
    assert environment["WIJHA_JOBS_FOLDER"] in {rest for name, rest in last if name == "VOLUME"}
    (check,) = (rest for name, rest in last if name == "HEALTHCHECK")
    program = json.loads(check[check.index("[") :])
    assert program[0] == "python"
    compile(program[2], "healthcheck", "exec")


def test_the_container_file_copies_what_there_is_and_ignores_what_is_not_wanted() -> None:
    ignored = (ROOT / ".containerignore").read_text(encoding="utf-8").split()
    assert (ROOT / ".dockerignore").read_text(encoding="utf-8").split() == ignored
    assert ignored[0] == "*"
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = []
    for name, rest in instructions():
        if name == "COPY" and "--from=" not in rest:
            copied += shlex.split(rest)[:-1]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source.rstrip("/") in allowed, source
    for needed in ("data", "models", "serve", "pyproject.toml", "README.md", "LICENSE"):
        assert needed in {source.rstrip("/") for source in copied}
