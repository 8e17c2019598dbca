from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from models.checkpoint import Checkpoint
from models.network import load_network
from tests.bench import ceiling, inference, peak
from tests.bench.arithmetic import Sizes
from tests.bench.operations import ACTIVATION, ATTENTION, EMBEDDING, GROUPS, LAYOUT, LINEAR, NORM, REST, group, grouped


@pytest.mark.parametrize("tokens", [7, 64])
def test_the_formula_is_what_torch_counts(checkpoint: Checkpoint, tokens: int) -> None:
    network = load_network(checkpoint.folder, topics=3, stances=3)
    network.encoder.set_attn_implementation("eager")  # type: ignore[operator]  # the fused one is not counted
    ids = torch.ones(1, tokens, dtype=torch.int64)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(ids, torch.ones_like(ids))
    counted = counter.get_flop_counts()["Global"]
    attention = sum(flops for op, flops in counted.items() if "bmm" in str(op))
    sizes = Sizes.read(checkpoint.folder)
    assert sizes.attention(tokens) == attention > 0
    assert sizes.linear(tokens) == sum(counted.values()) - attention


def test_a_local_layer_needs_less_and_never_more_than_all() -> None:
    sizes = Sizes(((4, 4),), hidden=4, layers=3, local=2, reach=2)
    assert sizes.needed(2) == sizes.attention(2)
    # five places see 3, 4, 5, 4 and 3 of them
    assert sizes.needed(5) == 4 * 4 * (25 + 2 * 19)
    assert Sizes(((4, 4),), hidden=4, layers=3).needed(50) == sizes.attention(50)


def test_nodes_are_grouped_by_what_they_do() -> None:
    assert group("FullyConnectedCompressed") == LINEAR
    assert [group(kind) for kind in ("MatMul", "Softmax", "Subgraph")] == [ATTENTION] * 3
    assert group("Multiply", "node_layer_norm_3") == NORM == group("MVN")
    assert group("Multiply", "node_mul_442") == ACTIVATION
    assert (group("GatherCompressed"), group("Transpose"), group("NewInNextYear")) == (EMBEDDING, LAYOUT, REST)
    nodes = [("MatMul", "a", 2.0), ("Add", "mask", 0.5), ("Softmax", "b", 1.0), ("Add", "residual", 0.25)]
    sums = grouped(nodes)
    assert list(sums) == list(GROUPS)
    assert (sums[ATTENTION], sums[REST]) == (3.5, 0.25)


def test_the_profile_and_the_stages_are_of_the_real_path(checkpoint: Checkpoint) -> None:
    done = inference.infer(checkpoint.folder, None, "f32", 0.0)
    sizes = Sizes.read(checkpoint.folder)
    assert done["articles"] == inference.PIECE <= done["windows"]
    assert done["linear"] == pytest.approx(done["tokens"] * sizes.linear(1) / 1e9)
    found = inference.profile(checkpoint.folder, None, "f32", 0.0)
    assert found["groups"][LINEAR] > 0 < found["groups"][ATTENTION]
    assert sum(found["groups"].values()) <= found["threads"]
    stages = inference.stages(checkpoint.folder, None, "f32", 0.0)
    assert min(stages.values()) > 0
    assert inference.loaded(checkpoint.folder, "f32") is not inference.loaded(
        checkpoint.folder, "f32", PERF_COUNT="YES"
    )


@pytest.mark.parametrize("precision", ceiling.PRECISIONS)
def test_every_precision_is_multiplied(precision: str) -> None:
    threads = torch.get_num_threads()
    rows = peak.multiply(precision, [(8, 16, 24)], 1, 0.0)
    torch.set_num_threads(threads)
    assert {tuple(row["shape"]) for row in rows} == {(8, 16, 24)}
    assert all(row["gflops"] > 0 and row["way"] for row in rows)


def _results() -> dict[str, Any]:
    top = {"f32": 100.0, "bf16": 200.0, "int8": 400.0}
    peaks = [
        {"precision": p, "shape": [8, 8, 8], "way": way, "cores": "2 threads", "gflops": _spread(value)}
        for p, most in top.items()
        for way, value in (("mm", most), ("other", most / 2))
    ]
    infer = {"articles": 10, "windows": 20, "tokens": 30, "linear": 80.0, "attention": 20.0, "seconds": 2.0}
    groups = dict.fromkeys(GROUPS, 0.0) | {LINEAR: 2.0, ATTENTION: 1.0}
    profile = {"groups": groups, "threads": 4.0, "linear": 40.0, "attention": 10.0}
    names = ("clean", "split", "tokenise", "decide", "evidence")
    stages = dict.fromkeys(names, 0.001) | {"encode": 0.005, "network": 0.1, "classify": 0.2}
    rounds: dict[str, list[Any]] = {}
    for p in top:
        rounds |= {f"infer {p}": [infer | {"processor": 3.0}], f"profile {p}": [profile], f"stages {p}": [stages]}
    gflop = {"linear": 9.0, "attention": 2.4, "needed": 1.2}
    remarks = {"int8, groups of 32": _spread(7.0)}
    return {"cores": 2, "window": 512, "gflop": gflop, "peaks": peaks, "rounds": rounds, "remarks": remarks}


def _spread(value: float) -> dict[str, float]:
    return {"median": value, "least": value, "most": value, "n": 1}


def test_the_share_counts_each_product_at_the_peak_of_its_precision() -> None:
    results = _results()
    work = {"linear": 80.0, "attention": 20.0}
    assert ceiling.share(results, "f32", work, 2.0) == pytest.approx(0.5)
    assert ceiling.share(results, "int8", work, 2.0) == pytest.approx((80 / 400 + 20 / 200) / 2)


def test_the_section_says_it_all() -> None:
    text = ceiling.render(_results())
    # f32: 100 GFLOP in 2 s at a peak of 100; 3 s of processor on 2 cores; nodes: 40 GFLOP in 1 s, 10 in half of one;
    # classify: 10 x 0.2 s
    assert "| f32 | 100 | 50 | 50 | 67 | 40 | 20 | 50 |" in text
    assert "| int8 | 400 | 50 | 15 | 20 | 10 | 10 | 15 |" in text
    assert "8×8×8 | 100 (mm, 2 threads) | 200 (mm" in text
    assert "| network: linear layers | 50.00 (" in text
    assert "| network: between operations | 25.00 (" in text
    assert "| windows, offsets, warnings | 2.00 (" in text


def test_the_shapes_are_those_of_the_layers(checkpoint: Checkpoint) -> None:
    assert (64, 32, 96) in Sizes.read(checkpoint.folder).products(64)
    assert Sizes.read(Path("models/checkpoints/default")).products(512) == [
        (512, 384, 384),
        (512, 768, 384),
        (512, 384, 1152),
        (512, 384, 1536),
    ]
