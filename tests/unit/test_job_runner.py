"""How jobs let requests go first, and what is kept of them."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import serve.job_runner
from data.errors import DataError
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from serve.engine import Loaded
from serve.job_runner import Aside, Runner, _failure
from serve.job_store import Store
from serve.scoring import Stopped
from serve.settings import Settings


class Slow:
    """Heads that are the row's own numbers; counts what is asked for together."""

    def __init__(self) -> None:
        self.pieces: list[int] = []

    def run(self, rows: Any) -> Any:
        self.pieces.append(len(rows))
        return [row.astype(np.float32) for row in rows]


def test_windows_are_computed_a_few_at_a_time_and_keep_their_order() -> None:
    inner = Slow()
    rows = [np.full(length, place) for place, length in enumerate((9, 2, 30, 1, 2))]
    heads = Aside(inner, busy=lambda: False, piece=2, stop=threading.Event()).run(rows)
    assert [head.tolist() for head in heads] == [row.tolist() for row in rows]
    assert inner.pieces == [2, 2, 1]


def test_a_piece_waits_for_requests_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    inner, stop, busy = Slow(), threading.Event(), threading.Event()
    busy.set()
    aside = Aside(inner, busy=busy.is_set, piece=1, stop=stop)
    monkeypatch.setattr(serve.job_runner, "_PATIENCE", 3600)
    thread = threading.Thread(target=aside.run, args=([np.zeros(1, np.int64)],))
    thread.start()
    thread.join(0.3)
    assert inner.pieces == []
    busy.clear()
    thread.join(30)
    assert inner.pieces == [1]
    busy.set()
    monkeypatch.setattr(serve.job_runner, "_PATIENCE", 0.05)
    aside.run([np.zeros(1, np.int64)])
    assert inner.pieces == [1, 1]
    stop.set()
    with pytest.raises(Stopped):
        aside.run([np.zeros(1, np.int64)])


def test_old_jobs_and_broken_uploads_are_swept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    names = [store.new() for _ in range(4)]
    kept, old, broken, coming = names
    for name in (kept, old):
        job = store.add(name, owner="", name="a.csv", format="csv")
        assert store.take() is not None
        store.note(job, state="done", ended=time.time() - (8 if name == old else 6) * 86400)
    os.utime(tmp_path / broken, (1, 1))
    (tmp_path / "theirs").mkdir()
    store.sweep(7)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {kept, coming, "theirs"}
    assert [job.id for job in store.listed("", 9)] == [kept]


def test_a_failure_names_the_file_as_it_was_sent_and_which_table_of_a_zip(tmp_path: Path) -> None:
    store = Store(tmp_path)
    job = store.add(store.new(), owner="", name="أخبار.zip", format="csv")
    source = store.source(job)
    for where, wanted in ((str(source), "no text"), (f"{source}/b.csv", "no text [أخبار.zip/b.csv]"), ("", "no text")):
        found = _failure(DataError("no_text_column", "no text", where=where), job, store)
        assert found == {"code": "no_text_column", "message": wanted}


def test_a_job_keeps_the_servers_limit_on_an_article(
    tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier
) -> None:
    settings = Settings(checkpoint=checkpoint.folder, jobs_folder=tmp_path, max_characters=10)
    store, loaded = Store(tmp_path), Loaded(checkpoint, classifier, {}, "")
    job = store.add(store.new(), owner="", name="a.csv", format="csv")
    store.source(job).write_text("text\nخبر قصير\nخبر أطول من ذلك\n", encoding="utf-8")
    with Runner(store, settings, lambda: loaded, busy=lambda: False, piece=1) as runner:
        end = time.monotonic() + 60
        while (found := store.get(job.id)) is None or found.ended is None:
            assert time.monotonic() < end
            runner.wake()
            time.sleep(0.01)
    assert found.summary is not None
    assert found.summary["codes"] == {"article_too_long": 1}
