"""The quality gate: what fails it, and what it takes to lower a floor."""

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import train.gate as gates
from data.corpus import fingerprint
from data.errors import DataError
from models.checkpoint import DEFAULT, Checkpoint
from train.__main__ import main
from train.gate import bundled_corpus, contradictions, figures, lowered, read_history, regressions, write_floors


def body(value: float = 0.8, digest: str = "abc", **figures: float) -> dict[str, Any]:
    return {"fingerprint": digest, "articles": 9, "figures": {"topic_macro_f1": value, **figures}}


def written(path: Path, value: float = 0.8, because: str = "", **bodies: Any) -> list[dict[str, Any]]:
    return write_floors({"test": body(value), **bodies}, "digest", made="2026-01-01", because=because, path=path)


def test_a_floor_is_what_was_measured_less_the_slack(tmp_path: Path) -> None:
    (entry,) = written(tmp_path / "f.json")
    assert entry["bodies"]["test"]["figures"] == {"topic_macro_f1": 0.78}
    assert regressions({"test": body(0.78)}, entry["bodies"]) == []
    assert regressions({"test": body(0.7799)}, entry["bodies"]) == ["test: topic_macro_f1 0.7799, floor 0.7800"]
    assert "other articles" in regressions({"test": body(digest="else")}, entry["bodies"])[0]
    assert "missing" in regressions({"test": body() | {"figures": {}}}, entry["bodies"])[0]
    assert regressions({}, entry["bodies"]) == ["test: not measured"]


def test_raising_never_lowers(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    written(path, 0.8)
    assert len(written(path, 0.7)) == 1  # nothing to add: the old floor stays
    assert written(path, 0.9)[-1]["bodies"]["test"]["figures"]["topic_macro_f1"] == pytest.approx(0.88)
    for found in ({"dev": body()}, {"test": body(digest="other")}, {"test": body() | {"figures": {"else": 1.0}}}):
        with pytest.raises(DataError, match="lowered_floor"):
            write_floors(found, "digest", made="2026-01-01", path=path)
    assert len(read_history(path)) == 2


def test_lowering_takes_a_reason_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    written(path, 0.8)
    entries = written(path, 0.7, because="smaller encoder")
    assert entries[-1]["bodies"]["test"]["figures"]["topic_macro_f1"] == pytest.approx(0.68)
    assert read_history(path)[-1]["because"] == "smaller encoder"


def edited(path: Path, change: Any) -> None:
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values["history"])
    path.write_text(json.dumps(values), encoding="utf-8")


def test_what_a_reason_was_given_for_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    written(path, 0.9)
    history = write_floors({"test": body(0.8)}, "digest", made="2026-01-02", because="another encoder", path=path)
    assert history[-1]["fallen"] == ["test: topic_macro_f1 from 0.8800 to 0.78"]
    assert read_history(path)[-1]["fallen"] == history[-1]["fallen"]


def test_an_edit_breaks_the_seal(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    written(path, 0.8)
    written(path, 0.9)
    whole = path.read_text(encoding="utf-8")

    def lower(history: list[dict[str, Any]]) -> None:
        history[-1]["bodies"]["test"]["figures"]["topic_macro_f1"] = 0.1

    def excuse(history: list[dict[str, Any]]) -> None:
        history[0]["because"] = "why not"

    def forget(history: list[dict[str, Any]]) -> None:
        del history[0]

    for change in (lower, excuse, forget):
        path.write_text(whole, encoding="utf-8")
        edited(path, change)
        with pytest.raises(DataError, match="broken_seal"):
            read_history(path)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="bad_floors"):
        read_history(path)


def test_a_lowered_entry_without_a_reason_is_refused_even_when_sealed(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    written(path, 0.9)

    def append(history: list[dict[str, Any]]) -> None:
        entry = copy.deepcopy(history[0])
        entry["bodies"]["test"]["figures"]["topic_macro_f1"] = 0.5
        entry["seal"] = gates._seal(entry, history[0]["seal"])
        history.append(entry)

    edited(path, append)
    with pytest.raises(DataError, match="lowered_floor"):
        read_history(path)


def test_the_report_must_be_of_these_articles_and_say_what_is_measured() -> None:
    found = {"test": body(0.8)}
    assert contradictions(found, {"test": body(0.805)}) == []
    assert "0.9000 in metrics.json" in contradictions(found, {"test": body(0.9)})[0]
    assert contradictions(found, {"test": body(0.7)}) == []  # it may say less: another processor rounds otherwise
    assert contradictions(found, {"test": body(digest="else")}) == ["test: metrics.json is of other articles"]


def test_figures_are_all_better_when_higher() -> None:
    found = figures({"topic_macro_f1": {"value": 0.5}, "calibration_error": {"value": 0.1}, "stance_macro_f1": None})
    assert found == {"topic_macro_f1": 0.5, "calibration": 0.9}
    assert figures({"evidence": {"pairs": 0}, "calibration_error": None}) == {}


def test_the_shipped_floors_are_whole_and_belong_to_what_is_bundled() -> None:
    """Without measuring: ``make gate`` does that."""
    floors = read_history()[-1]["bodies"]
    corpus = bundled_corpus()
    said = gates.reported(Checkpoint.open(DEFAULT))
    for name, articles in (("test", corpus.test), ("dev", corpus.dev)):
        assert floors[name]["fingerprint"] == fingerprint(articles) == said[name]["fingerprint"]
    assert regressions(said, floors) == []
    assert lowered(floors, floors) == []


def test_the_command_fails_below_a_floor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "f.json"
    written(path, 0.9)
    monkeypatch.setattr(gates, "reported", lambda checkpoint: {})
    monkeypatch.setattr(gates, "bundled_corpus", lambda: None)

    def run(value: float, *words: str) -> int | str | None:
        monkeypatch.setattr(gates, "measured", lambda checkpoint, corpus: {"test": body(value)})
        monkeypatch.setattr(sys, "argv", ["train", "gate", "--floors", str(path), *words])
        with pytest.raises(SystemExit) as caught:
            main()
        return caught.value.code

    assert run(0.9) == 0
    assert run(0.87) == 1
    assert "floor 0.8800" in capsys.readouterr().err
    assert run(0.87, "--raise") == 0
    assert run(0.87) == 1  # raising did not make it pass
    assert run(0.87, "--because", "x") == 2
    assert run(0.87, "--raise", "--because", "a smaller encoder") == 0
    assert run(0.87) == 0
