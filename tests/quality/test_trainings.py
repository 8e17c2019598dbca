"""Several trainings and the mean of their weights."""

import dataclasses
from pathlib import Path

import pytest
import torch

from data.taxonomy import Taxonomy
from models.checkpoint import Checkpoint
from models.network import build_network
from tests.quality.test_fitting import KilledError, examples_of, watch_steps
from tests.quality.test_training import corpus_file, settings
from train.config import Config
from train.loop import fit
from train.run import run
from train.trainings import fit_mean

pytestmark = pytest.mark.slow


def trained(config: Config, taxonomy: Taxonomy, folder: Path) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    network = build_network(config.encoder.base, topics=3, stances=3)
    fit_mean(network, examples_of(config, taxonomy), config, folder)
    return network.state_dict()


def test_the_mean_is_of_trainings_in_other_orders(modernbert: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    file = corpus_file(tmp_path / "c.jsonl", taxonomy)
    config = settings(modernbert, file, optimizer={"epochs": 2, "batch": 6, "trainings": 2})
    mean = trained(config, taxonomy, tmp_path / "mean")
    alone = []
    for seed in (config.seed, config.seed + 1_000_003):
        torch.manual_seed(1)  # the same first heads
        network = build_network(config.encoder.base, topics=3, stances=3)
        fit(network, examples_of(config, taxonomy), dataclasses.replace(config, seed=seed), tmp_path / str(seed))
        alone.append(network.state_dict())
    first, second = alone
    assert not torch.equal(first["heads.weight"], second["heads.weight"])
    for name, value in mean.items():
        torch.testing.assert_close(value, (first[name] + second[name]) / 2)


def test_a_run_killed_in_its_second_training_goes_on_to_the_same_end(
    modernbert: Path, tmp_path: Path, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = corpus_file(tmp_path / "c.jsonl", taxonomy)
    config = settings(modernbert, file, optimizer={"epochs": 2, "batch": 6, "trainings": 2})
    whole = trained(config, taxonomy, tmp_path / "whole")
    of_one = 2 * -(-len(examples_of(config, taxonomy)) // 6)
    with monkeypatch.context() as patch:
        watch_steps(patch, kill_at=of_one + 2)
        with pytest.raises(KilledError):
            trained(config, taxonomy, tmp_path / "cut")
    steps = watch_steps(monkeypatch)
    resumed = trained(config, taxonomy, tmp_path / "cut")
    assert len(steps) == of_one  # the first training was not run again
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, atol=0, rtol=0)


def test_the_card_says_of_how_many(modernbert: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    file = corpus_file(tmp_path / "c.jsonl", taxonomy)
    for trainings, said in ((1, False), (2, True)):
        config = settings(modernbert, file, optimizer={"epochs": 1, "batch": 6, "trainings": trainings})
        made: Checkpoint = run(config, tmp_path / str(trainings), baselines=False)
        assert made.manifest["trainings"] == trainings
        assert ("mean of 2 trainings" in (made.folder / "README.md").read_text("utf-8")) is said
