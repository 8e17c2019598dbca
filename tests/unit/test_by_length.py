"""Batches of examples of like length: each once a pass, little padding, another order each pass."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from train.batches import ByLength


def passes(lengths: list[int], batch: int, seed: int, epoch: int) -> list[list[int]]:
    sampler = ByLength(lengths, batch=batch, seed=seed)
    sampler.set_epoch(epoch)
    order = list(sampler)
    assert len(order) == len(sampler)
    return [order[start : start + batch] for start in range(0, len(order), batch)]


@given(st.lists(st.integers(1, 512), min_size=1, max_size=80), st.integers(1, 9), st.integers(0, 3))
def test_each_once_and_sorted_into_batches(lengths: list[int], batch: int, epoch: int) -> None:
    found = passes(lengths, batch, 7, epoch)
    assert sorted(place for part in found for place in part) == list(range(len(lengths)))
    if len(lengths) <= 50 * batch:  # drawn together: no batch reaches into the lengths of another
        ranges = sorted((min(lengths[p] for p in part), max(lengths[p] for p in part)) for part in found)
        assert all(high <= low for (_, high), (low, _) in itertools.pairwise(ranges))


def test_an_order_for_each_pass_and_seed() -> None:
    lengths = np.random.default_rng(0).integers(5, 200, 300).tolist()
    first = passes(lengths, 8, 7, 0)
    assert passes(lengths, 8, 7, 0) == first
    assert passes(lengths, 8, 7, 1) != first
    assert passes(lengths, 8, 8, 0) != first
    longest = [max(lengths[p] for p in part) for part in first]
    assert longest != sorted(longest, reverse=True)  # long and short batches alternate


def test_padding_is_less_where_lengths_differ() -> None:
    lengths = np.random.default_rng(0).geometric(1 / 40, 5000).tolist()
    padded = sum(max(lengths[p] for p in part) * len(part) for part in passes(lengths, 32, 7, 0))
    drawn = np.random.default_rng(1).permutation(5000).tolist()
    random = sum(
        max(lengths[p] for p in drawn[start : start + 32]) * len(drawn[start : start + 32])
        for start in range(0, 5000, 32)
    )
    assert sum(lengths) <= padded < 1.2 * sum(lengths) < random / 2
