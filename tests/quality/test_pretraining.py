"""Pretraining: the plan, settings and mistakes, and a small run that is killed and goes on."""

import copy
import dataclasses
import itertools
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.accelerator import Accelerator
from safetensors.numpy import load_file
from tokenizers import Tokenizer, models

import train.pretrain
from data.errors import ConfigError, DataError
from tests.conftest import SENTENCES, bert_folder
from train.pretrain import _save_state, pretrain
from train.schedule import DEFAULT, PretrainConfig, steps
from train.tokenizer import train_tokenizer

SMALL: dict[str, dict[str, Any]] = {
    "tokenizer": {"vocabulary": 200},
    "encoder": {"layers": 2, "hidden": 32, "heads": 2, "intermediate": 32, "local_attention": 8, "positions": 32},
    "schedule": {"tokens": 20 * 128, "batch": 128, "rate": 1e-2, "lengths": [[8, 0.6], [16, 0.4]], "decay": 0.5},
    "run": {"precision": "no", "micro_batch": 64, "save_every": 5, "log_every": 1},
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Networks this small only wait for each other's threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small(**changes: dict[str, Any]) -> PretrainConfig:
    base = PretrainConfig.read(None)
    sections = {name: getattr(base, name) | SMALL.get(name, {}) for name in dataclasses.asdict(base) if name != "seed"}
    for name, change in changes.items():
        sections[name] |= change
    return dataclasses.replace(base, **copy.deepcopy(sections))


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(16):
        (folder / f"{number:02}.txt").write_text(" ".join(SENTENCES[number % 8 :] + SENTENCES), encoding="utf-8")
    return str(folder)


def test_the_plan_warms_up_stays_and_decays_through_the_lengths() -> None:
    schedule = {"tokens": 10 * 128, "rate": 1.0, "warmup": 0.2, "decay": 0.4, "lengths": [[8, 0.7], [16, 0.3]]}
    plan = steps(small(schedule=schedule))
    assert [step.rate for step in plan] == [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]
    assert [step.length for step in plan] == [8] * 7 + [16] * 3
    assert [step.phase for step in plan] == [range(7)] * 7 + [range(7, 10)] * 3
    assert [step.number for step in plan] == list(range(10))


@pytest.mark.parametrize("file", sorted(DEFAULT.parent.glob("pretrain*.toml")), ids=lambda file: file.stem)
def test_the_settings_that_come_with_it_make_a_plan(file: Path) -> None:
    config = PretrainConfig.read(file)
    plan = steps(config)
    assert len(plan) * config.schedule["batch"] == pytest.approx(
        config.schedule["tokens"], abs=config.schedule["batch"]
    )
    assert max(step.rate for step in plan) == config.schedule["rate"]


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ("seed = ", "bad_config", ""),
        ("[seed]\na = 1", "bad_value", "seed"),
        ("seed = -1", "bad_value", "seed"),
        ("schedule = 3", "bad_value", "schedule"),
        ("[schedul]\na = 1", "unknown_key", "schedul"),
        ("[schedule]\nbatches = 1", "unknown_key", "schedule.batches"),
        ('[schedule]\nrate = "fast"', "bad_value", "schedule.rate"),
        ("[schedule]\nbatch = 100", "bad_value", "schedule.batch"),
        ("[schedule]\nlengths = []", "bad_value", "schedule.lengths"),
        ("[schedule]\nlengths = [128, 512]", "bad_value", "schedule.lengths"),
        ("[schedule]\nlengths = [[128, 0.5]]", "bad_value", "schedule.lengths"),
        ("[run]\nlog_every = 0", "bad_value", "run.log_every"),
        ("[encoder]\nword2vec = -1", "bad_value", "encoder.word2vec"),
        ('[run]\nprecision = "fp4"', "bad_value", "run.precision"),
        ('[run]\nattention = "flash"', "bad_value", "run.attention"),
        ("[run]\ncompile = 1", "bad_value", "run.compile"),
        ("[objective]\nkeep = 0.6", "bad_value", "objective.keep"),
        ("[schedule]\nwarmup = 2.0", "bad_value", "schedule.warmup"),
        ("[schedule]\ndecay = 40.0", "bad_value", "schedule.decay"),
        ("[tokenizer]\nvocabulary = 70000", "bad_value", "tokenizer.vocabulary"),
        ("[encoder]\nheads = 5", "bad_value", "encoder.heads"),
    ],
)
def test_mistakes_in_the_settings_are_named(text: str, code: str, where: str, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=code) as caught:
        PretrainConfig.read(file)
    assert caught.value.where == (where or str(file))
    with pytest.raises(ConfigError, match="no_config"):
        PretrainConfig.read(tmp_path / "nowhere.toml")


def test_mistakes_in_what_is_given_are_named(corpus: str, modernbert: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "nothing.txt").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="small_corpus"):
        pretrain(str(tmp_path / "empty"), out, config=small())
    with pytest.raises(ConfigError, match="no_encoder"):
        pretrain(corpus, out, config=small(), init=tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"no_encoder.*layout is bert"):
        pretrain(corpus, out, config=small(), init=bert_folder(tmp_path / "bert", lower=False, files="fast"))
    unmasked = shutil.copytree(modernbert, tmp_path / "unmasked")
    Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).save(str(unmasked / "tokenizer.json"))
    with pytest.raises(ConfigError, match=r"no_encoder.*\[MASK\]"):
        pretrain(corpus, out, config=small(), init=unmasked)
    long = train_tokenizer(SENTENCES * 5, 400)
    long.add_tokens([f"كلمة{i}" for i in range(1000)])
    long.save(str(unmasked / "tokenizer.json"))
    with pytest.raises(ConfigError, match=r"no_encoder.*embeddings"):
        pretrain(corpus, out, config=small(), init=unmasked)
    assert not (out / "pretrain.json").exists()  # the folder stays free for the settings put right


def test_weights_that_are_not_numbers_are_not_saved(corpus: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="diverged") as caught:
        pretrain(corpus, tmp_path / "out", config=small(schedule={"tokens": 4 * 128, "rate": 1e38}))
    assert caught.value.where == "schedule.rate"
    assert not (tmp_path / "out" / "encoder").exists()


def test_a_batch_that_processes_cannot_share_evenly_is_refused(
    corpus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Accelerator, "num_processes", 3)
    with pytest.raises(ConfigError, match="bad_value") as caught:
        pretrain(corpus, tmp_path / "out", config=small())
    assert caught.value.where == "schedule.batch"


class KilledError(Exception):
    """The process going away."""


def kill_at(patch: pytest.MonkeyPatch, call: int) -> None:
    calls, step = itertools.count(1), train.pretrain._step

    def lose(*arguments: Any) -> torch.Tensor:
        if next(calls) == call:
            raise KilledError
        return step(*arguments)

    patch.setattr("train.pretrain._step", lose)


def logged(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_end(corpus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, cut = small(), tmp_path / "cut"
    whole = load_file(pretrain(corpus, tmp_path / "whole", config=config) / "model.safetensors")
    losses = [line["loss"] for line in logged(tmp_path / "whole")]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.2

    with monkeypatch.context() as patch:
        kill_at(patch, 9)  # after the save at 5, in the first phase
        with pytest.raises(KilledError):
            pretrain(corpus, cut, config=config)
    with (cut / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"step": 8, "lo')  # and in mid-line
    (cut / "state").rename(cut / "state.old")  # and another time between the renames of a save
    with monkeypatch.context() as patch:
        kill_at(patch, 7)  # of the steps from 5 on: after the save at 10
        with pytest.raises(KilledError):
            pretrain(corpus, cut, config=dataclasses.replace(config, run=config.run | {"save_every": 2}))
    shutil.copytree(cut / "state", cut / "state.old")  # and then while the old state was deleted

    for other in (
        dataclasses.replace(config, seed=2),
        small(schedule={"rate": 2e-2}),
        small(schedule={"tokens": 9999}),
    ):
        with pytest.raises(ConfigError, match="other_run"):
            pretrain(corpus, cut, config=other)
    with pytest.raises(ConfigError, match="other_run"):
        pretrain(str(tmp_path), cut, config=config)
    shutil.copytree(cut / "state", tmp_path / "bare" / "state")  # of nobody knows which run
    with pytest.raises(ConfigError, match="other_run"):
        pretrain(corpus, tmp_path / "bare", config=config)

    resumed = load_file(pretrain(corpus, cut, config=config) / "model.safetensors")
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        np.testing.assert_array_equal(resumed[name], value)
    assert [line["step"] for line in logged(cut)] == list(range(20))
    assert [line["loss"] for line in logged(cut)] == losses
    assert not list(cut.glob("*.part"))

    with monkeypatch.context() as patch:
        kill_at(patch, 1)
        assert pretrain(corpus, cut, config=config) == cut / "encoder"  # done: not a step more


@pytest.mark.slow
def test_a_run_killed_before_its_first_save_starts_from_the_same_vectors(
    corpus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, out = small(schedule={"tokens": 4 * 128}), tmp_path / "cut"
    whole = load_file(pretrain(corpus, tmp_path / "whole", config=config) / "model.safetensors")
    none = small(schedule={"tokens": 4 * 128}, encoder={"word2vec": 0})
    other = load_file(pretrain(corpus, tmp_path / "none", config=none) / "model.safetensors")
    name = next(name for name in whole if "tok_embeddings" in name)
    assert np.abs(whole[name] - other[name]).max() > 0.01
    with monkeypatch.context() as patch:
        kill_at(patch, 2)
        with pytest.raises(KilledError):
            pretrain(corpus, out, config=config)
    with monkeypatch.context() as patch:
        patch.setattr("train.pretrain.write_vectors", lambda *_, **__: pytest.fail("learnt anew"))
        resumed = load_file(pretrain(corpus, out, config=config) / "model.safetensors")
    for key, value in whole.items():
        np.testing.assert_array_equal(resumed[key], value)


def test_a_missing_gensim_is_said_before_anything_is_made(
    corpus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models.word2vec", None)
    with pytest.raises(ConfigError, match="no_gensim"):
        pretrain(corpus, tmp_path / "out", config=small(schedule={"tokens": 4 * 128}))
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.slow
def test_an_encoder_is_trained_on(corpus: str, modernbert: Path, tmp_path: Path) -> None:
    encoder = pretrain(corpus, tmp_path / "out", config=small(schedule={"tokens": 3 * 128}), init=modernbert)
    assert (encoder / "tokenizer.json").read_bytes() == (modernbert / "tokenizer.json").read_bytes()
    before, after = load_file(modernbert / "model.safetensors"), load_file(encoder / "model.safetensors")
    name = "layers.0.mlp.Wi.weight"
    change = np.abs(after[f"model.{name}"].astype(np.float32) - before[name])
    assert 0 < change.max() < 0.05


@pytest.mark.slow
def test_attention_written_out_learns_the_same(corpus: str, tmp_path: Path) -> None:
    schedule = {"tokens": 4 * 128, "lengths": [[8, 1.0]]}
    for attention in ("sdpa", "eager"):
        pretrain(corpus, tmp_path / attention, config=small(schedule=schedule, run={"attention": attention}))
    fused, written = ([line["loss"] for line in logged(tmp_path / name)] for name in ("sdpa", "eager"))
    assert written == pytest.approx(fused, abs=2e-3)
    assert fused[-1] != fused[0]


def test_a_save_leaves_one_whole_state(tmp_path: Path) -> None:
    accelerator, state = Accelerator(), tmp_path / "state"
    for done in (1, 2):
        _save_state(accelerator, state, done)
        assert json.loads((state / "step.json").read_text(encoding="utf-8")) == {"done": done}
        assert [p.name for p in tmp_path.iterdir()] == ["state"]
