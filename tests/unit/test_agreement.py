"""Agreement against published worked examples."""

import dataclasses
import json
import math
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.__main__ import app
from data.agreement import cohen_kappa, compare, krippendorff_alpha
from data.article import Article, Label, LabelledArticle
from data.articles import to_row, write_articles
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


def test_readers_who_toss_a_coin_do_not_agree(taxonomy: Taxonomy) -> None:
    coin = random.Random(0)

    def reader() -> list[LabelledArticle]:
        return [
            LabelledArticle(Article(str(i), "", "نص"), {topic: Label(coin.random() < 0.5) for topic in taxonomy.ids})
            for i in range(1000)
        ]

    found = compare(reader(), reader(), taxonomy)
    alphas = [topic["alpha"] for topic in found["topics"].values()]
    assert max(map(abs, alphas)) < 0.1
    assert found["alpha"] == pytest.approx(sum(alphas) / len(alphas), abs=0.001)


def test_where_nothing_varies_there_is_no_figure(tmp_path: Path, taxonomy: Taxonomy) -> None:
    items = [LabelledArticle(Article(str(i), "", "نص"), {"diplomacy": Label(False)}) for i in range(3)]
    write_articles(tmp_path / "reader.jsonl", items)
    reader = str(tmp_path / "reader.jsonl")
    done = CliRunner().invoke(app, ["agreement", reader, reader, "--texts", reader])
    assert "NaN" not in done.output
    found = json.loads(done.output)
    assert found["alpha"] is found["topics"]["diplomacy"]["alpha"] is None
    assert found["topics"]["diplomacy"]["relevance"] == {"n": 3, "equal": 1.0, "kappa": None, "low": None, "high": None}


def test_the_command_takes_labels_by_pointer(tmp_path: Path, taxonomy: Taxonomy) -> None:
    items = [labelled(i, taxonomy) for i in range(6)]
    write_articles(tmp_path / "texts.jsonl", items)
    pointers = [{k: v for k, v in to_row(item).items() if k not in ("title", "text")} for item in items]
    (tmp_path / "reader.jsonl").write_text("\n".join(map(json.dumps, pointers)), encoding="utf-8")
    reader = str(tmp_path / "reader.jsonl")
    done = CliRunner().invoke(app, ["agreement", reader, reader, "--texts", str(tmp_path / "texts.jsonl")])
    assert json.loads(done.output)["alpha"] == 1.0
    assert "unknown_id" in str(CliRunner().invoke(app, ["agreement", reader, reader]).exception)


def test_the_bundled_readers_are_compared(taxonomy: Taxonomy) -> None:
    folder = Path("data/annotations")
    done = CliRunner().invoke(app, ["agreement", str(folder / "pass_a.jsonl"), str(folder / "pass_b.jsonl")])
    found = json.loads(done.output)
    assert found["articles"] >= 80
    assert set(found["topics"]) == set(taxonomy.ids)
