"""In and out of Label Studio and spreadsheets: a round trip loses nothing, a wrong mark is named."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from data.__main__ import app
from data.article import Article, Label, LabelledArticle, Voice
from data.articles import read_articles, write_articles
from data.errors import DataError
from data.labelstudio import labelling_config, read_tasks, to_tasks
from data.sentences import split_sentences
from data.sheet import read_sheet, write_sheet
from data.taxonomy import Taxonomy
from tests.conftest import SENTENCES, labelled

TOPICS = Taxonomy.read()
PIECES = [*SENTENCES, 'قال «المبعوث»: "نعم"؛ 🚢 وصلت, السفينة\tأمس.', "[0:3] هكذا تبدأ هذه الجملة.", SENTENCES[0]]


@st.composite
def articles(draw: st.DrawFn) -> LabelledArticle:
    """Sentences that repeat, tabs, quotation marks, a character outside the first plane, labels of every kind."""
    text = draw(st.sampled_from(["\n", " "])).join(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6)))
    spans = st.sampled_from(split_sentences(text))
    labels = {}
    for topic in TOPICS.ids:
        kind = draw(st.sampled_from(["unknown", "no", "yes"]))
        if kind == "no":
            labels[topic] = Label(False)
        elif kind == "yes":
            stance = draw(st.sampled_from([None, *TOPICS.stances]))
            marked = draw(st.lists(spans, max_size=3, unique=True))
            labels[topic] = Label(True, stance, tuple(marked) or None)
    voice = st.builds(Voice, st.just("مجلس الأمن"), st.sampled_from(TOPICS.ids), st.sampled_from(TOPICS.stances), spans)
    return LabelledArticle(
        Article("t1", draw(st.sampled_from(["", "عنوان، «كبير»"])), text),
        labels,
        event="e",
        split=draw(st.sampled_from(["", "dev"])),
        date="2019-04-04",
        voices=tuple(draw(st.lists(voice, max_size=3))),
        notes=draw(st.sampled_from([{}, {"writer": "ملاحظة"}])),
    )


@given(articles())
def test_label_studio_and_back(tmp_path_factory: pytest.TempPathFactory, item: LabelledArticle) -> None:
    path = tmp_path_factory.mktemp("tool") / "tasks.json"
    path.write_text(json.dumps(to_tasks([item])), encoding="utf-8")
    assert read_tasks(path, TOPICS) == [item]


@given(articles())
def test_spreadsheet_and_back(tmp_path_factory: pytest.TempPathFactory, item: LabelledArticle) -> None:
    path = tmp_path_factory.mktemp("tool") / "sheet.csv"
    write_sheet(path, [item], TOPICS)
    assert read_sheet(path, TOPICS) == [item]


def test_what_a_browser_counts_in_utf16_is_understood(tmp_path: Path) -> None:
    item = LabelledArticle(Article("a", "", "🚢🚢 وصلت السفينة. ثم رحلت."), {})
    (task,) = to_tasks([item])
    region = {"start": 5, "end": 18, "text": "وصلت السفينة.", "labels": ["arms_embargo"]}
    result: list[dict[str, Any]] = [
        {"from_name": "arms_embargo_relevant", "type": "choices", "value": {"choices": ["yes"]}},
        {"id": "x", "from_name": "evidence", "type": "labels", "value": region},
    ]
    old = {"was_cancelled": True, "result": []}
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([task | {"annotations": [{"result": result}, old]}]), encoding="utf-8")
    (read,) = read_tasks(path, TOPICS)
    assert read.labels["arms_embargo"] == Label(True, None, ((3, 16),))
    assert item.article.text[3:16] == "وصلت السفينة."
    region["text"] = "غير ذلك"
    path.write_text(json.dumps([task | {"annotations": [{"result": result}]}]), encoding="utf-8")
    with pytest.raises(DataError, match=r"bad_span.*task 1"):
        read_tasks(path, TOPICS)


def test_the_configuration_names_every_topic_and_reads_right_to_left() -> None:
    root = ET.fromstring(labelling_config(TOPICS))
    assert "rtl" in root.attrib["style"]
    names = {node.attrib["name"] for node in root.iter() if "name" in node.attrib}
    assert {f"{topic}_{part}" for topic in TOPICS.ids for part in ("relevant", "stance")} < names
    values = {node.attrib["value"] for node in root.iter("Label")}
    assert set(TOPICS.ids) < values
    assert f"{TOPICS.ids[0]}:against" in values


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("diplomacy", "ربما", "bad_label.*row 1, column diplomacy"),
        ("diplomacy_stance", "maybe", "bad_label.*column diplomacy_stance"),
        ("diplomacy_evidence", "جملة ليست في النص", "bad_span.*column diplomacy_evidence"),
        ("voices", "بلا فواصل", "bad_row.*column voices"),
    ],
)
def test_a_wrong_cell_is_named(column: str, value: str, said: str, tmp_path: Path) -> None:
    cells = {"id": "a", "text": SENTENCES[0], "diplomacy": "نعم", column: value}
    path = tmp_path / "sheet.csv"
    path.write_text(";".join(cells) + "\n" + ";".join(cells.values()) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_sheet(path, TOPICS)


def test_broken_exports_are_named(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    for content, code in (("{", "bad_task"), ("{}", "bad_task"), ('[{"data": {}}]', "bad_task")):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=code):
            read_tasks(path, TOPICS)
    with pytest.raises(DataError, match="source_missing"):
        read_tasks(tmp_path / "nothing.json", TOPICS)


@pytest.mark.parametrize("name", ["tasks.json", "sheet.csv"])
def test_the_commands(name: str, tmp_path: Path, taxonomy: Taxonomy) -> None:
    items = [labelled(i, taxonomy) for i in range(4)]
    write_articles(tmp_path / "in.jsonl", items)
    run = CliRunner().invoke
    assert run(app, ["export", str(tmp_path / "in.jsonl"), str(tmp_path / name)]).exit_code == 0
    assert run(app, ["import", str(tmp_path / name), str(tmp_path / "out.jsonl")]).exit_code == 0
    assert list(read_articles(tmp_path / "out.jsonl", taxonomy)[0].articles) == items
    assert run(app, ["export", str(tmp_path / "in.jsonl"), str(tmp_path / name), "--blind"]).exit_code == 0
    assert "favor" not in (tmp_path / name).read_text(encoding="utf-8").replace("_favor", "").partition("\n")[2]
