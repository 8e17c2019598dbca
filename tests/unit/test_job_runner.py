"""How jobs let requests go first, and what is kept of them."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import serve.job_runner
from serve.job_runner import Aside
from serve.job_store import Store
from serve.scoring import Stopped


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
