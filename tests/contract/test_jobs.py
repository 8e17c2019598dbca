"""Jobs as a client sees them."""

import csv
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

import serve.job_runner
from data.writers import Writer
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from serve.app import create_app
from serve.job_chart import chart
from serve.job_lead import Lead
from serve.job_store import Store
from serve.keys import new_key
from serve.scoring import Stopped, score_table
from serve.settings import Settings
from serve.tally import Summary
from tests.conftest import SENTENCES, article
from tests.contract.job_client import NAME, ended, send, table, until


@pytest.fixture
def settings(checkpoint: Checkpoint, tmp_path: Path) -> Settings:
    return Settings(checkpoint=checkpoint.folder, jobs_folder=tmp_path / "jobs", max_job_bytes=300_000, max_jobs=3)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture
def idle(settings: Settings, client: TestClient) -> Iterator[TestClient]:
    """A client of a server whose jobs stay queued: another process has the lead."""
    settings.jobs_folder.mkdir()
    lead = Lead(settings.jobs_folder)
    assert lead.take()
    yield client
    lead.give_up()


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_job_is_what_a_table_scored_at_the_command_line_is(
    client: TestClient, checkpoint: Checkpoint, classifier: Classifier, tmp_path: Path, kind: str
) -> None:
    source, target = tmp_path / f"in.{kind}", tmp_path / f"out.{kind}"
    rows = [{"العنوان": article(i).title, "النص": article(i).text} for i in range(40)]
    if kind == "parquet":
        with Writer(source, [*rows[0]]) as writer:
            for row in rows:
                writer.write(row)
    elif kind == "jsonl":
        source.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    else:
        with source.open("w", encoding="utf-8-sig", newline="") as file:
            cells = csv.DictWriter(file, [*rows[0]], delimiter="\t" if kind == "tsv" else ",")
            cells.writeheader()
            cells.writerows(rows)
    score_table([source], target, classifier, checkpoint=checkpoint)
    job = send(client, source.read_bytes(), name=f"أخبار.{kind}")
    assert (job["state"], job["format"], job["rows_done"], job["result"]) == ("queued", kind, 0, None)
    done = ended(client, job)
    assert (done["state"], done["rows"], done["rows_done"], done["error"]) == ("done", 40, 40, None)
    assert done["summary"]["rows"] == 40
    assert any(f"أخبار.{kind}" in note for note in done["notes"])
    assert not any("input." in note or str(tmp_path) in note for note in done["notes"])
    assert done["created"] <= done["started"] <= done["ended"]
    assert client.get("/jobs").json()["jobs"] == [done]
    result = client.get(done["result"])
    assert result.content == target.read_bytes()
    kinds = {"csv": "text/csv; charset=utf-8", "tsv": "text/tab-separated-values; charset=utf-8"}
    others = {"jsonl": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}
    assert result.headers["content-type"] == {**kinds, **others}[kind]


def test_the_result_is_named_after_the_file_in_any_script(client: TestClient) -> None:
    for name, shown in [
        (NAME, f"filename*=utf-8''{httpx.URL(path='/' + NAME[:-4]).raw_path.decode()[1:]}-scored.csv"),
        ("../../etc/pass‮wd.csv", 'filename="passwd-scored.csv"'),
        ('C:\\temp\\a\r\nb".csv', "filename*=utf-8''ab%22-scored.csv"),
        ("", 'filename="articles-scored.csv"'),
    ]:
        done = ended(client, send(client, table(1), name=name))
        assert client.get(done["result"]).headers["content-disposition"] == f"attachment; {shown}"


def test_what_is_wrong_with_a_table_is_said_without_paths_of_the_server(
    client: TestClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    for content, query, code in [
        (table(2), {"text_column": "body"}, "no_such_column"),
        (b"a;b\n1;2\n", {}, "no_text_column"),
        (b"\n\n", {}, "empty_table"),
        (b"%PDF-1.7 " + b"\0" * 50, {}, "not_a_table"),
        (b"PAR1 not really", {"format": "parquet"}, "not_a_table"),
    ]:
        failed = ended(client, send(client, content, **query))
        assert (failed["state"], failed["error"]["code"]) == ("failed", code)
        assert str(settings.jobs_folder) not in json.dumps(failed, ensure_ascii=False)
        assert client.get(f"/jobs/{failed['id']}/result").json()["code"] == "not_done"
    assert SENTENCES[0] not in caplog.text


def test_bad_requests_are_problems(idle: TestClient, settings: Settings) -> None:
    def parts() -> Iterator[bytes]:  # of no declared length
        yield from [b"x" * 100_000] * 4

    form = {"content-type": "multipart/form-data; boundary=x"}
    for response, status, code in [
        (idle.post("/jobs", content=b"x" * 300_001), 413, "body_too_large"),
        (idle.post("/jobs", content=parts()), 413, "body_too_large"),
        (idle.post("/jobs", content=b""), 422, "empty_body"),
        (idle.post("/jobs", content=b"--x", headers=form), 415, "unsupported_media_type"),
        (idle.post("/jobs?format=xlsx", content=b"x"), 422, "bad_request"),
        (idle.get("/jobs?limit=0"), 422, "bad_request"),
        (idle.get("/jobs/..%2Fjobs.sqlite"), 404, "not_found"),
        (idle.get("/jobs/jobs.sqlite"), 404, "no_such_job"),
        (idle.get("/jobs/" + "A" * 22), 404, "no_such_job"),
        (idle.get("/jobs/%00%D9%85"), 404, "no_such_job"),
        (idle.delete("/jobs/" + "A" * 22), 404, "no_such_job"),
    ]:
        assert (response.status_code, response.json()["code"]) == (status, code), response.text
        assert response.headers["content-type"] == "application/problem+json"
    assert [path.name for path in settings.jobs_folder.iterdir() if path.is_dir()] == []
    for _ in range(3):
        send(idle, table(1))
    assert idle.post("/jobs", content=table(1)).json()["code"] == "too_many_jobs"


def test_a_waiting_job_has_no_result_and_can_be_removed(idle: TestClient, settings: Settings) -> None:
    first, second = send(idle, table(1)), send(idle, table(1))
    assert [job["id"] for job in idle.get("/jobs").json()["jobs"]] == [second["id"], first["id"]]
    assert len(idle.get("/jobs?limit=1").json()["jobs"]) == 1
    for part in ("result", "chart"):
        response = idle.get(f"/jobs/{first['id']}/{part}")
        assert (response.status_code, response.json()["code"]) == (409, "not_done")
    assert idle.delete(f"/jobs/{first['id']}").status_code == 204
    assert idle.get(f"/jobs/{first['id']}").status_code == 404
    assert [path.name for path in settings.jobs_folder.iterdir() if path.is_dir()] == [second["id"]]


def test_a_running_job_is_cancelled(client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: Any, progress: Callable[[int], None], stop: threading.Event, **__: Any) -> Summary:
        while not stop.wait(0.01):
            progress(1)
        raise Stopped

    monkeypatch.setattr(serve.job_runner, "score_table", endless)
    job = send(client, table(9))
    now = until(lambda: (now := client.get(f"/jobs/{job['id']}").json())["rows_done"] and now)
    assert (now["state"], now["rows"]) == ("running", 9)
    assert now["rate"] > 0
    assert now["seconds_left"] is not None
    assert client.delete(f"/jobs/{job['id']}").status_code == 204
    until(lambda: client.get(f"/jobs/{job['id']}").status_code == 404)
    until(lambda: not (settings.jobs_folder / job["id"]).exists())


def test_a_job_belongs_to_the_key_that_sent_it(settings: Settings, tmp_path: Path) -> None:
    keys = {name: new_key(name) for name in ("amal", "badr")}
    (tmp_path / "keys").write_text("\n".join(line for _, line in keys.values()), encoding="utf-8")
    closed = settings.model_copy(update={"keys_file": tmp_path / "keys"})
    with TestClient(create_app(closed)) as client:
        mine, theirs = ({"authorization": f"Bearer {key}"} for key, _ in keys.values())
        assert client.post("/jobs", content=table(1)).status_code == 401
        job = client.post("/jobs", content=table(1), headers=mine).json()
        assert [j["id"] for j in client.get("/jobs", headers=mine).json()["jobs"]] == [job["id"]]
        assert client.get("/jobs", headers=theirs).json()["jobs"] == []
        for method, part in [("GET", ""), ("DELETE", ""), ("GET", "/result"), ("GET", "/chart")]:
            response = client.request(method, f"/jobs/{job['id']}{part}", headers=theirs)
            assert (response.status_code, response.json()["code"]) == (404, "no_such_job")
        assert client.delete(f"/jobs/{job['id']}", headers=mine).status_code == 204


def test_jobs_cost_nothing_until_there_is_one(client: TestClient, settings: Settings) -> None:
    assert client.get("/jobs").json() == {"jobs": []}
    assert not settings.jobs_folder.exists()


def test_the_chart_counts_by_month(client: TestClient, tmp_path: Path) -> None:
    done = ended(client, send(client, table(30)))
    answer = client.get(f"/jobs/{done['id']}/chart").json()
    assert (answer["date_column"], answer["articles"], answer["undated"]) == ("التاريخ", 30, 0)
    assert answer["months"] == {"2024-05": 30}  # 13/05 shows that 5/05 has the day first, too
    found = {(c["topic"], c["stance"] or ""): c["articles"] for c in answer["counts"]}
    said = {(topic, stance): n for topic, stances in done["summary"]["topics"].items() for stance, n in stances.items()}
    assert found == said
    assert found
    response = client.get(f"/jobs/{done['id']}/chart", params={"date_column": "متى"})
    assert (response.status_code, response.json()["code"]) == (422, "no_such_column")
    assert str(tmp_path) not in response.text
    other = client.get(f"/jobs/{done['id']}/chart", params={"date_column": "العنوان"}).json()
    assert (other["undated"], other["months"]) == (30, {})
    assert sum(c["articles"] for c in other["counts"]) == sum(found.values())
    assert chart(Store(tmp_path / "jobs").folder / done["id"] / "scored.csv").months == answer["months"]
