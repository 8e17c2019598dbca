import csv
from pathlib import Path

import pytest

from models.checkpoint import Checkpoint
from tests.bench import growth
from tests.bench.line import fit
from tests.bench.performance import Given
from tests.bench.resident import most_since, start_over
from tests.conftest import SENTENCES


def test_a_line_is_found_and_what_is_off_it_named() -> None:
    straight = fit([100, 200, 300], [2.5, 4.5, 6.5])
    assert straight == pytest.approx(
        {"slope": 0.02, "intercept": 0.5, "r2": 1.0, "furthest": straight["furthest"], "deviation": 0.0}, abs=1e-9
    )
    bent = fit([0, 1, 2, 3], [0, 1, 2, 7])
    assert bent["r2"] < 0.9
    assert (bent["slope"], bent["furthest"], bent["deviation"]) == pytest.approx((2.2, 2, -1.6))
    assert fit([1, 2], [5, 5])["r2"] == 1.0


@pytest.mark.parametrize("words", [1, 99, 1000])
def test_a_text_has_as_many_words_as_asked_for(words: int) -> None:
    text = growth.joined(SENTENCES, words, seed=3)
    assert len(text.split()) == words
    assert set(text.split()) <= set(" ".join(SENTENCES).split())
    assert growth.joined(SENTENCES, words, seed=3) == text
    assert words == 1 or growth.joined(SENTENCES, words, seed=4) != text


def test_no_two_rows_are_alike() -> None:
    texts = [item.text for item in growth.short(SENTENCES, 300, seed=0)]
    assert len(set(texts)) == 300
    assert {len(text.split()) for text in texts} == {growth.SHORT}


def test_the_peak_starts_over() -> None:
    block = b"x" * 200_000_000
    before = most_since()
    del block
    start_over()
    if before:  # Linux
        assert most_since() < before - 150


@pytest.mark.slow
def test_it_is_measured_drawn_and_written(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, sizes in (("WORDS", (20, 200)), ("ROWS", (5, 10)), ("ROWS_KNOWN", (10, 20))):
        monkeypatch.setattr(growth, name, sizes)
    monkeypatch.setattr(growth, "IMAGE", tmp_path / "images" / "growth.png")
    with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["title", "text"], *(["", sentence] for sentence in SENTENCES)])
    results = growth.measure(Given(checkpoint.folder, tmp_path / "in.csv", 0.1, 2, tmp_path / "work"))
    points = results["points"]
    assert [p["size"] for p in points["length"]] == [20, 200]
    assert points["length"][1]["windows"]["median"] > points["length"][0]["windows"]["median"]
    assert all(p[clock]["n"] == 2 for kind in points.values() for p in kind for clock in ("wall", "processor"))
    assert 0 < growth.IMAGE.stat().st_size < 60_000
    text = growth.render(results)
    assert "images/growth.png" in text
    assert "| 200 |" in text
    assert f"{1e6 * results['lines']['length wall']['slope']:,.2f} ms a 1,000 words" in text
