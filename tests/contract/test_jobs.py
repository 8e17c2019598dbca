"""Jobs as a client sees them, and what must hold when a process dies."""

import csv
import json
import threading
import time
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
from serve.answers import StoreError
from serve.app import create_app
from serve.job_chart import chart
from serve.job_lead import Lead
from serve.job_runner import Runner
from serve.job_store import Store
from serve.keys import new_key
from serve.scoring import Stopped, score_table
from serve.settings import Settings
from serve.tally import Summary
from tests.conftest import SENTENCES, article
from tests.contract.live import serving

NAME = "مقالات_٢٠٢٤ أيّار.csv"


def table(rows: int) -> bytes:
    lines = ["التاريخ;العنوان;النص"]
    lines += [f'{i % 28 + 1}/٠٥/٢٠٢٤;{article(i).title};"{article(i, 2 + i % 5).text}"' for i in range(rows)]
    return "\n".join(lines).encode()


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


def send(client: Any, content: bytes, **query: Any) -> Any:
    response = client.post("/jobs", params={"name": NAME, **query}, content=content)
    assert response.status_code == 202, response.text
    job = response.json()
    assert response.headers["location"] == f"/jobs/{job['id']}"
    return job


def until(seen: Callable[[], Any], seconds: float = 60) -> Any:
    """What ``seen`` gives once that is something."""
    end = time.monotonic() + seconds
    while not (value := seen()):
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.02)
    return value


def ended(client: Any, job: Any) -> Any:
    def seen() -> Any:
        now = client.get(f"/jobs/{job['id']}").json()
        return now if now["state"] not in ("queued", "running") else None

    return until(seen)


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
