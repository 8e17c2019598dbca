import json
from pathlib import Path

import numpy as np
import pytest

from data.errors import ConfigError
from data.taxonomy import Taxonomy
from models.classifier import Classifier
from models.selftest import run_selftest
from models.weights import load_weights
from tests.quality.test_training import corpus_file, settings
from train.average import average
from train.run import run

pytestmark = pytest.mark.slow


def test_the_mean_of_two_trainings_is_a_checkpoint(modernbert: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    corpus = corpus_file(tmp_path / "c.jsonl", taxonomy)
    whole = {"precision": "no", "int8": False}
    members = [
        run(settings(modernbert, corpus, run=whole, optimizer={"epochs": 1, "rate": rate}), tmp_path / name)
        for name, rate in (("slow", 1e-4), ("fast", 1e-3))
    ]
    made = average([member.folder for member in members], tmp_path / "mean")
    slow, fast, mean = (
        load_weights(folder / "model.safetensors") for folder in (*(m.folder for m in members), made.folder)
    )
    moved = [name for name in mean if not np.array_equal(slow[name], fast[name])]
    assert moved
    for name in mean:
        between = (slow[name].astype(np.float32) + fast[name].astype(np.float32)) / 2
        np.testing.assert_allclose(mean[name].astype(np.float32), between, atol=1e-3)
    assert made.name == "mean"
    assert made.manifest["mean_of"] == [member.digest for member in members]
    assert run_selftest(made.folder, Classifier.load(made)) == 5
    learnt = [(member.folder / "trained_on.txt").read_text("utf-8").split() for member in members]
    assert set((made.folder / "trained_on.txt").read_text("utf-8").split()) == {*learnt[0], *learnt[1]}
    metrics = json.loads((made.folder / "metrics.json").read_text("utf-8"))
    assert metrics["train_articles"] == len(learnt[0])
    assert len(metrics["scores"]["test"]) > 1  # the baselines stand beside it
    assert "mean of 2 trainings" in (made.folder / "README.md").read_text("utf-8")


def test_what_has_no_common_beginning_is_not_mixed(modernbert: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    corpus = corpus_file(tmp_path / "c.jsonl", taxonomy)
    one = run(settings(modernbert, corpus, optimizer={"epochs": 1}), tmp_path / "one").folder
    two = run(settings(modernbert, corpus, optimizer={"epochs": 1}, seed=5), tmp_path / "two").folder
    with pytest.raises(ConfigError, match=r"not_alike.*seed"):
        average([one, two], tmp_path / "mean")
    with pytest.raises(ConfigError, match="bad_option"):
        average([one], tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
