"""Fitting: an interrupted run goes on to the same end, batches are drawn as the settings say."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from data.errors import ConfigError
from data.taxonomy import Taxonomy
from models.contract import Calibration, Contract, Windows
from models.encoding import Encoder
from models.network import LabelAttention, build_network
from models.weights import load_weights
from tests.quality.test_training import corpus_file, settings
from train.base import prepare
from train.batches import ByLength, Example, collate, make_examples
from train.config import ROOT, Config, read_config
from train.corpus import load_corpus
from train.loop import fit
from train.loss import multitask_loss

MASK_ID = 4
pytestmark = pytest.mark.slow


class KilledError(Exception):
    """The process going away."""


def watch_steps(patch: pytest.MonkeyPatch, *, kill_at: int = 0) -> list[int]:
    """The numbers of the steps taken from now on, from 1; the one of ``kill_at`` is not finished."""
    steps: list[int] = []

    def lose(*arguments: Any) -> torch.Tensor:
        steps.append(len(steps) + 1)
        if steps[-1] == kill_at:
            raise KilledError
        return multitask_loss(*arguments)

    patch.setattr("train.loop.multitask_loss", lose)
    return steps


@pytest.mark.parametrize("how", [{"by_length": False}, {"by_length": True, "masked": 0.2}], ids=["plain", "masked"])
def test_an_interrupted_run_goes_on_to_the_same_end(
    how: dict[str, Any], modernbert: Path, tmp_path: Path, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    optimizer = {"epochs": 3, "batch": 6} | how
    config = settings(modernbert, corpus_file(tmp_path / "c.jsonl", taxonomy), optimizer=optimizer)
    whole = trained(config, taxonomy, tmp_path / "whole")
    with monkeypatch.context() as patch:
        watch_steps(patch, kill_at=6)  # after the second epoch began
        with pytest.raises(KilledError):
            trained(config, taxonomy, tmp_path / "cut")
    (whole_state,) = (tmp_path / "cut").glob("checkpoint-*")
    partial = tmp_path / "cut" / "checkpoint-99"  # killed once more, while a later state was being written
    partial.mkdir()
    (partial / "model.safetensors").write_bytes((whole_state / "model.safetensors").read_bytes()[:100])
    resumed = trained(config, taxonomy, tmp_path / "cut")
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, atol=0, rtol=0)


def test_masked_tokens_are_hidden_from_the_encoder(
    modernbert: Path, tmp_path: Path, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, seen = corpus_file(tmp_path / "c.jsonl", taxonomy), []
    read = LabelAttention.forward

    def watched(network: LabelAttention, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        seen.append(float((ids == MASK_ID).sum() / mask.sum()))
        return read(network, ids, mask)

    monkeypatch.setattr(LabelAttention, "forward", watched)
    for share in (0.0, 0.3):
        config = settings(modernbert, file, optimizer={"epochs": 2, "batch": 6, "masked": share})
        examples = examples_of(config, taxonomy)
        able = sum(e.encoded.tokens for e in examples) / sum(len(w.ids) for e in examples for w in e.encoded.windows)
        seen.clear()
        trained(config, taxonomy, tmp_path / str(share))
        assert np.mean(seen) == pytest.approx(share * able, abs=0.03)
    with pytest.raises(ConfigError, match="no_mask") as caught:
        fit(build_network(str(modernbert), topics=3, stances=3), [], config, tmp_path / "none")
    assert caught.value.where == "optimizer.masked"


def test_dropout_inside_the_encoder_is_as_set(modernbert: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    contract = Contract(taxonomy, Windows(64, 8), (Calibration(),) * 3)
    for share in (0.0, 0.25):
        config = read_config(None, encoder={"base": str(modernbert)}, optimizer={"encoder_dropout": share})
        network = prepare(config, contract, tmp_path)
        places = [m.p for m in network.encoder.modules() if isinstance(m, torch.nn.Dropout)]
        assert len(places) > network.encoder.config.num_hidden_layers  # type: ignore[union-attr,operator]
        assert set(places) == {share}
        assert network.dropout.p == config.optimizer.dropout


def test_batches_are_of_like_length_in_another_order_each_pass(
    modernbert: Path, tmp_path: Path, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(
        modernbert,
        corpus_file(tmp_path / "c.jsonl", taxonomy),
        optimizer={"epochs": 2, "batch": 6, "by_length": True},
    )
    texts = [text_of(example) for example in examples_of(config, taxonomy)]
    seen: list[list[int]] = []

    def watched(batch: list[Example]) -> dict[str, torch.Tensor]:
        seen.append([texts.index(text_of(example)) for example in batch])
        return collate(batch)

    monkeypatch.setattr("train.loop.collate", watched)
    trained(config, taxonomy, tmp_path / "state")
    lengths = [example.encoded.tokens for example in examples_of(config, taxonomy)]
    sampler, wanted = ByLength(lengths, batch=6, seed=config.seed), []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        order = list(sampler)
        wanted += [order[start : start + 6] for start in range(0, len(order), 6)]
    assert seen == wanted
    assert seen[: len(seen) // 2] != seen[len(seen) // 2 :]


@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler here")
def test_a_compiled_encoder_learns_the_same(modernbert: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    # in processes of its own: the compiler does not start where the tests' own modules are loaded
    file, found = corpus_file(tmp_path / "c.jsonl", taxonomy), []
    for compiled in ("true", "false"):
        settings_file = tmp_path / f"{compiled}.toml"
        settings_file.write_text(
            "[data]\nbundled = false\nheld_out = []\n[optimizer]\nepochs = 3\nbatch = 6\nrate = 0.01\ndropout = 0.0\n"
            f'[encoder]\nwindow = 64\noverlap = 8\n[run]\nprecision = "no"\nint8 = false\ncompile = {compiled}\n'
        )
        program = [sys.executable, "-m", "train", "run", "--name", f"compiled-{compiled}", "--base", str(modernbert)]
        program += ["--config", str(settings_file), "--data", str(file), "--out", str(tmp_path / compiled)]
        subprocess.run(program, check=True, cwd=ROOT, capture_output=True, timeout=600)
        found.append(load_weights(tmp_path / compiled / "model.safetensors"))
    compiled_weights, weights = found
    for name, value in build_network(str(modernbert), topics=3, stances=3).encoder.state_dict().items():
        moved = np.abs(weights[f"encoder.{name}"] - value.numpy()).max()
        apart = np.abs(compiled_weights[f"encoder.{name}"] - weights[f"encoder.{name}"]).max()
        assert apart < moved / 10, name


def test_a_compiler_that_is_not_there_is_named(
    modernbert: Path, tmp_path: Path, taxonomy: Taxonomy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    config = settings(modernbert, corpus_file(tmp_path / "c.jsonl", taxonomy), run={"compile": True})
    with pytest.raises(ConfigError, match=r"no_compiler.*no-such-compiler") as caught:
        trained(config, taxonomy, tmp_path / "state")
    assert caught.value.where == "run.compile"


def text_of(example: Example) -> bytes:
    return b"".join(window.ids.tobytes() for window in example.encoded.windows)


def examples_of(config: Config, taxonomy: Taxonomy) -> list[Example]:
    contract = Contract(taxonomy, Windows(64, 8), (Calibration(),) * 3)
    encoder = Encoder(Tokenizer.from_file(str(Path(config.encoder.base) / "tokenizer.json")), contract)
    return make_examples(load_corpus(config).train, encoder, taxonomy)


def trained(config: Config, taxonomy: Taxonomy, folder: Path) -> dict[str, torch.Tensor]:
    torch.manual_seed(config.seed)
    network = build_network(config.encoder.base, topics=3, stances=3)
    fit(network, examples_of(config, taxonomy), config, folder, mask_id=MASK_ID)
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
