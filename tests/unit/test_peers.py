"""The same weights behind other tools' classes, and one turn of some contenders on a small checkpoint."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from models.checkpoint import Checkpoint
from models.network import load_network
from tests.bench import peers, servers
from tests.bench.peers_page import CONTENDERS, TABLES
from tests.bench.servers_page import SERVERS
from tests.bench.stage import Stage
from tests.bench.standard import LABELS, standard
from tests.bench.texts import Drawn, draw
from tests.bench.turns import Contender
from tests.conftest import SENTENCES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return standard(checkpoint, tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def drawn(checkpoint: Checkpoint) -> Drawn:
    return draw(checkpoint, None, 3)


@pytest.fixture
def stage(checkpoint: Checkpoint, folder: Path, drawn: Drawn) -> Stage:
    return Stage(checkpoint, folder, drawn, pythons={}, versions={}, seconds=0.1)


def test_the_encoder_is_that_of_the_checkpoint(checkpoint: Checkpoint, folder: Path) -> None:
    network = load_network(checkpoint.folder, topics=3, stances=3)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    given = tokenizer(SENTENCES[:3], return_tensors="pt", padding=True)
    with torch.inference_mode():
        ours = network.encoder(**given).last_hidden_state
        theirs = model.base_model(**given).last_hidden_state
        assert torch.allclose(ours, theirs, atol=1e-6)
        assert model(**given).logits.shape == (3, LABELS)
    assert model.config.problem_type == "multi_label_classification"
    assert "global_rope_theta" in (folder / "config.json").read_text(encoding="utf-8")  # as transformers 4 calls it
    assert (folder / "model.onnx").stat().st_size > 10_000


def test_turns_in_one_process(stage: Stage, tmp_path: Path) -> None:
    turns = peers.Turns(replace(stage, seconds=0), tmp_path)
    python = Path(sys.executable)
    theirs, ours = (turns.score(who, python) for who in (CONTENDERS[0], Contender("ours-f32", "", "own")))
    for figures in (ours, theirs):
        assert all(figures[key] > 0 for key in ("articles", "tokens", "processor", "load", "memory"))
    assert [len(figures["scores"]) for figures in (theirs, ours)] == [LABELS, 3]
    assert turns.table(TABLES[-1], python)["articles"] > 0


def test_turns_of_servers(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "CLIENTS", (2,))
    turns = servers.Turns(stage, tmp_path)
    for who in SERVERS:
        if who.kind in ("fastapi", "ours"):
            found = turns.turn(who, Path(sys.executable))
            assert found["answered 2"] >= 2
            assert found["errors 2"] == {}
            assert found["ready"] > 0
    lost = servers.Turns(replace(stage, folder=tmp_path / "nowhere"), tmp_path)
    with pytest.raises(ValueError, match="ended by itself: "):
        lost.turn(SERVERS[0], Path(sys.executable))
