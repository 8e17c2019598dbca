"""What must hold of jobs when a disk is full, a table is deadly, or a process dies."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

import serve.job_runner
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from serve.answers import StoreError
from serve.app import create_app
from serve.job_runner import Runner
from serve.job_store import Store
from serve.scoring import score_table
from serve.settings import Settings
from serve.tally import Summary
from tests.conftest import SENTENCES
from tests.contract.job_client import ended, send, table, until
from tests.contract.live import serving


@pytest.fixture
def settings(checkpoint: Checkpoint, tmp_path: Path) -> Settings:
    return Settings(checkpoint=checkpoint.folder, jobs_folder=tmp_path / "jobs")


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


def test_a_full_disk_and_a_fault_of_ours_end_one_job_and_no_other(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for error, code in [
        (OSError(28, "No space left on device"), "disk_full"),
        (StoreError(28, "No space left on device"), "disk_full"),
        (ValueError(SENTENCES[0]), "internal"),
    ]:

        def fail(*_: Any, error: Exception = error, **__: Any) -> Summary:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(serve.job_runner, "score_table", fail)
            failed = ended(client, send(client, table(1)))
        assert (failed["state"], failed["error"]["code"]) == ("failed", code)
        assert SENTENCES[0] not in caplog.text + json.dumps(failed, ensure_ascii=False)
    assert ended(client, send(client, table(1)))["state"] == "done"


def test_where_nothing_can_be_kept_jobs_say_so_and_the_rest_works(checkpoint: Checkpoint, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(checkpoint=checkpoint.folder, jobs_folder=tmp_path / "file" / "jobs")
    with TestClient(create_app(settings)) as client:
        for response in (client.post("/jobs", content=table(1)), client.get("/jobs"), client.get("/jobs/x")):
            assert (response.status_code, response.json()["code"]) == (503, "no_jobs_folder")
        until(lambda: client.get("/health/ready").status_code == 200)
        assert client.post("/classify", json={"text": SENTENCES[0]}).status_code == 200


def test_of_several_servers_one_runs_a_job(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def slow(sources: list[Path], *_: Any, **__: Any) -> Summary:
        ran.append(sources[0].parent.name)
        time.sleep(0.05)
        return Summary(rows=1)

    monkeypatch.setattr(serve.job_runner, "score_table", slow)
    monkeypatch.setattr(serve.job_runner, "AsideClassifier", lambda *_, **__: None)
    store = Store(tmp_path)
    names = [store.new() for _ in range(6)]
    for name in names:
        (tmp_path / name / "input.csv").write_bytes(table(1))
        store.add(name, owner="", name="a.csv", format="csv")
    model: Any = type("Loaded", (), {"classifier": None, "checkpoint": None})
    runners = [Runner(store, settings, lambda: model, busy=lambda: False, piece=1) for _ in range(3)]
    with runners[0], runners[1], runners[2]:
        until(lambda: store.waiting() == 0)
    assert ran == names


def test_a_table_that_ends_the_process_again_and_again_is_given_up(client: TestClient, settings: Settings) -> None:
    store = Store(settings.jobs_folder)
    name = store.new()
    (store.folder / name / "input.csv").write_bytes(table(1))
    store.add(name, owner="", name="a.csv", format="csv", starts=3, state="running")
    assert ended(client, {"id": name})["error"]["code"] == "crashed"


@pytest.mark.slow
def test_a_job_outlives_a_killed_server(checkpoint: Checkpoint, classifier: Classifier, tmp_path: Path) -> None:
    settings = {"jobs_folder": str(tmp_path / "jobs")}
    source = tmp_path / "whole.csv"
    source.write_bytes(table(3000))
    with serving(checkpoint, **settings) as live, httpx.Client(base_url=live.url, timeout=30) as http:
        long, short = send(http, source.read_bytes()), send(http, table(5))
        until(lambda: http.get(f"/jobs/{long['id']}").json()["rows_done"] > 0)
        live.process.kill()
        live.process.wait()
    store = Store(tmp_path / "jobs")
    assert [job.state for job in store.listed("", 2)] == ["queued", "running"]
    with serving(checkpoint, **settings) as live, httpx.Client(base_url=live.url, timeout=30) as http:
        done = ended(http, long)
        assert (done["state"], done["rows_done"]) == ("done", 3000)
        assert any("going on" in note for note in done["notes"])
        assert ended(http, short)["state"] == "done"
        result = http.get(done["result"]).content
    score_table([source], tmp_path / "scored.csv", classifier, checkpoint=checkpoint)
    assert result == (tmp_path / "scored.csv").read_bytes()
