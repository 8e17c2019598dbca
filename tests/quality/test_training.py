"""Training from end to end, small: any encoder, twice the same, resumable."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from data.article import Article, Label, LabelledArticle
from data.articles import to_row, write_articles
from data.errors import ConfigError, DataError
from data.taxonomy import Taxonomy
from models.checkpoint import Checkpoint, seal
from models.classifier import Answer, Classifier
from models.contract import Abstention, Calibration, Contract, Windows
from models.selftest import run_selftest
from models.weights import load_weights
from tests.conftest import SENTENCES, article, bert_folder, labelled
from train.base import prepare
from train.config import Config, read_config
from train.corpus import load_corpus
from train.run import _key, recalibrate, remeasure, run

pytestmark = pytest.mark.slow


def corpus_file(path: Path, taxonomy: Taxonomy, count: int = 36) -> Path:
    items = [
        dataclasses.replace(labelled(i, taxonomy), split=("train", "train", "train", "dev", "test", "train")[i % 6])
        for i in range(count)
    ]
    for i, item in enumerate(items):  # texts of their own: near-duplicates would leave training
        text = item.article.text + "\n" + " ".join(f"كلمة{i * 40 + j}" for j in range(40))
        items[i] = dataclasses.replace(item, article=dataclasses.replace(item.article, text=text))
    write_articles(path, items)
    return path


def settings(base: Path, file: Path | None = None, **changes: object) -> Config:
    values: dict[str, object] = {
        "name": "small",
        "data": {"bundled": False, "extra": [str(file)], "held_out": []},
        "encoder": {"base": str(base), "window": 64, "overlap": 8},
        "optimizer": {"epochs": 2, "batch": 6},
        "run": {"precision": "no"},
        **changes,
    }
    return read_config(None, **values)


def check(made: Checkpoint, taxonomy: Taxonomy) -> None:
    classifier = Classifier.load(made)
    assert run_selftest(made.folder, classifier) == 5
    (answer,) = classifier.classify([labelled(50, taxonomy, sentences=40).article])
    assert isinstance(answer, Answer)
    assert answer.windows > 1
    metrics = json.loads((made.folder / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["scores"]["test"]["wijha"]["articles"] == 6
    card = (made.folder / "README.md").read_text(encoding="utf-8")
    assert "التدخل العسكري الأجنبي" in card
    assert "TF-IDF" in card
    kept = made.folder / "train_config.toml"
    assert read_config(kept).to_toml() == kept.read_text(encoding="utf-8")


def test_a_checkpoint_comes_out_whole(modernbert: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    made = run(settings(modernbert, corpus_file(tmp_path / "c.jsonl", taxonomy)), tmp_path / "out")
    check(made, taxonomy)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.jsonl", "out"]
    assert any(c != Calibration() for c in made.contract.calibration)


@pytest.mark.parametrize(("name", "files"), [("arabert", "fast"), ("camelbert", "slow")])
def test_encoders_in_others_layouts(name: str, files: str, tmp_path: Path, taxonomy: Taxonomy) -> None:
    base = bert_folder(tmp_path / name, lower=False, files=files)
    corpus, encoder = corpus_file(tmp_path / "c.jsonl", taxonomy), {"base": str(base), "window": 512}
    config = settings(base, corpus, encoder=encoder, run={"precision": "no", "attention": "eager"})
    made = run(config, tmp_path / "out")
    check(made, taxonomy)
    assert made.contract.windows.length == 64  # this encoder has no more positions
    tokenizer = Tokenizer.from_file(str(made.folder / "tokenizer.json"))
    plain, dressed = tokenizer.encode("وصلت سفينة"), tokenizer.encode("وَصَلَت سفيـنة\u200f")
    assert plain.ids == dressed.ids
    assert tokenizer.token_to_id("[UNK]") not in plain.ids


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    return dict(load_weights(folder / "model.safetensors"))


def test_twice_the_same(modernbert: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    config = settings(modernbert, corpus_file(tmp_path / "c.jsonl", taxonomy))
    one, two = run(config, tmp_path / "one"), run(config, tmp_path / "two")
    for name, value in weights_of(one.folder).items():
        np.testing.assert_array_equal(value, weights_of(two.folder)[name])
    other = run(dataclasses.replace(config, seed=14), tmp_path / "other")
    assert any((weights_of(other.folder)[name] != value).any() for name, value in weights_of(one.folder).items())


def test_a_run_that_diverges_says_so_and_leaves_the_old_checkpoint(
    modernbert: Path, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("here", encoding="utf-8")
    (tmp_path / "out" / "checkpoint.json").write_text("{}", encoding="utf-8")
    config = settings(modernbert, corpus_file(tmp_path / "c.jsonl", taxonomy), optimizer={"epochs": 2, "rate": 1e30})
    with pytest.raises(ConfigError, match="diverged"):
        run(config, tmp_path / "out")
    assert (tmp_path / "out" / "old").is_file()


@pytest.mark.parametrize("name", ["out", "out.old", "out.part"])
def test_a_folder_of_other_things_is_left_alone(
    name: str, modernbert: Path, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    thesis = tmp_path / name / "thesis.docx"
    thesis.parent.mkdir()
    thesis.write_text("years of work", encoding="utf-8")
    with pytest.raises(ConfigError, match="not_a_checkpoint") as caught:
        run(settings(modernbert, corpus_file(tmp_path / "c.jsonl", taxonomy)), tmp_path / "out")
    assert caught.value.where == str(thesis.parent)
    assert thesis.is_file()


def test_topics_alone_and_no_dev(modernbert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A taxonomy of one topic without stances, articles for training only: no calibration, and it is said."""
    (tmp_path / "topics.toml").write_text('[[topic]]\nid = "war"\nar = "حرب"\nen = "war"\n', encoding="utf-8")
    items = [
        LabelledArticle(article(i), {"war": Label(i % 2 == 0)}, event=f"event-{i}", split="train") for i in range(6)
    ]
    write_articles(tmp_path / "c.jsonl", items)
    data = {"bundled": False, "extra": [str(tmp_path / "c.jsonl")], "held_out": []}
    made = run(settings(modernbert, data=data | {"taxonomy": str(tmp_path / "topics.toml")}), tmp_path / "out")
    assert made.contract.calibration == (Calibration(),)
    assert "not calibrated" in capsys.readouterr().out
    (answer,) = Classifier.load(made).classify([Article("a", "", " ".join(SENTENCES))])
    assert isinstance(answer, Answer)
    assert answer.topics[0].decision.stance is None


def test_a_state_is_gone_on_with_only_from_the_same_encoder(
    modernbert: Path, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    base = Path(shutil.copytree(modernbert, tmp_path / "base"))
    config = settings(base, corpus_file(tmp_path / "c.jsonl", taxonomy))
    corpus, contract = load_corpus(config), Contract(taxonomy, Windows(64, 8), (Calibration(),) * 3)

    def key() -> str:
        return _key(config, corpus, contract, prepare(config, contract, tmp_path), tmp_path)

    same = key()
    assert key() == same
    weights = load_file(base / "model.safetensors")
    weights["final_norm.weight"] += 1
    save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
    assert key() != same


def test_a_finished_checkpoint_is_measured_again(modernbert: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    config = settings(modernbert, corpus_file(tmp_path / "c.jsonl", taxonomy))
    made = run(config, tmp_path / "out")
    wanted = (made.folder / "metrics.json").read_text(encoding="utf-8")
    (made.folder / "metrics.json").write_text("{}", encoding="utf-8")
    again = remeasure(seal(made.folder, made.manifest).folder, config)
    assert json.loads((again.folder / "metrics.json").read_text("utf-8"))["scores"] == json.loads(wanted)["scores"]
    assert again.contract == made.contract


def test_measured_on_other_articles_a_checkpoint_keeps_its_past(
    modernbert: Path, tmp_path: Path, taxonomy: Taxonomy
) -> None:
    config = settings(modernbert, corpus_file(tmp_path / "c.jsonl", taxonomy))
    made = run(config, tmp_path / "out")
    before = json.loads((made.folder / "metrics.json").read_text(encoding="utf-8"))
    rows = [json.loads(row) for row in (tmp_path / "c.jsonl").read_text(encoding="utf-8").splitlines()]
    learnt = (made.folder / "trained_on.txt").read_text(encoding="utf-8").split()
    changed = [row | {"split": "test"} for row in rows if row["id"] in learnt or row["split"] == "test"]
    changed += [row | {"split": "train"} for row in rows if row["split"] == "dev"]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, changed)), encoding="utf-8")
    again = remeasure(made.folder, settings(modernbert, tmp_path / "d.jsonl"))
    after = json.loads((again.folder / "metrics.json").read_text(encoding="utf-8"))
    assert after["train_articles"] == before["train_articles"]
    assert after["fingerprints"] == {"test": before["fingerprints"]["test"]}
    assert after["scores"] == {"test": before["scores"]["test"]}  # the baselines are those of before: not fitted anew
    recalibrate(made.folder, config)
    assert (made.folder / "train_config.toml").read_text(encoding="utf-8") == config.to_toml()


def test_a_finished_checkpoint_is_calibrated_anew(modernbert: Path, tmp_path: Path, taxonomy: Taxonomy) -> None:
    corpus = corpus_file(tmp_path / "c.jsonl", taxonomy)
    made = run(settings(modernbert, corpus, abstention={"relevance": 0, "stance": 0}), tmp_path / "out")
    assert made.contract.abstention == Abstention()
    again = recalibrate(made.folder, settings(modernbert, corpus, abstention={"relevance": 0.99, "stance": 0.99}))
    assert again.folder == made.folder
    assert again.contract.calibration == made.contract.calibration
    assert min(again.contract.abstention.relevance, again.contract.abstention.stance) > 0.3
    assert again.manifest["files"]["model.safetensors"] == made.manifest["files"]["model.safetensors"]
    corpus.write_text(corpus.read_text(encoding="utf-8").replace('"dev"', '"train"'), encoding="utf-8")
    with pytest.raises(DataError, match="no_articles"):
        recalibrate(made.folder, settings(modernbert, corpus))


def test_held_out_ids_and_their_copies_never_train(tmp_path: Path, taxonomy: Taxonomy, modernbert: Path) -> None:
    items = [dataclasses.replace(labelled(i, taxonomy), event="") for i in range(12)]
    for i, item in enumerate(items):
        text = " ".join(f"كلمة{(0 if i == 11 else i) * 40 + j}" for j in range(40))  # the last is a copy of the first
        items[i] = dataclasses.replace(item, article=dataclasses.replace(item.article, text=text))
    write_articles(tmp_path / "c.jsonl", items)
    (tmp_path / "ids.txt").write_text("# kept\na0\na3\n", encoding="utf-8")
    config = settings(
        modernbert,
        data={"bundled": False, "extra": [str(tmp_path / "c.jsonl")], "held_out": [str(tmp_path / "ids.txt")]},
    )
    corpus = load_corpus(config)
    assert [item.article.id for item in corpus.held_out] == ["a0", "a3"]
    assert {item.article.id for item in corpus.train} == {f"a{i}" for i in (1, 2, 4, 5, 6, 7, 8, 9, 10)}
    assert any("near-duplicates" in note for note in corpus.notes)


def test_labels_by_pointer_are_used_where_the_texts_are(tmp_path: Path, taxonomy: Taxonomy, modernbert: Path) -> None:
    items = [labelled(i, taxonomy, split="train") for i in range(6)]
    for i, item in enumerate(items):
        text = item.article.text + "\n" + " ".join(f"كلمة{i * 40 + j}" for j in range(40))
        items[i] = dataclasses.replace(item, article=dataclasses.replace(item.article, text=text))
    write_articles(tmp_path / "bare.jsonl", [dataclasses.replace(item, labels={}) for item in items])
    pointers = [{"id": i.article.id, "characters": len(i.article.text), "labels": to_row(i)["labels"]} for i in items]
    pointers[4]["characters"] = 7  # labelled in another version
    pointers[5]["id"] = "elsewhere"
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, pointers)), encoding="utf-8")
    data = {"bundled": False, "extra": [str(tmp_path / "bare.jsonl")], "held_out": []}
    corpus = load_corpus(settings(modernbert, data=data | {"annotations": [str(tmp_path / "labels.jsonl")]}))
    assert [item.labels for item in corpus.train] == [item.labels for item in items[:4]]
    assert any("2 articles without a label" in note for note in corpus.notes)
    with pytest.raises(DataError, match="no_articles"):
        load_corpus(settings(modernbert, data=data | {"annotations": []}))


def test_data_that_names_no_split_is_split(tmp_path: Path, taxonomy: Taxonomy, modernbert: Path) -> None:
    path = corpus_file(tmp_path / "c.jsonl", taxonomy, 40)
    lines = [json.loads(line) | {"split": ""} for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    corpus = load_corpus(settings(modernbert, path))
    assert min(len(corpus.train), len(corpus.dev) * 4, len(corpus.test) * 4) >= 20


def test_mistakes_are_named(tmp_path: Path, taxonomy: Taxonomy, modernbert: Path) -> None:
    data = corpus_file(tmp_path / "c.jsonl", taxonomy)
    with pytest.raises(ConfigError, match="no_encoder"):
        run(settings(tmp_path / "nowhere", data), tmp_path / "out")
    with pytest.raises(DataError, match="source_missing"):
        load_corpus(settings(modernbert, tmp_path / "nothing.jsonl"))
    twice = settings(modernbert, data={"bundled": False, "extra": [str(data), str(data)], "held_out": []})
    with pytest.raises(DataError, match="duplicate_id"):
        load_corpus(twice)
