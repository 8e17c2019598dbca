"""What is counted of requests, and timed."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.errors import OverloadError
from models.checkpoint import Checkpoint
from serve.app import create_app
from serve.gate import Gate
from serve.settings import Settings
from serve.telemetry import Telemetry, counting_together
from serve.trace import Trace, Traced, current, stage
from tests.contract.inside import ARTICLE, inside, metrics, samples

ROOT = Path(__file__).parents[2]


@pytest.fixture
def client(checkpoint: Checkpoint, tmp_path: Path) -> Iterator[TestClient]:
    with inside(checkpoint, tmp_path) as client:
        yield client


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
