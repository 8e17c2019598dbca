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
    text = draw(st.sampled_from(["\n", "\r\n", " "])).join(
        draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
    )
    # a person marks from anywhere to anywhere, also across a line break
    anywhere = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(lambda s: (min(s), max(s)))
    spans = st.sampled_from(split_sentences(text)) | anywhere.filter(lambda span: span[0] < span[1])
    labels = {}
    for topic in TOPICS.ids:
        kind = draw(st.sampled_from(["unknown", "no", "yes"]))
        if kind == "no":
            labels[topic] = Label(False, None, draw(st.sampled_from([None, ((0, 3),)])))
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


def task(**data: Any) -> dict[str, Any]:
    return {"data": {"id": "a", "text": "سطر أول\nسطر ثان.", **data}}


def marked(topic: str, start: int, end: int, text: str) -> dict[str, Any]:
    return {
        "id": "x",
        "from_name": "evidence",
        "type": "labels",
        "value": {"start": start, "end": end, "text": text, "labels": [topic]},
    }


def chosen(name: str, choice: str) -> dict[str, Any]:
    return {"from_name": name, "type": "choices", "value": {"choices": [choice]}}


def test_an_escaped_line_break_and_a_byte_order_mark_are_understood(tmp_path: Path) -> None:
    result = [chosen("diplomacy_relevant", "yes"), marked("diplomacy", 4, 11, r"أول\nسطر")]
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([task() | {"annotations": [{"result": result}]}]), encoding="utf-8-sig")
    assert read_tasks(path, TOPICS)[0].labels == {"diplomacy": Label(True, None, ((4, 11),))}


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ([marked("diplomacy", 0, 3, "سطر")], "neither yes nor no.*task 1: diplomacy"),
        ([chosen("diplomacy_stance", "favor")], "neither yes nor no.*task 1: diplomacy"),
        ([chosen("diplomacy_relevant", "maybe")], "'maybe' is neither yes nor no.*task 1: diplomacy"),
        ([marked("sports", 0, 3, "سطر")], "sports.*task 1"),
    ],
)
def test_marks_without_an_answer_are_not_dropped(result: list[dict[str, Any]], said: str, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([task() | {"annotations": [{"result": result}]}]), encoding="utf-8")
    with pytest.raises(DataError, match=f"bad_label.*{said}"):
        read_tasks(path, TOPICS)


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([task(), task()], "duplicate_id.*task 2"),
        ([task(id=1), task(id="1")], "duplicate_id.*task 2"),
        *(([task(id=name)], "bad_task.*task 1") for name in ("", None, ["a"])),
        *(([task(text=text)], "bad_task.*task 1") for text in (None, 5, "\ud83d")),
    ],
)
def test_tasks_without_id_or_text_are_named(tasks: list[dict[str, Any]], said: str, tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_tasks(path, TOPICS)


@pytest.mark.parametrize(("ids", "said"), [(["a", "a"], "duplicate_id.*row 2"), (["a", ""], "bad_row.*row 2")])
def test_rows_without_an_id_of_their_own_are_named(ids: list[str], said: str, tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("id,text\n" + "".join(f"{name},خبر\n" for name in ids), encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_sheet(path, TOPICS)


@pytest.mark.parametrize("name", ["sheet.csv", "tasks.json"])
@pytest.mark.parametrize("notes", ["5", '"x"', "[1]"])
def test_any_note_can_be_imported(name: str, notes: str, tmp_path: Path, taxonomy: Taxonomy) -> None:
    content = f"id;text;notes\na;خبر;{notes}\n" if name == "sheet.csv" else json.dumps([task(notes=notes)])
    (tmp_path / name).write_text(content, encoding="utf-8")
    done = CliRunner().invoke(app, ["import", str(tmp_path / name), str(tmp_path / "out.jsonl")])
    assert done.exit_code == 0, done.exception
    note = read_articles(tmp_path / "out.jsonl", taxonomy)[0].articles[0].notes["note"]
    assert note.strip('"') == notes.strip('"')  # a CSV reader takes the quotation marks for its own


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
        ("diplomacy_evidence", "[5:999]", "bad_span.*column diplomacy_evidence"),
        ("arms_embargo_evidence", "[0:5]", "bad_label.*column arms_embargo"),
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
