"""Public sets as taxonomies: reading, figures by hand, the table; one small run from files to the page."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from data.errors import ConfigError, DataError
from models.classifier import Classifier, TopicAnswer
from models.decision import Decision
from tests.conftest import SENTENCES
from train.benchmark import Plan, benchmark, measure_set
from train.benchmark_sets import EVENTS, SETS, figures_of_set, gold_of_set, read_set
from train.benchmark_table import mean_interval, render
from train.evaluate import score

WORDS = {"Favor": "نؤيد", "Against": "نرفض", "None": "نسأل", "Irrelevant": "كلام"}


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")


def tweets(first: int, count: int) -> list[dict[str, Any]]:
    """Tweets whose words give the stance away; ids are the targets' own, so they come twice."""
    rows = []
    for i in range(first, first + count):
        stance, target = ("Favor", "Against", "None")[i % 3], ("Covid Vaccine", "Women empowerment")[i % 2]
        text = f"{WORDS[stance]} {WORDS[stance]} هـذا الأمر رقم {i} #وسم_{i * 7} {SENTENCES[i % 8][:20]} 😅"
        rows.append({"id": str(i // 2), "text": text, "target": target, "stance": stance})
    return rows


def sentences(first: int, count: int) -> list[dict[str, Any]]:
    labels = ("Irrelevant", *EVENTS)
    return [
        {"id": i, "text": f"{labels[i % 5]} الفقرة {i} من القرار {i * 11} ٢٠١١", "label": labels[i % 5]}
        for i in range(first, first + count)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines(tmp_path / "sets" / "mawqif" / "train.jsonl", tweets(0, 90))
    lines(tmp_path / "sets" / "mawqif" / "test.jsonl", tweets(1000, 18))
    lines(tmp_path / "sets" / "un_plover_quad" / "train.jsonl", sentences(0, 90))
    lines(tmp_path / "sets" / "un_plover_quad" / "dev.jsonl", sentences(1000, 20))
    return tmp_path / "sets"


def test_other_targets_are_masked(folder: Path) -> None:
    rows = read_set(folder, "mawqif")
    assert rows.taxonomy.ids == ("covid_vaccine", "women_empowerment")
    assert rows.taxonomy.stances == ("favor", "against", "none")
    assert [len(item.labels) for item in rows.articles] == [1] * 108
    assert len({item.article.id for item in rows.articles}) == 108
    splits = [item.split for item in rows.articles]
    assert splits.count("test") == 18
    assert 2 <= splits.count("dev") <= 20
    assert gold_of_set(rows.articles[:2], rows.taxonomy) == (["favor", "against"], list(rows.taxonomy.ids))


def test_no_event_is_no_topic(folder: Path) -> None:
    rows = read_set(folder, "un_plover_quad")
    assert rows.taxonomy.ids == tuple(event.lower() for event in EVENTS)
    assert [sum(label.relevant for label in item.labels.values()) for item in rows.articles[:6]] == [0, 1, 1, 1, 1, 0]
    assert gold_of_set(rows.articles[:3], rows.taxonomy)[0] == ["Irrelevant", "MatConf", "MatCoop"]


def test_figures_by_hand() -> None:
    gold, guessed = ["favor", "against", "none", "favor"], ["favor", "favor", "none", "favor"]
    # favor: 2 of 2 found, 3 said: 0.8; against: 0; none: 1
    pooled = figures_of_set("arabicstancex", guessed, gold, ["a", "a", "b", "b"])
    assert pooled["F1 of favor and against, all texts at once"] == pytest.approx(0.4)
    assert pooled["macro-F1 of all three, all texts at once"] == pytest.approx(0.6)
    # target a: favor 2/3, against 0, none 0; target b: favor 1, against 0, none 1
    assert pooled["macro-F1 of all three, mean over targets"] == pytest.approx((2 / 9 + 2 / 3) / 2)
    # target a: favor 2/3, against 0; target b: favor 1, against 0 (none there)
    (mawqif,) = figures_of_set("mawqif", guessed, gold, ["a", "a", "b", "b"]).values()
    assert mawqif == pytest.approx(((2 / 3 + 0) / 2 + (1 + 0) / 2) / 2)
    quad = figures_of_set("un_plover_quad", ["Irrelevant", "MatConf"], ["Irrelevant", "VerCoop"], ["", ""])
    assert quad == {"macro-F1": pytest.approx(0.2), "accuracy": 0.5}


def test_mean_and_interval_over_seeds() -> None:
    assert mean_interval([0.5]) == "0.500"
    # sd 0.1, n 3: t 4.303 * 0.1 / sqrt(3) = 0.248
    assert mean_interval([0.4, 0.5, 0.6]) == "0.500 [0.252, 0.748]"


def test_a_line_separator_within_a_text_ends_no_line(folder: Path) -> None:
    rows = [{**row, "text": f"{row['text']}\u2028سطر\x85آخر"} for row in tweets(0, 9)]
    lines(folder / "mawqif" / "test.jsonl", rows)
    assert [item.article.text for item in read_set(folder, "mawqif").articles[-9:]] == [row["text"] for row in rows]


def test_bytes_that_are_not_utf8_are_named(folder: Path) -> None:
    (folder / "mawqif" / "test.jsonl").write_bytes("{}".encode("utf-16"))
    with pytest.raises(DataError, match="bad_line"):
        read_set(folder, "mawqif")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"id": 1, "text": "نص"}, "bad_line"),
        ({"id": 1, "text": "نص", "label": "Other"}, "bad_line"),
        ({"id": 1, "text": None, "label": "MatConf"}, "bad_line"),
        ({"id": 1, "text": "نص", "stance": "Favor"}, "bad_line"),
        ({"id": 1, "text": "نص", "label": "MatConf"}, "bad_line"),  # of another set
        (["نص"], "bad_line"),
    ],
)
def test_mistakes_are_named(row: Any, code: str, folder: Path) -> None:
    lines(folder / "mawqif" / "train.jsonl", [row])
    with pytest.raises(DataError, match=code) as caught:
        read_set(folder, "mawqif")
    assert caught.value.where.endswith("train.jsonl:1")
    with pytest.raises(ConfigError, match="no_benchmark"):
        read_set(folder, "other")
    with pytest.raises(DataError, match="source_missing"):
        read_set(folder, "arabicstancex")


def test_a_page_of_nothing_has_the_published_figures(tmp_path: Path) -> None:
    page = render(tmp_path)
    assert "*MARBERTv2* (published)" in page
    assert "**ours**, encoder" not in page


def test_the_linear_model_alone(folder: Path, tmp_path: Path) -> None:
    for name in ("mawqif", "un_plover_quad"):
        benchmark(folder, name, Plan((), folder=tmp_path / "r", work=tmp_path / "w"), lambda line: None)
        found = json.loads((tmp_path / "r" / name / "tfidf.json").read_text(encoding="utf-8"))["result"]
        assert min(found["figures"].values()) > 0.9  # the words give it away
    assert "| TF-IDF + linear SVM |" in render(tmp_path / "r")


def test_of_several_events_the_likeliest_counts(
    folder: Path, classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = read_set(folder, "un_plover_quad")
    items = rows.articles[:3]  # Irrelevant, MatConf, MatCoop
    contract = dataclasses.replace(classifier.contract, taxonomy=rows.taxonomy)
    (answer,) = score(classifier, items[:1])
    answers = []
    for chances in ((0.1, 0.4, 0.3, 0.2), (0.9, 0.6, 0.1, 0.1), (0.9, 0.95, 0.1, 0.1)):
        decisions = (Decision(p, p >= 0.5, (), None, abstained=False) for p in chances)
        topics = tuple(TopicAnswer(t, d, 0.5, ()) for t, d in zip(rows.taxonomy.ids, decisions, strict=True))
        answers.append(dataclasses.replace(answer, topics=topics))
    monkeypatch.setattr("train.benchmark.score", lambda classifier, articles: answers)
    ours = Classifier(classifier._encoder, classifier._backend, contract)
    assert measure_set("un_plover_quad", ours, items)["accuracy"] == 1.0


@pytest.mark.slow
def test_from_files_to_the_page(folder: Path, tmp_path: Path, modernbert: Path) -> None:
    plan, home = Plan((1,), str(modernbert), (1.0,), tmp_path / "r", tmp_path / "w"), tmp_path / "r" / "mawqif"
    benchmark(folder, "mawqif", plan, lambda line: None)
    (first,) = home.glob("*/seed-1.json")
    result = json.loads(first.read_text(encoding="utf-8"))["result"]
    assert 0 <= result["test"][SETS["mawqif"].figures[0]] <= 1
    before, said = first.stat().st_mtime_ns, list[str]()
    benchmark(folder, "mawqif", dataclasses.replace(plan, seeds=(1, 2)), said.append)
    assert first.stat().st_mtime_ns == before  # what is there is not made again
    assert sum("there already" in line for line in said) == 2
    page = render(tmp_path / "r")
    assert "2 seeds, 1 epochs" in page
    stale = json.loads(first.read_text(encoding="utf-8")) | {"key": "of other weights"}
    first.with_name("seed-2.json").write_text(json.dumps(stale), encoding="utf-8")
    benchmark(folder, "mawqif", plan, lambda line: None)
    assert "1 seed, 1 epochs" in render(tmp_path / "r")  # a mean is over seeds of the same weights and settings
    assert {path.suffix for path in (tmp_path / "r").rglob("*") if path.is_file()} == {".json"}  # figures, no texts
    assert "| TF-IDF + linear SVM |" in page
    other = Path(shutil.copytree(modernbert, tmp_path / "other" / modernbert.name))  # another encoder of that name
    weights = load_file(other / "model.safetensors")
    save_file({name: value + 0.01 for name, value in weights.items()}, other / "model.safetensors", {"format": "pt"})
    benchmark(folder, "mawqif", dataclasses.replace(plan, base=str(other)), lambda line: None)
    assert len(list(home.glob("*/seed-1.json"))) == 2
