from pathlib import Path

import pytest
import torch

from data.taxonomy import Taxonomy
from tests.bench import steps, training
from tests.bench.spread import shown, spread, table
from tests.conftest import article


def test_only_whole_warm_steps_count(monkeypatch: pytest.MonkeyPatch) -> None:
    counted, now = steps.Steps(seconds=5.0), 0.0
    monkeypatch.setattr("time.perf_counter", lambda: now)
    monkeypatch.setattr("time.process_time", lambda: 2 * now)
    for at in (0.0, 10.0, 12.0):  # one to warm up, the next two take 2 and 3 seconds
        now = at
        counted.step(300 if at < 10 else 100, 200 if at >= 10 else 300)
    now = 15.0
    with pytest.raises(steps.Enough):
        counted.step(1, 1)
    assert counted.rate() == {"rate": 200 / 5, "processor": 1e6 * 10 / 200, "padding": 0.5, "steps": 2}


def test_labels_cover_every_topic_and_stance(taxonomy: Taxonomy) -> None:
    made = list(steps.labelled([article(n) for n in range(12)], taxonomy))
    found = [(topic, label.relevant, label.stance) for item in made for topic, label in item.labels.items()]
    assert len(set(found)) > 2 * len(taxonomy.topics)
    assert all((label.stance is None) == (not label.relevant) for item in made for label in item.labels.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", steps.CONTENDERS)
def test_every_contender_trains(name: str, modernbert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_base", lambda: modernbert)
    monkeypatch.setattr(steps, "cores", torch.get_num_threads)
    monkeypatch.setattr(steps, "ROW", 64)
    monkeypatch.setattr(steps, "ARTICLES", 64)
    found = steps.run(name, None, tmp_path, 0.0)
    assert found["rate"] > 0 < found["processor"]
    assert found["steps"] == 1
    assert 0 <= found["padding"] < 1
    assert found["padding"] == 0 or name.startswith("fine-tuning") or "line by line" in name


def test_the_section_divides_ours_by_theirs() -> None:
    one = {"rate": spread([100, 300]), "padding": spread([0.25]), "memory": spread([900]), "processor": spread([20])}
    names = {name: one | {"rate": spread([50.0])} if "Trainer" in name else one for name in steps.CONTENDERS}
    results = {"window": 256, "contenders": names, "ratios": {n: spread([2.0, 6.0]) for n in names if "Trainer" in n}}
    text = training.render(results)
    assert "| fine-tuning, ours (bf16) | 200 [100–300] | 1 | 20 | 25% | 900 |" in text
    assert "| fine-tuning, Trainer (float32) | 50 | 4.00 [2.00–6.00] |" in text


def test_figures_have_their_spread() -> None:
    assert spread([3, 1, 2]) == {"median": 2, "least": 1, "most": 3, "n": 3}
    assert shown(spread([1234.5]), 1) == "1,234.5"
    assert table(("a", "b"), [("x", 1)]) == "| a | b |\n| --- | ---: |\n| x | 1 |"
