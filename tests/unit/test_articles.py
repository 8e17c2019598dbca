import json
from pathlib import Path
from typing import Any

import pytest

from data.article import Label, Voice
from data.articles import read_articles, write_articles
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


def test_an_id_stands_once(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(DataError, match="duplicate_id"):
        read_articles(source(tmp_path, {"id": "1"}, {"id": "1"}), taxonomy)


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
