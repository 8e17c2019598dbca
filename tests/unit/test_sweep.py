"""Ablations and the learning curve: what differs in them, and that a sweep goes on where it was broken off."""

import dataclasses
import itertools
import json
from pathlib import Path

import pytest
import torch

from data.articles import write_articles
from data.errors import ConfigError
from data.taxonomy import Taxonomy
from models.contract import Calibration, Contract, Windows
from models.network import build_network
from tests.conftest import labelled
from train.base import prepare
from train.config import read_config
from train.corpus import load_corpus
from train.first_token import NAME, FirstToken
from train.sweep import ABLATIONS, WHOLE, _config, ablations, data_sizes, sweep


def corpus_file(path: Path, taxonomy: Taxonomy, count: int = 24) -> Path:
    items = [
        labelled(i, taxonomy, split=("train", "train", "train", "dev", "test", "train")[i % 6]) for i in range(count)
    ]
    for i, item in enumerate(items):  # texts of their own: near-duplicates would leave training
        text = item.article.text + "\n" + " ".join(f"كلمة{i * 40 + j}" for j in range(40))
        items[i] = dataclasses.replace(item, article=dataclasses.replace(item.article, text=text), event=f"e{i // 2}")
    write_articles(path, items)
    return path


def settings(path: Path, base: Path) -> Path:
    path.write_text(
        f'[data]\nbundled = false\nheld_out = []\n[encoder]\nbase = "{base}"\nwindow = 64\noverlap = 8\n'
        '[optimizer]\nepochs = 1\nbatch = 6\n[run]\nprecision = "no"\n',
        encoding="utf-8",
    )
    return path


def test_every_ablation_changes_the_configuration() -> None:
    whole = _config("x", {}, None, ["real.jsonl"])
    overlays = ablations()
    assert {WHOLE, *(path.stem for path in ABLATIONS.glob("*.toml"))} == set(overlays)
    changed = {name: _config("x", overlay, None, ["real.jsonl"]) for name, overlay in overlays.items()}
    assert [name for name, config in changed.items() if config == whole] == [WHOLE]
    assert changed["no_real"].data.extra == ()
    assert changed["windows_128"].data.extra == ("real.jsonl",)
    assert set(ablations(["no_real"])) == {WHOLE, "no_real"}
    with pytest.raises(ConfigError, match="no_ablation"):
        ablations(["no_such"])


def test_a_larger_part_holds_the_smaller_and_events_stay_whole(taxonomy: Taxonomy, tmp_path: Path) -> None:
    file = str(corpus_file(tmp_path / "c.jsonl", taxonomy, 96))
    names = []
    for overlay in data_sizes().values():
        config = read_config(None, data={"bundled": False, "held_out": [], "extra": [file], **overlay["data"]})
        names.append({item.article.id for item in load_corpus(config).train})
    assert all(small < large for small, large in itertools.pairwise(names))
    whole = len(names[-1])
    assert [len(part) >= share * whole for part, share in zip(names, (0.125, 0.25, 0.5, 1), strict=True)] == [True] * 4
    assert len(names[0]) <= 0.125 * whole + 2  # an event has two articles
    with pytest.raises(ConfigError, match=r"data\.share"):
        read_config(None, data={"share": 0.0})


def test_without_pretraining_the_weights_are_new(modernbert: Path, taxonomy: Taxonomy, tmp_path: Path) -> None:
    contract = Contract(taxonomy, Windows(64, 8), (Calibration(),) * 3)
    weights = build_network(modernbert, topics=3, stances=3).encoder.state_dict()
    for pretrained in (True, False):
        config = read_config(None, encoder={"base": str(modernbert), "pretrained": pretrained})
        found = prepare(config, contract, tmp_path).encoder.state_dict()
        same = [bool(torch.equal(value, found[name])) for name, value in weights.items() if value.ndim > 1]
        assert all(same) is pretrained
        assert any(same) is pretrained


def test_the_first_token_is_pooled_over_windows() -> None:
    heads = torch.arange(2 * 3 * 1 * 4, dtype=torch.float32).view(3, 2, 1, 4)  # rows, tokens, topics, 2 + S
    network = FirstToken(torch.nn.Identity(), hidden=8, topics=1, stances=2)
    counted, owner = torch.ones(3, 2, dtype=torch.bool), torch.tensor([0, 0, 1])
    logits, attention = network.pool(heads, counted, owner, 2)
    assert logits[:, 0].tolist() == [[5.0, 6.0, 7.0], [17.0, 18.0, 19.0]]
    assert attention.shape == (6, 1)


@pytest.mark.slow
def test_a_sweep_goes_on(modernbert: Path, taxonomy: Taxonomy, tmp_path: Path) -> None:
    config, data = settings(tmp_path / "c.toml", modernbert), [str(corpus_file(tmp_path / "c.jsonl", taxonomy))]
    said: list[str] = []
    overlays = {
        WHOLE: {},
        "no_evidence": {"loss": {"evidence": 0.0}},
        "same": {"loss": {"evidence": read_config().loss.evidence}},
    }
    results = sweep({WHOLE: {}}, tmp_path / "out", config=config, data=data, said=said.append)
    assert said == []
    results = sweep(overlays, tmp_path / "out", config=config, data=data, first_token=True, said=said.append)
    assert ["there already" in line for line in said] == [True, False, True]
    assert "nothing differs" in said[1]
    assert [row["name"] for row in results["rows"]] == [WHOLE, "no_evidence"]
    assert {NAME, "constant"} < set(results["baselines"]["test"])
    assert json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8")) == results
    trained = results["rows"][1]["train_articles"]
    assert f"| test (4) | no_evidence | {trained} |" in (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
