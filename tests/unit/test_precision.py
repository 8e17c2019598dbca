"""Which precision ships, and what each computes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino as ov
import pytest
from transformers import ModernBertConfig, ModernBertModel

from data.taxonomy import Taxonomy
from models.backends.openvino import OpenVinoBackend
from models.backends.torch import TorchBackend
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from tests.conftest import article, make_checkpoint
from train import parity


@pytest.mark.parametrize(
    ("moved", "int8", "chosen"),
    [
        ({"bf16": 0.01, "int8": 0.02}, True, "int8"),
        ({"bf16": 0.01, "int8": 0.2}, True, "bf16"),
        ({"bf16": 0.2, "int8": 0.3}, True, "f32"),
        ({"bf16": 0.01, "int8": 0.02}, False, "bf16"),
        ({"bf16": 0.01, "int8": 0.01, "imitated": 0.2}, True, "bf16"),  # the same to the bit: not computed here
        ({"bf16": 0.01, "int8": 0.01, "imitated": 0.02}, True, "int8"),
        ({"bf16": 0.0, "int8": 0.01}, True, "int8"),
        ({"bf16": 0.0, "int8": 0.0, "imitated": 0.2}, True, "f32"),
    ],
)
def test_the_lowest_precision_that_passes_ships(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, moved: Mapping[str, float], int8: bool, chosen: str
) -> None:
    def load(_: Checkpoint, *, precision: str) -> str:
        return precision

    def answers(precision: str, articles: list[Any]) -> list[tuple[float, tuple[bool, None]]]:
        probability = 0.4 + moved.get(precision, 0.0)
        return [(probability, (probability >= 0.5, None)) for _ in articles]

    monkeypatch.setattr(Classifier, "load", load)
    monkeypatch.setattr(parity, "_answers", answers)
    monkeypatch.setattr(parity, "_imitated", lambda _: "imitated")
    found = parity.choose_precision(checkpoint, [article(1), article(2)], int8=int8)
    assert found["precision"] == chosen
    assert found["decisions"] == 2
    assert ("int8_flipped" in found) is int8
    assert found["bf16_moved_p99"] == pytest.approx(moved["bf16"])
    assert ("int8_imitated" in found) is ("imitated" in moved)


@pytest.fixture(scope="module")
def wide(modernbert: Path, tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Checkpoint:
    """Matrices wide enough for a scale to each 128 activations."""
    folder = tmp_path_factory.mktemp("wide")
    config = ModernBertConfig.from_pretrained(modernbert, hidden_size=128, intermediate_size=256)
    ModernBertModel(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((modernbert / "tokenizer.json").read_bytes())
    return make_checkpoint(folder, folder / "checkpoint", taxonomy)


def test_int8_is_another_computation_and_a_close_one(wide: Checkpoint) -> None:
    if "INT8" not in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor has no int8 products")
    ids = np.arange(5, 45, dtype=np.int64)
    heads = {p: OpenVinoBackend(wide.folder, precision=p, streams=1).run([ids])[0] for p in ("f32", "bf16", "int8")}
    spread = heads["f32"].std()
    assert np.abs(heads["int8"] - heads["f32"]).max() < 0.2 * spread
    # with AMX, OpenVINO multiplies in bfloat16 all the same
    assert np.array_equal(heads["int8"], heads["bf16"]) == amx()


def amx() -> bool:
    info = Path("/proc/cpuinfo")
    return info.is_file() and "amx_bf16" in info.read_text(encoding="utf-8")


def test_int8_is_imitated_as_it_is_computed(wide: Checkpoint) -> None:
    rows = [np.arange(5, 45, dtype=np.int64)]
    like = TorchBackend(wide.folder, topics=3, stances=3, precision="bf16", imitate_int8=True, device="cpu")
    (imitated,) = like.run(rows)
    (exact,) = TorchBackend(wide.folder, topics=3, stances=3, device="cpu").run(rows)
    error = np.abs(imitated - exact).max() / exact.std()
    assert 0 < error < 0.2
    if amx() or "INT8" not in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return  # nothing computes it here
    (computed,) = OpenVinoBackend(wide.folder, precision="int8", streams=1).run(rows)
    assert np.abs(computed - exact).max() / exact.std() < 5 * error


def test_int8_serves_matrices_too_narrow_for_it(checkpoint: Checkpoint) -> None:
    given = [article(1), article(2)]
    wanted = Classifier.load(checkpoint, precision="f32").classify(given)
    for a, b in zip(wanted, Classifier.load(checkpoint, precision="int8").classify(given), strict=True):
        assert not isinstance(a, Exception)
        assert not isinstance(b, Exception)
        assert b.pooled.relevance == pytest.approx(a.pooled.relevance, abs=0.3)


def test_attention_is_written_out_in_the_graph(checkpoint: Checkpoint) -> None:
    graph = onnx.load(checkpoint.folder / "model.onnx", load_external_data=False).graph
    kinds = {node.op_type for node in graph.node}
    assert "Softmax" in kinds
    assert "IsNaN" not in kinds  # with the guard of torch's fused form OpenVINO makes no one kernel of it
