"""A run that was cut off, however it was, goes on and ends as if it had not been."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from data.errors import DataError
from models.checkpoint import Checkpoint
from serve.answers import Answers, StoreError
from serve.scoring import Options, Stopped, score_table
from serve.work import Work, work_folder
from tests.conftest import article
from tests.contract.cut_off import Slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def slow(checkpoint: Checkpoint) -> Any:
    return Slow(checkpoint.contract, pause=0)


def table(path: Path, count: int, *, repeats: int = 0) -> Path:
    rows = [{"id": str(i), "title": article(i).title, "text": article(i).text} for i in range(count)]
    rows[count // 2]["text"] = " "
    lines = [json.dumps(row, ensure_ascii=False) for row in rows + rows[:repeats]]
    lines.insert(3, "{broken")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def stopping(after: int) -> dict[str, Any]:
    """Arguments that end a run after so many chunks."""
    stop, left = threading.Event(), [after]

    def progress(_: int) -> None:
        left[0] -= 1
        if left[0] <= 0:
            stop.set()

    return {"progress": progress, "stop": stop}


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.jsonl.gz"])
def test_killed_at_fifty_random_moments_the_output_is_the_same(
    tmp_path: Path, checkpoint: Checkpoint, name: str
) -> None:
    source = table(tmp_path / "in.jsonl", 300, repeats=100)
    words = [str(checkpoint.folder), str(source), str(tmp_path / name), "50", "11"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.contract.cut_off", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["killed"], found["outputs"], found["left"]) == (50, 1, [])
    assert found["unfinished"] > 10, "hardly one of the kills came while it was at work"
    assert found["ended"] > 3


def test_a_killed_command_goes_on_with_the_real_network(tmp_path: Path, checkpoint: Checkpoint) -> None:
    source = table(tmp_path / "in.jsonl", 500)
    words = ["score", str(source), "OUT", "--checkpoint", str(checkpoint.folder)]

    def start(out: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "serve", *(str(out) if word == "OUT" else word for word in words)]
        return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)

    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    first = start(whole)
    assert "Traceback" not in first.communicate()[1]
    assert first.returncode == 0
    running, store = start(cut), work_folder(cut) / "answers.sqlite-wal"
    while running.poll() is None and not (store.exists() and store.stat().st_size > 200_000):
        time.sleep(0.002)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert not cut.exists()
    again = start(cut)
    assert "going on with a run that was cut off" in again.communicate()[1]
    assert again.returncode == 0
    assert cut.read_bytes() == whole.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.csv", "in.jsonl", "whole.csv"]


def test_what_is_answered_is_not_asked_again(tmp_path: Path, checkpoint: Checkpoint, slow: Slow) -> None:
    source = table(tmp_path / "in.jsonl", 300, repeats=300)
    run: Any = ([source], tmp_path / "out.csv", slow)
    with pytest.raises(Stopped):
        score_table(*run, checkpoint=checkpoint, **stopping(4))
    assert 0 < slow.asked < 300
    summary = score_table(*run, checkpoint=checkpoint)
    # what was under way when the run was stopped may be asked a second time
    assert slow.asked <= 300 + 3 * 32
    again = Slow(checkpoint.contract, pause=0)
    uncut = score_table([source], tmp_path / "o.csv", again, checkpoint=checkpoint)  # type: ignore[arg-type]
    assert again.asked == 300
    assert (uncut.rows, uncut.repeated, uncut.skipped, uncut.errors) == (601, 300, 2, 1)
    assert uncut == summary


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("input", ["input", "in.jsonl", " bytes "]),
        ("option", ["options", "max_characters", "9"]),
        ("columns", ["options", "title_column"]),
        ("precision", ["options", "precision", "bf16"]),
        ("model", ["checkpoint"]),
        ("another", ["input", "more.jsonl"]),
    ],
)
def test_another_run_is_refused_with_the_reason(
    tmp_path: Path, checkpoint: Checkpoint, slow: Any, change: str, words: list[str]
) -> None:
    import dataclasses

    source, target = table(tmp_path / "in.jsonl", 100), tmp_path / "out.csv"
    with pytest.raises(Stopped):
        score_table([source], target, slow, checkpoint=checkpoint, **stopping(1))
    before = sorted((p.name, p.stat().st_size) for p in work_folder(target).iterdir())
    sources, other, options = [source], checkpoint, Options()
    if change == "input":
        source.write_text(source.read_text(encoding="utf-8").replace("خبر", "نبأ", 1), encoding="utf-8")
    elif change == "option":
        options = Options(max_characters=9)
    elif change == "columns":
        options = Options(title_column="id")
    elif change == "precision":
        options = Options(precision="bf16")
    elif change == "model":
        other = dataclasses.replace(checkpoint, digest="0" * 64)
    else:
        sources.append(table(tmp_path / "more.jsonl", 3))
    with pytest.raises(DataError) as caught:
        score_table(sources, target, slow, checkpoint=other, options=options)
    assert caught.value.code == "other_run"
    assert all(word in caught.value.message for word in [*words, "--fresh"])
    assert sorted((p.name, p.stat().st_size) for p in work_folder(target).iterdir()) == before
    fresh = dataclasses.replace(options, fresh=True)
    score_table(sources, target, slow, checkpoint=other, options=fresh)
    assert not work_folder(target).exists()


def test_fresh_forgets_the_answers(tmp_path: Path, checkpoint: Checkpoint, slow: Slow) -> None:
    run: Any = ([table(tmp_path / "in.jsonl", 100)], tmp_path / "out.csv", slow)
    with pytest.raises(Stopped):
        score_table(*run, checkpoint=checkpoint, **stopping(2))
    slow.asked = 0
    score_table(*run, checkpoint=checkpoint, options=Options(fresh=True))
    assert slow.asked == 100


def test_two_runs_keep_apart(tmp_path: Path, checkpoint: Checkpoint, slow: Any) -> None:
    source, target = table(tmp_path / "in.jsonl", 100), tmp_path / "out.csv"
    codes = []

    def meanwhile(_: int) -> None:
        for fresh in (False, True):
            with pytest.raises(DataError) as caught:
                score_table([source], target, slow, checkpoint=checkpoint, options=Options(fresh=fresh))
            codes.append(caught.value.code)

    score_table([source], target, slow, checkpoint=checkpoint, progress=meanwhile)
    assert set(codes) == {"busy"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl", "out.csv"]


def test_cut_off_between_the_name_and_the_clearing_up(
    tmp_path: Path, checkpoint: Checkpoint, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: Any = ([table(tmp_path / "in.jsonl", 100)], tmp_path / "out.csv", slow)
    with monkeypatch.context() as patch:
        patch.setattr(Work, "discard", lambda work: work.nothing)
        with pytest.raises(AttributeError):
            score_table(*run, checkpoint=checkpoint)
    written = (tmp_path / "out.csv").read_bytes()
    slow.asked = 0
    score_table(*run, checkpoint=checkpoint)
    assert (tmp_path / "out.csv").read_bytes() == written
    assert slow.asked == 0


@pytest.mark.parametrize("kept", range(7))
def test_cut_off_while_clearing_up_nothing_is_mixed(
    tmp_path: Path, checkpoint: Checkpoint, slow: Any, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """However far the clearing up came, the next run refuses or starts over; it never takes a stranger's answers."""
    source, target = table(tmp_path / "in.jsonl", 100), tmp_path / "out.csv"
    taken, real = [0], Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        taken[0] += 1
        if taken[0] > kept:
            raise InterruptedError
        real(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        with pytest.raises(InterruptedError):
            score_table([source], target, slow, checkpoint=checkpoint)
    with contextlib.suppress(DataError):  # other_run
        score_table([source], target, slow, checkpoint=checkpoint, options=Options(max_characters=9))
        assert target.read_text(encoding="utf-8").count("article_too_long") > 90


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path, checkpoint: Checkpoint, slow: Any) -> None:
    theirs = work_folder(tmp_path / "out.csv")
    theirs.mkdir()
    (theirs / "notes.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(DataError, match=r"bad_target.*in the way"):
        score_table([table(tmp_path / "in.jsonl", 9)], tmp_path / "out.csv", slow, checkpoint=checkpoint)
    assert [p.name for p in theirs.iterdir()] == ["notes.txt"]


def test_a_broken_store_says_how_to_start_over(tmp_path: Path, checkpoint: Checkpoint, slow: Any) -> None:
    source, target = table(tmp_path / "in.jsonl", 100), tmp_path / "out.csv"
    with pytest.raises(Stopped):
        score_table([source], target, slow, checkpoint=checkpoint, **stopping(2))
    (work_folder(target) / "answers.sqlite").write_bytes(b"not a database" * 999)
    with pytest.raises(StoreError, match="--fresh"):
        score_table([source], target, slow, checkpoint=checkpoint)
    assert score_table([source], target, slow, checkpoint=checkpoint, options=Options(fresh=True)).rows == 101


def test_a_store_broken_in_the_middle_too(tmp_path: Path, checkpoint: Checkpoint, slow: Any) -> None:
    source, target = table(tmp_path / "in.jsonl", 100), tmp_path / "out.csv"
    with pytest.raises(Stopped):
        score_table([source], target, slow, checkpoint=checkpoint, **stopping(3))
    store = work_folder(target) / "answers.sqlite"
    content = store.read_bytes()
    assert len(content) > 3 * 4096
    store.write_bytes(content[: 2 * 4096] + b"A" * (len(content) - 2 * 4096))
    with pytest.raises(StoreError, match="--fresh"):
        score_table([source], target, slow, checkpoint=checkpoint)
    assert score_table([source], target, slow, checkpoint=checkpoint, options=Options(fresh=True)).rows == 101


def test_on_a_full_disk_it_ends_in_one_line_and_goes_on_later(tmp_path: Path, checkpoint: Checkpoint) -> None:
    source, target = table(tmp_path / "in.jsonl", 500), tmp_path / "out.csv"
    command = [sys.executable, "-m", "serve", "score", str(source), str(target), "--checkpoint", str(checkpoint.folder)]

    def run(most: int) -> subprocess.CompletedProcess[str]:
        # a limit on the size of a file stands for the disk: a write beyond it fails
        limit = (most, resource.RLIM_INFINITY)
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
        )  # fmt: skip

    full = run(300_000)
    assert full.returncode == 2
    assert full.stderr.splitlines()[-1].startswith("wijha: os_error: ")
    assert "Traceback" not in full.stderr
    assert "Exception ignored" not in full.stderr
    assert not target.exists()
    assert run(-1).returncode == 0
    assert target.read_text(encoding="utf-8").count("\n") > 500


def test_an_input_that_changes_meanwhile_is_noticed(tmp_path: Path, checkpoint: Checkpoint, slow: Any) -> None:
    source = table(tmp_path / "in.jsonl", 100)
    with pytest.raises(DataError, match="input_changed"):
        score_table(
            [source], tmp_path / "out.csv", slow, checkpoint=checkpoint, progress=lambda _: os.utime(source, (1, 1))
        )
    assert not (tmp_path / "out.csv").exists()


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    store = Answers(tmp_path / "a.sqlite")
    record = {"topics": [{"probability": 0.123457, "stance": None}], "error": None, "warnings": ["ح"]}
    store.put([(b"a", record, 7), (b"b", record, 8)])
    store.put([(b"a", {"topics": []}, 9)])
    assert store.get([b"a", b"c"]) == {b"a": (record, 7)}
    store.close()
    again = Answers(tmp_path / "a.sqlite")
    assert again.get([b"b"]) == {b"b": (record, 8)}
    again.close()
