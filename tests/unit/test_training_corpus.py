"""What is trained on and what is measured on never meet, in whatever files they come."""

import dataclasses
import itertools
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from data.article import LabelledArticle
from data.articles import to_row, write_articles
from data.errors import ConfigError, DataError
from data.taxonomy import Taxonomy
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from tests.conftest import labelled
from train.__main__ import _names, main
from train.config import Config, read_config
from train.corpus import Corpus, load_corpus, read_ids, read_labelled, without


def item(
    number: int, taxonomy: Taxonomy, *, event: str = "", split: str = "", copy: int | None = None
) -> LabelledArticle:
    """An article of words of its own, or of those of the article ``copy``."""
    whole = labelled(number, taxonomy, split=split)
    text = " ".join(f"كلمة{(number if copy is None else copy) * 40 + j}" for j in range(40))
    labels = {topic: dataclasses.replace(label, evidence=None) for topic, label in whole.labels.items()}
    return dataclasses.replace(whole, article=dataclasses.replace(whole.article, text=text), labels=labels, event=event)


def write(path: Path, items: list[LabelledArticle]) -> str:
    write_articles(path, items)
    return str(path)


def settings(*extra: str, **lists: tuple[str, ...]) -> Config:
    named = {name: list(lists.get(name, ())) for name in ("held_out", "set_aside", "annotations")}
    return read_config(None, data={"bundled": False, "extra": list(extra), **named})


def ids(corpus: Corpus) -> dict[str, list[str]]:
    return {name: sorted(i.article.id for i in getattr(corpus, name)) for name in ("train", "dev", "test", "held_out")}


def test_two_files_of_the_same_events_are_split_as_one(tmp_path: Path, taxonomy: Taxonomy) -> None:
    one = write(tmp_path / "one.jsonl", [item(i, taxonomy, event=f"e{i}") for i in range(20)])
    two = write(tmp_path / "two.jsonl", [item(i + 20, taxonomy, event=f"e{i * 7 % 20}") for i in range(13)])
    corpus = load_corpus(settings(one, two))
    events = [{i.event for i in body} for body in (corpus.train, corpus.dev, corpus.test)]
    assert all(events)
    assert not any(a & b for a, b in itertools.combinations(events, 2))
    assert len(corpus.train) + len(corpus.dev) + len(corpus.test) == 33
    assert corpus.notes == ()
    assert ids(load_corpus(settings(two, one))) == ids(corpus)


def test_only_bundled_articles_are_repeated(tmp_path: Path, taxonomy: Taxonomy) -> None:
    other = write(tmp_path / "other.jsonl", [item(i, taxonomy, split="train") for i in range(5)])
    changes: dict[str, Any] = {"extra": [other], "held_out": [], "annotations": [], "repeats": 3}
    corpus = load_corpus(read_config(None, data=changes))
    own = [item.article.id for item in corpus.train if item.split == "train"][: len(corpus.train) - 5]
    assert len(own) > 100
    assert [item.article.id for item in corpus.repeated] == own * 2
    assert corpus.seen == corpus.train + corpus.repeated
    assert load_corpus(read_config(None, data=changes | {"repeats": 1})).repeated == ()
    assert load_corpus(read_config(None, data=changes | {"bundled": False})).repeated == ()


def test_the_order_of_the_files_decides_nothing(tmp_path: Path, taxonomy: Taxonomy) -> None:
    held = tmp_path / "ids.txt"
    held.write_text("# kept\na25\n", encoding="utf-8")
    one = write(tmp_path / "one.jsonl", [item(i, taxonomy) for i in range(20)])
    two = write(tmp_path / "two.jsonl", [item(i, taxonomy) for i in range(20, 30)])
    first, second = (load_corpus(settings(*order, held_out=(str(held),))) for order in ((one, two), (two, one)))
    assert ids(first) == ids(second)
    assert ids(first)["held_out"] == ["a25"]
    assert len(first.train) == 29


def test_fixed_splits_are_kept_apart(tmp_path: Path, taxonomy: Taxonomy) -> None:
    held = tmp_path / "ids.txt"
    held.write_text("a9\n", encoding="utf-8")
    items = [
        item(0, taxonomy, split="train"),
        item(1, taxonomy, split="train", event="battle"),  # of the event of 5
        item(2, taxonomy, split="train", copy=5),
        item(3, taxonomy, split="dev", event="battle"),  # of the event of 5
        item(4, taxonomy, split="dev", copy=9),
        item(5, taxonomy, split="test", event="battle"),
        item(6, taxonomy, split="dev"),  # an empty event is no event
        item(7, taxonomy, event="flood"),  # of the event of 9
        item(8, taxonomy, copy=6),
        item(9, taxonomy, event="flood"),
        item(10, taxonomy, copy=10),
    ]
    corpus = load_corpus(settings(write(tmp_path / "c.jsonl", items), held_out=(str(held),)))
    assert ids(corpus) == {"train": ["a0", "a10"], "dev": ["a6"], "test": ["a5"], "held_out": ["a9"]}
    assert corpus.notes == (
        "1 dev articles left out: near-duplicates of articles of test, held_out, set_aside",
        "1 dev articles left out: of one event with articles of test, held_out, set_aside",
        "2 train articles left out: near-duplicates of articles of dev, test, held_out, set_aside",
        "2 train articles left out: of one event with articles of dev, test, held_out, set_aside",
    )


def test_nothing_sees_what_is_set_aside_nor_calibration_what_is_tested(tmp_path: Path, taxonomy: Taxonomy) -> None:
    aside, held = tmp_path / "aside.txt", tmp_path / "held.txt"
    aside.write_text("a1\na2\n", encoding="utf-8")
    held.write_text("a2\na3\na6\na8\n", encoding="utf-8")
    items = [
        item(0, taxonomy),
        item(1, taxonomy, split="train", event="battle"),
        item(2, taxonomy),  # held out as well
        item(3, taxonomy),
        item(4, taxonomy, event="battle"),  # of the event of 1
        item(5, taxonomy, split="dev", copy=2),
        item(6, taxonomy, event="flood"),  # held out, but of the event of 7
        item(7, taxonomy, split="test", event="flood"),
        item(8, taxonomy, copy=1),  # held out, but a copy of 1
    ]
    corpus = load_corpus(settings(write(tmp_path / "c.jsonl", items), held_out=(str(held),), set_aside=(str(aside),)))
    assert ids(corpus) == {"train": ["a0"], "dev": [], "test": ["a7"], "held_out": ["a3"]}


def test_a_labelled_article_without_text_is_left_out(tmp_path: Path, taxonomy: Taxonomy) -> None:
    items = [item(i, taxonomy, split="train") for i in range(4)]
    for i, text in ((1, " \n"), (3, "<html><body><div id=app>\u200f</div></body></html>")):
        items[i] = dataclasses.replace(items[i], article=dataclasses.replace(items[i].article, text=text))
    corpus = load_corpus(settings(write(tmp_path / "c.jsonl", items)))
    assert ids(corpus)["train"] == ["a0", "a2"]
    assert corpus.notes == ("c.jsonl: 2 labelled articles without a word left out",)


def test_what_was_trained_on_is_not_measured_on(tmp_path: Path, taxonomy: Taxonomy) -> None:
    one = write(tmp_path / "one.jsonl", [item(i, taxonomy) for i in range(30)])
    two = write(tmp_path / "two.jsonl", [item(i, taxonomy) for i in range(30, 60)])
    first, fewer = load_corpus(settings(one, two)), load_corpus(settings(one))
    trained = {i.article.id for i in first.train}
    met = trained & {*ids(fewer)["dev"], *ids(fewer)["test"]}
    assert met  # split anew, the half is split otherwise
    clear = without(fewer, trained)
    assert not trained & {*ids(clear)["dev"], *ids(clear)["test"]}
    assert len(fewer.dev) + len(fewer.test) - len(clear.dev) - len(clear.test) == len(met)
    assert f"{len(met)} articles left out" in clear.notes[-1]
    assert without(first, trained) == first


def test_lists_of_ids_as_other_programs_write_them(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes("\ufeffa1\r\n# seen\r\n\r\na2".encode())
    assert read_ids(path) == {"a1", "a2"}
    path.write_bytes("a1\n".encode("utf-16"))
    with pytest.raises(DataError, match="bad_line"):
        read_ids(path)
    with pytest.raises(DataError, match="source_missing"):
        read_ids(tmp_path / "nowhere.txt")


def test_a_split_of_another_name_is_refused(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = write(tmp_path / "c.jsonl", [item(0, taxonomy, split="validation")])
    with pytest.raises(DataError, match="bad_split") as caught:
        load_corpus(settings(path))
    assert caught.value.where == "a0"


def pointers(path: Path, items: list[LabelledArticle]) -> Path:
    rows = [{"id": i.article.id, "characters": len(i.article.text), "labels": to_row(i)["labels"]} for i in items]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_labels_by_pointer_are_read_with_the_files(tmp_path: Path, taxonomy: Taxonomy) -> None:
    items = [item(i, taxonomy) for i in range(3)]
    bare = Path(write(tmp_path / "bare.jsonl", [dataclasses.replace(i, labels={}) for i in items]))
    found, notes = read_labelled([bare], [pointers(tmp_path / "labels.jsonl", items[:2])], taxonomy)
    assert [i.labels for i in found] == [i.labels for i in items[:2]]
    assert notes == ["bare.jsonl: 1 articles without a label left out"]


def test_a_path_with_spaces_is_one_path(tmp_path: Path) -> None:
    spaced = tmp_path / "my file.jsonl"
    spaced.touch()
    assert _names([str(spaced), "a.jsonl b.jsonl"]) == [str(spaced), "a.jsonl", "b.jsonl"]


def command(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    monkeypatch.setattr(sys, "argv", ["train", *map(str, words)])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0)


def test_evaluate_reads_labels_by_pointer_and_names_mistakes(
    checkpoint: Checkpoint,
    tmp_path: Path,
    taxonomy: Taxonomy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = [item(i, taxonomy) for i in range(6)]
    bare = write(tmp_path / "bare.jsonl", [dataclasses.replace(i, labels={}) for i in items])
    labels = pointers(tmp_path / "labels.jsonl", items[:4])
    assert command(monkeypatch, "evaluate", checkpoint.folder, bare, "--annotations", labels) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["articles"] == 4
    assert "note: bare.jsonl: 2 articles without a label left out" in said.err
    assert command(monkeypatch, "evaluate", checkpoint.folder, bare) == 2
    assert "wijha: no_articles: " in capsys.readouterr().err
    assert command(monkeypatch, "evaluate", checkpoint.folder, bare, "--ids", tmp_path / "no.txt") == 2
    assert "wijha: source_missing: " in capsys.readouterr().err


def test_measure_takes_the_configuration_of_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, Config]] = []
    monkeypatch.setattr("train.run.remeasure", lambda folder, config: asked.append((folder, config)))
    made = settings("gone.jsonl")
    (tmp_path / "train_config.toml").write_text(made.to_toml(), encoding="utf-8")
    assert command(monkeypatch, "measure", tmp_path) == 0
    assert command(monkeypatch, "measure", tmp_path, "--data", "a.jsonl b.jsonl") == 0
    elsewhere = dataclasses.replace(made, data=dataclasses.replace(made.data, extra=("a.jsonl", "b.jsonl")))
    assert asked == [(tmp_path, made), (tmp_path, elsewhere)]
    with pytest.raises(ConfigError, match="no_config"):
        read_config(tmp_path / "nowhere" / "train_config.toml")


def test_export_makes_the_graph_again(checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Path(shutil.copytree(checkpoint.folder, tmp_path / "copy"))
    (copy / "model.onnx").unlink()
    manifest = json.loads((copy / "checkpoint.json").read_text(encoding="utf-8"))
    del manifest["files"]["model.onnx"]  # as one that was made without
    (copy / "checkpoint.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert command(monkeypatch, "export", copy) == 0
    again = Checkpoint.open(copy)
    assert "model.onnx" in again.manifest["files"]
    assert again.contract == checkpoint.contract
    one, two = (Classifier.load(c).classify([item(1, Taxonomy.read()).article]) for c in (checkpoint, again))
    assert [a.topics for a in one] == [a.topics for a in two]  # type: ignore[union-attr]  # no error among them
