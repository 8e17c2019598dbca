import json
from pathlib import Path
from typing import Any

import pytest

from data.article import Label, Voice
from data.articles import read_articles, read_notes, write_articles
from data.errors import DataError
from data.taxonomy import Taxonomy

TEXT = "جملة أولى. جملة ثانية."


def source(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    path = tmp_path / "articles.jsonl"
    path.write_text("\n".join(json.dumps({"text": TEXT, **row}, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def test_a_topic_not_named_is_not_annotated(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = source(
        tmp_path, {"id": "1", "labels": {"diplomacy": {"relevant": True, "stance": "favor", "evidence": [[0, 10]]}}}
    )
    (read,) = read_articles(path, taxonomy)
    assert not read.lists_relevant_only
    assert read.articles[0].labels == {"diplomacy": Label(True, "favor", ((0, 10),))}


def test_null_is_not_annotated(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = source(tmp_path, {"id": "1", "labels": {"diplomacy": None, "arms_embargo": {"relevant": False}}})
    assert read_articles(path, taxonomy)[0].articles[0].labels == {"arms_embargo": Label(False)}


def test_a_file_that_lists_relevant_topics_only_means_no_by_the_rest(tmp_path: Path, taxonomy: Taxonomy) -> None:
    path = source(
        tmp_path,
        {"id": "1", "labels": {"diplomacy": {"stance": "neutral", "evidence": ["جملة ثانية."]}}},
        {"id": "2", "labels": {}},
    )
    (read,) = read_articles(path, taxonomy)
    assert read.lists_relevant_only
    assert read.articles[0].labels["diplomacy"] == Label(True, "neutral", ((11, 22),))
    assert [label.relevant for label in read.articles[1].labels.values()] == [False, False, False]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"id": "1", "labels": {"sports": {"relevant": True}}}, "bad_label"),
        ({"id": "1", "labels": {"diplomacy": {"relevant": True, "stance": "pro"}}}, "bad_label"),
        ({"id": "1", "labels": {"diplomacy": {"relevant": True, "evidence": [[5, 99]]}}}, "bad_span"),
        ({"id": "1", "labels": {"diplomacy": {"relevant": True, "evidence": ["غير موجودة"]}}}, "bad_span"),
        ({"id": "1", "labels": {"diplomacy": {"relevant": True, "evidence": [3]}}}, "bad_span"),
        ({"id": "1", "labels": {"diplomacy": {"relevant": "no"}}}, "bad_label"),
        ({"id": "1", "labels": {"diplomacy": {"relevant": 1}}}, "bad_label"),
        *(
            ({"id": "1", "labels": {"diplomacy": {"relevant": True, "evidence": evidence}}}, "bad_span")
            for evidence in ("جملة", 5, [""], [" "], [[float("inf"), 3]], [[True, 3]], [[1.5, 3]], [[0]])
        ),
        *(
            ({"id": "1", "voices": voices}, "bad_line")
            for voices in (3, ["x"], [{"topic": "diplomacy", "stance": "favor", "sentence": [0, 10]}])
        ),
        ({"id": ["a"]}, "bad_line"),
        ({"id": True}, "bad_line"),
        ({"id": " "}, "bad_line"),
        ({"id": "1", "text": None}, "bad_line"),
        ({"labels": {}}, "bad_line"),
        ({"id": "1", "labels": ["diplomacy"]}, "bad_label"),
    ],
)
def test_mistakes_are_named_with_file_and_line(
    tmp_path: Path, taxonomy: Taxonomy, row: dict[str, Any], code: str
) -> None:
    path = source(tmp_path, {"id": "0"}, row)
    with pytest.raises(DataError) as caught:
        read_articles(path, taxonomy)
    assert caught.value.code == code
    assert caught.value.where.startswith(f"{path}:2")


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "1", "text": "خبر"}'.encode("cp1256"),
        b'{"id": "1", "text": "\\ud83d"}',
        b'{"id": "1", "text": "t", "notes": {"writer": "\\ud83d"}}',
        b'{"id": "1", "text": "t", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'["1", "t"]',
    ],
    ids=["windows-1256", "half a pair", "half a pair in a note", "nested deep", "no object"],
)
def test_a_line_that_is_no_text_is_named(tmp_path: Path, taxonomy: Taxonomy, line: bytes) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "0", "text": "t"}\r\n' + line + b"\n")
    with pytest.raises(DataError) as caught:
        read_articles(path, taxonomy)
    assert (caught.value.code, caught.value.where) == ("bad_line", f"{path}:2")


@pytest.mark.parametrize("again", ["1", 1])
def test_an_id_stands_once(tmp_path: Path, taxonomy: Taxonomy, again: str | int) -> None:
    with pytest.raises(DataError, match="duplicate_id"):
        read_articles(source(tmp_path, {"id": "1"}, {"id": again}), taxonomy)


@pytest.mark.parametrize(
    ("cell", "notes"),
    [
        ('{"writer": "x"}', {"writer": "x"}),
        ("5", {"note": "5"}),
        ('"x"', {"note": '"x"'}),
        ("[1]", {"note": "[1]"}),
        ("بخط اليد", {"note": "بخط اليد"}),
        (r'{"writer": "\ud83d"}', {"note": r'{"writer": "\ud83d"}'}),
        (7, {"note": "7"}),
        (" ", {}),
        (None, {}),
        ({"writer": "x"}, {"writer": "x"}),
    ],
)
def test_notes_are_an_object_or_one_note(cell: object, notes: dict[str, str]) -> None:
    assert read_notes(cell) == notes


def test_what_is_written_is_read_back_equal(tmp_path: Path, taxonomy: Taxonomy) -> None:
    row = {
        "id": "1",
        "title": "عنوان",
        "genre": "report",
        "outlet": "desk",
        "date": "2020-01-01",
        "place": "Libya",
        "event": "e",
        "split": "dev",
        "labels": {"diplomacy": {"relevant": True, "stance": "against"}, "arms_embargo": {"relevant": False}},
        "voices": [{"actor": "فلان", "topic": "diplomacy", "stance": "favor", "sentence": [0, 10]}],
        "notes": {"writer": "note"},
    }
    (first,) = read_articles(source(tmp_path, row), taxonomy)
    write_articles(tmp_path / "again.jsonl", first.articles)
    (again,) = read_articles(tmp_path / "again.jsonl", taxonomy)
    assert again.articles == first.articles
    assert again.articles[0].voices == (Voice("فلان", "diplomacy", "favor", (0, 10)),)
