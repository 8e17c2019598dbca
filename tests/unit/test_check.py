"""The corpus check: each fault is found and named, shortcuts are measured, and the bundled corpus has no fault."""

import dataclasses
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.__main__ import app, main
from data.article import Article, Label, LabelledArticle, Voice
from data.articles import FOLDER, read_articles, write_articles
from data.check import inspect, problems, repeated_runs
from data.shortcuts import shortcuts
from data.taxonomy import Taxonomy


def item(number: int, words: str = "", *, relevant: bool = False, split: str = "train") -> LabelledArticle:
    own = " ".join(f"كلمة{number}و{i}" for i in range(12 + number % 5))
    text = f"{own}.\n{words or 'لا شيء هنا'}."
    first = text.index("\n")
    label = Label(True, "favor", ((0, first),)) if relevant else Label(False)
    return LabelledArticle(
        Article(f"a{number}", f"عنوان {number}", text), {"diplomacy": label}, event=f"e{number}", split=split, genre="r"
    )


def test_nothing_wrong_is_nothing_said(taxonomy: Taxonomy) -> None:
    assert problems([item(i, relevant=i % 2 == 0) for i in range(6)], taxonomy) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": {"diplomacy": Label(True, "favor", ((0, 5),))}}, "no whole sentence"),
        ({"labels": {"diplomacy": Label(True)}}, "no stance"),
        ({"labels": {"diplomacy": Label(False, None, ((0, 5),))}}, "not relevant, but"),
        ({"voices": (Voice("فلان", "diplomacy", "favor", (0, 5)),)}, "no whole sentence"),
        ({"voices": (Voice("فلان", "arms_embargo", "favor", (0, 5)),)}, "is not relevant here"),
        ({"split": "exam"}, "split 'exam'"),
    ],
)
def test_each_fault_is_named_with_its_article(change: dict[str, object], said: str, taxonomy: Taxonomy) -> None:
    found = problems([dataclasses.replace(item(3, relevant=True), **change), item(4)], taxonomy)  # type: ignore[arg-type]  # a table of changes
    assert any(said in line and line.startswith("a3") for line in found), found


def test_faults_between_articles(taxonomy: Taxonomy) -> None:
    copy = dataclasses.replace(item(1), article=dataclasses.replace(item(1).article, id="b"), event="e2")
    assert any("near-duplicates" in line for line in problems([item(1), copy], taxonomy))
    assert any("stands 2 times" in line for line in problems([item(1), item(1)], taxonomy))
    assert any("event e2" in line for line in problems([item(2), dataclasses.replace(copy, split="test")], taxonomy))
    formula = "ومن الجدير بالذكر أن هذه الجملة"
    assert len(repeated_runs([item(i, formula) for i in range(4)])) == 1
    assert repeated_runs([item(i, formula) for i in range(3)]) == []


def test_a_word_that_gives_the_label_away_is_found(taxonomy: Taxonomy) -> None:
    body = [
        item(i, "كلام السر" if i % 2 else "كلام آخر", relevant=bool(i % 2), split="train" if i < 20 else "test")
        for i in range(40)
    ]
    found = shortcuts(body, taxonomy)["diplomacy"]["relevance"]
    assert found["which"] == "السر"
    assert found["word"] == 1.0
    assert found["n"] == 20
    assert found["genre"] < 0.9
    assert shortcuts([item(1)], taxonomy) == {}


def test_the_best_use_of_the_genre_is_found(taxonomy: Taxonomy) -> None:
    # most articles of "talk" are not relevant, so its majority says no; by F1 it pays to say yes to both
    shares = {"talk": 2, "report": 3, "sport": 0}
    body = [
        dataclasses.replace(item(k, relevant=k % 5 < shares[genre], split=split), genre=genre)
        for n, genre in enumerate(shares)
        for k, split in [(10 * n + i, "train" if i < 5 else "test") for i in range(10)]
    ]
    assert shortcuts(body, taxonomy)["diplomacy"]["relevance"]["genre"] == pytest.approx(10 / 15, abs=0.001)


def test_figures(taxonomy: Taxonomy) -> None:
    figures = inspect([item(i, relevant=i % 2 == 0) for i in range(6)], taxonomy)
    assert figures["articles"] == 6
    assert figures["topics"]["diplomacy"] == {"relevant": 3, "favor": 3, "against": 0, "neutral": 0}
    assert figures["together"] == {"diplomacy": 3, "none": 3}


def test_the_command_says_what_is_wrong_and_fails(tmp_path: Path) -> None:
    bad = dataclasses.replace(item(3, relevant=True), labels={"diplomacy": Label(True, "favor", ((0, 5),))})
    write_articles(tmp_path / "bad.jsonl", [bad])
    done = CliRunner().invoke(app, ["check", str(tmp_path / "bad.jsonl")])
    assert done.exit_code == 1
    assert "wrong: a3: diplomacy: evidence [0, 5] is no whole sentence" in done.output
    write_articles(tmp_path / "good.jsonl", [item(3)])
    assert CliRunner().invoke(app, ["check", str(tmp_path / "good.jsonl")]).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "{source}", "/nonexistent/x.csv"],
        ["export", "{source}", "/nonexistent/x.json"],
        ["check", "{source}", "--taxonomy", "/"],
    ],
)
def test_a_path_that_does_not_work_is_one_line(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_articles(tmp_path / "good.jsonl", [item(3)])
    monkeypatch.setattr("sys.argv", ["data", *(a.format(source=tmp_path / "good.jsonl") for a in arguments)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("wijha: ")


def test_the_bundled_corpus_has_no_fault(taxonomy: Taxonomy) -> None:
    articles = [i for source in read_articles(FOLDER, taxonomy) for i in source.articles]
    assert len(articles) >= 80
    assert {i.split for i in articles} == {"train", "dev", "test"}
    assert all(set(i.labels) == set(taxonomy.ids) for i in articles)
    assert problems(articles, taxonomy) == []
