"""The torch backend: batches within a budget of tokens answer as each row alone does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.backends.torch import TorchBackend, batches
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from tests.conftest import article, bert_folder, make_checkpoint

# far shorter than the longest: with a local attention of 16, most padding sees no token of its row at all
LENGTHS = [64, 3, 17, 2, 64, 33, 5, 40, 3]


def rows(seed: int = 0) -> list[npt.NDArray[np.int64]]:
    draw = np.random.default_rng(seed)
    return [draw.integers(5, 300, length) for length in LENGTHS]


def backend(checkpoint: Checkpoint, **options: int | str) -> TorchBackend:
    return TorchBackend(checkpoint.folder, topics=3, stances=3, **options)  # type: ignore[arg-type]


def difference(ones: list[npt.NDArray[np.float32]], others: list[npt.NDArray[np.float32]]) -> float:
    assert [one.shape for one in ones] == [other.shape for other in others]
    return float(max(np.abs(one - other).max() for one, other in zip(ones, others, strict=True)))


@given(st.lists(st.integers(1, 600), max_size=60), st.integers(1, 3000))
def test_batches_hold_each_row_once_within_the_budget(lengths: list[int], budget: int) -> None:
    found = list(batches(lengths, budget))
    assert sorted(place for batch in found for place in batch) == list(range(len(lengths)))
    sizes = [len(batch) * max(lengths[place] for place in batch) for batch in found]
    assert all(size <= budget or len(batch) == 1 for size, batch in zip(sizes, found, strict=True))
    ordered = [lengths[place] for batch in found for place in batch]
    assert ordered == sorted(lengths)


@pytest.mark.parametrize("budget", [64, 150, 100_000])
@pytest.mark.parametrize("kind", ["modernbert", "bert"])
def test_a_batch_answers_as_each_row_alone(
    kind: str, budget: int, checkpoint: Checkpoint, bert: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = {"modernbert": checkpoint, "bert": bert}[kind]
    alone, together = backend(sealed, budget=0, device="cpu"), backend(sealed, budget=budget, device="cpu")
    shapes = []
    network = together._network.forward

    def watched(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(ids.shape))
        return network(ids, mask)

    monkeypatch.setattr(together._network, "forward", watched)
    assert difference(together.run(rows()), alone.run(rows())) < 1e-4
    assert sum(count for count, _ in shapes) == len(LENGTHS)
    assert all(count * length <= budget for count, length in shapes)
    assert budget < 100_000 or shapes == [(len(LENGTHS), 64)]
    assert together.run([]) == []


def test_padding_is_masked(checkpoint: Checkpoint) -> None:
    """What fills a row up makes no difference; without the mask it would."""
    network = backend(checkpoint, device="cpu")._network
    short = torch.from_numpy(rows()[2])[None]
    padded = torch.cat([short, torch.full((1, 47), 77)], dim=1)
    mask = torch.zeros_like(padded)
    mask[:, :17] = 1
    with torch.inference_mode():
        alone, masked = network(short, torch.ones_like(short)), network(padded, mask)[:, :17]
        open_to_all = network(padded, torch.ones_like(padded))[:, :17]
    assert (alone - masked).abs().max() < 1e-4
    assert (alone - open_to_all).abs().max() > 1e-2


def test_threads_do_not_mix_their_rows(checkpoint: Checkpoint) -> None:
    shared = backend(checkpoint, budget=150)
    wanted = {seed: shared.run(rows(seed)) for seed in range(4)}
    with ThreadPoolExecutor(4) as pool:
        seeds = [seed for seed in range(4) for _ in range(5)]
        for seed, found in zip(seeds, pool.map(lambda seed: shared.run(rows(seed)), seeds), strict=True):
            assert difference(found, wanted[seed]) < 1e-5


def test_both_runtimes_answer_alike(checkpoint: Checkpoint) -> None:
    articles = [article(number, 2 + 5 * number) for number in range(5)]
    answers = [Classifier.load(checkpoint, backend=name).classify(articles) for name in ("torch", "openvino")]
    for one, other in zip(*answers, strict=True):
        assert one.id == other.id
        assert np.abs(one.pooled.relevance - other.pooled.relevance).max() < 1e-3
        assert np.abs(one.pooled.attention - other.pooled.attention).max() < 1e-3


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory, checkpoint: Checkpoint) -> Checkpoint:
    base = bert_folder(tmp_path_factory.mktemp("bert"), lower=False, files="fast")
    folder: Path = tmp_path_factory.mktemp("sealed") / "bert"
    return make_checkpoint(base, folder, checkpoint.contract.taxonomy)
