"""Agreement against published worked examples."""

import dataclasses
import math

import pytest

from data.agreement import cohen_kappa, compare, krippendorff_alpha
from data.article import Label
from data.taxonomy import Taxonomy
from tests.conftest import labelled


def test_kappa_of_a_two_by_two_table() -> None:
    table = {("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15}
    assert cohen_kappa([pair for pair, n in table.items() for _ in range(n)]) == pytest.approx(0.4)
    assert math.isnan(cohen_kappa([("y", "y")] * 3))
    assert math.isnan(cohen_kappa([]))


def test_alpha_of_krippendorffs_examples() -> None:
    two = zip("0100000010", "1110010000", strict=True)
    assert krippendorff_alpha([tuple(unit) for unit in two]) == pytest.approx(0.095, abs=0.0005)
    four = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    units = [[value for value in unit if value != "."] for unit in zip(*four, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=0.0005)


def test_two_readers_of_labelled_articles(taxonomy: Taxonomy) -> None:
    first = [labelled(i, taxonomy) for i in range(12)]
    same = compare(first, list(reversed(first)), taxonomy)
    assert same["articles"] == 12
    assert same["alpha"] == 1.0
    assert all(t["relevance"]["kappa"] == 1.0 and t["evidence"]["f1"] == 1.0 for t in same["topics"].values())
    topic = taxonomy.ids[0]
    flipped = [
        dataclasses.replace(i, labels={**i.labels, topic: Label(not i.labels[topic].relevant, "favor")}) for i in first
    ]
    other = compare(first, flipped, taxonomy)
    assert other["topics"][topic]["relevance"]["kappa"] == pytest.approx(-1.0)
    assert other["topics"][topic]["stance"] == {"n": 0}
    assert other["alpha"] < 0.8
