"""Several tables into one, the forms of the output, and what a run says."""

import csv
import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from data.errors import DataError
from data.tables import open_table
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from serve.__main__ import app
from serve.scoring import Options, count_rows, score_table
from tests.conftest import article
from tests.contract.cut_off import Slow

PAGE = """<!DOCTYPE html><html lang="ar"><head><title>موقع</title><script>var a = "نص";</script></head><body>
<nav><a href="/">الرئيسية</a> <a href="/p">سياسة</a></nav><article><h1>{title}</h1><p>{text}</p></article>
<footer>جميع الحقوق محفوظة</footer></body></html>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three tables, no two alike in encoding, separator, names or packing."""
    where = tmp_path / "in"
    (where / "sub").mkdir(parents=True)
    with (where / "b.csv").open("w", encoding="cp1256", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerows([["id", "العنوان", "النص"], ["b1", article(4).title, article(4, 4).text]])
    rows = [{"id": f"a{i}", "text": article(i, 4).text, "title": article(i).title, "date": "2026"} for i in (2, 4)]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (where / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (where / "sub" / "c.tsv").write_bytes(b"\xef\xbb\xbf" + "id\tbody\nc1\tخبر قصير\n".encode())
    return where


def read(path: Path) -> list[dict[str, str]]:
    return [dict(row.values) for row in open_table(path).rows()]


def test_many_tables_become_one(tmp_path: Path, folder: Path, checkpoint: Checkpoint, classifier: Classifier) -> None:
    said: list[str] = []
    summary = score_table([folder], tmp_path / "out.csv", classifier, checkpoint=checkpoint, said=said.append)
    assert said == [
        "a.jsonl.gz: JSON Lines; text column 'text', title 'title'",
        "b.csv: cp1256, separator ;; text column 'النص', title 'العنوان'",
        "sub/c.tsv: utf-8-sig, separator tab; text column 'body', title None",
    ]
    rows = read(tmp_path / "out.csv")
    assert list(rows[0])[:7] == ["id", "text", "title", "date", "العنوان", "النص", "body"]
    assert [(row["id"], row["source"]) for row in rows] == [
        ("a2", "a.jsonl.gz"),
        ("a4", "a.jsonl.gz"),
        ("b1", "b.csv"),
        ("c1", "sub/c.tsv"),
    ]
    ours = [name for name in rows[0] if name.startswith(tuple(checkpoint.contract.taxonomy.ids))]
    assert [rows[1][name] for name in ours] == [rows[2][name] for name in ours]  # one article, two encodings
    assert (summary.rows, summary.repeated) == (4, 1)
    assert sum(count_rows(path) for path in (folder, folder / "b.csv")) == 5


def test_a_column_source_of_the_inputs_stays_its_own(
    tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier
) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("source,text\nوكالة,خبر\n", encoding="utf-8")
    score_table([tmp_path / "?.csv"], tmp_path / "out.jsonl", classifier, checkpoint=checkpoint)
    rows = read(tmp_path / "out.jsonl")
    assert [(row["source"], row["wijha_source"]) for row in rows] == [("وكالة", "a.csv"), ("وكالة", "b.csv")]


def test_the_output_in_the_folder_of_the_input_is_no_input(
    tmp_path: Path, folder: Path, checkpoint: Checkpoint, classifier: Classifier
) -> None:
    for _ in range(2):
        assert score_table([folder], folder / "out.csv", classifier, checkpoint=checkpoint).rows == 4


def test_parquet_has_nested_topics(tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier) -> None:
    rows = [{"id": str(i), "topics": "ours", "text": article(i).text if i else ""} for i in range(3)]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    score_table([tmp_path / "in.jsonl"], tmp_path / "out.parquet", classifier, checkpoint=checkpoint)
    table: Any = pq.read_table(tmp_path / "out.parquet")  # type: ignore[no-untyped-call]
    fields: Any = table.schema
    assert fields.names == ["id", "topics", "text", "wijha_topics", "windows", "tokens", "warnings", "error", "model"]
    assert [str(fields.field(name).type) for name in fields.names[4:]] == [
        "int32", "int32", "list<element: string>", "string", "string"
    ]  # fmt: skip
    assert str(fields.field("wijha_topics").type) == (
        "list<element: struct<id: string, relevant: bool, probability: double, threshold: double, abstained: bool, "
        "stance: string, stance_probability: double, evidence: "
        "list<element: struct<start: int32, end: int32, text: string, share: double>>>>"
    )
    written = table.to_pylist()
    assert (written[0]["error"].split(":")[0], written[0]["wijha_topics"], written[0]["warnings"]) == (
        "empty_text", [], []
    )  # fmt: skip
    for row in written[1:]:
        assert row["error"] is None
        assert row["tokens"] > 10
        for topic in row["wijha_topics"]:
            assert topic["relevant"] is (topic["probability"] >= topic["threshold"])
            assert (topic["stance"] is None) == (not topic["relevant"])
            for shown in topic["evidence"]:
                assert row["text"][shown["start"] : shown["end"]] == shown["text"]


def test_every_form_says_the_same(tmp_path: Path, folder: Path, checkpoint: Checkpoint, classifier: Classifier) -> None:
    found = []
    for name in ("out.csv", "out.tsv.gz", "out.jsonl.zst", "out.csv.zip"):
        score_table([folder], tmp_path / name, classifier, checkpoint=checkpoint)
        found.append(read(tmp_path / name))
    assert found[0] == found[1] == found[2] == found[3]


def test_a_zip_holds_the_table_under_its_own_name(tmp_path: Path, folder: Path, checkpoint: Checkpoint) -> None:
    slow: Any = Slow(checkpoint.contract)
    target = tmp_path / "out.csv.zip"
    score_table([folder], target, slow, checkpoint=checkpoint)
    assert zipfile.ZipFile(target).namelist() == ["out.csv"]


@pytest.mark.parametrize(
    ("name", "excel", "words"),
    [("out.xlsx", False, "none of .csv"), ("out", False, "none of .csv"), ("out.jsonl", True, "for a spreadsheet")],
)
def test_a_form_that_is_none_of_ours_is_refused(
    tmp_path: Path, folder: Path, checkpoint: Checkpoint, classifier: Classifier, name: str, excel: bool, words: str
) -> None:
    with pytest.raises(DataError, match=f"bad_target: .*{words}"):
        score_table([folder], tmp_path / name, classifier, checkpoint=checkpoint, options=Options(excel=excel))
    assert not list(tmp_path.glob("out*"))


def test_pages_and_other_languages_are_flagged(tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier) -> None:
    body = "</p><p>".join(article(i, 6).text for i in range(3))
    rows = [
        {"html": PAGE.format(title="خبر", text=body)},
        {"html": "The ministers met in Geneva on Tuesday to discuss the arms embargo on Libya and its enforcement."},
        {"html": article(1, 9).text},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    summary = score_table([tmp_path / "in.jsonl"], tmp_path / "out.jsonl", classifier, checkpoint=checkpoint)
    found = read(tmp_path / "out.jsonl")
    assert [row["warnings"].split() for row in found[:2]] == [["html_extracted"], ["not_arabic"]]
    assert "html_extracted" not in found[2]["warnings"]
    assert found[0]["html"] == rows[0]["html"]
    evidence = "".join(row for name, row in found[0].items() if name.endswith("_evidence"))
    assert "سياسة" not in evidence
    assert "<p>" not in evidence
    assert summary.warnings["html_extracted"] == summary.warnings["not_arabic"] == 1


def test_a_text_over_the_limit_is_an_error_in_its_row(
    tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier
) -> None:
    (tmp_path / "in.csv").write_text("title,text\n12345,67890\n12345,678901\n", encoding="utf-8")
    options = Options(max_characters=10)
    score_table([tmp_path / "in.csv"], tmp_path / "out.csv", classifier, checkpoint=checkpoint, options=options)
    rows = read(tmp_path / "out.csv")
    assert [row["error"] for row in rows] == ["", "article_too_long: 11 characters where 10 are allowed [text]"]
    assert rows[1]["text"] == "678901"


@pytest.mark.parametrize("apart", [1, 31, 33, 70, 3000])
def test_a_text_is_scored_once_however_far_apart(tmp_path: Path, checkpoint: Checkpoint, apart: int) -> None:
    lines = [json.dumps({"id": i, "text": f"خبر {i % apart}"}) for i in range(2 * apart + 5)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    slow: Any = Slow(checkpoint.contract, pause=0.0001)
    summary = score_table([tmp_path / "in.jsonl"], tmp_path / "out.jsonl", slow, checkpoint=checkpoint)
    assert slow.asked == apart
    assert (summary.rows, summary.repeated) == (2 * apart + 5, apart + 5)
    rows = read(tmp_path / "out.jsonl")
    assert [row["id"] for row in rows] == [str(i) for i in range(2 * apart + 5)]
    answers = [[cell for name, cell in row.items() if name not in ("id", "text")] for row in rows]
    assert all(answers[i] == answers[i % apart] for i in range(len(rows)))


def test_the_order_of_rows_changes_no_answer(tmp_path: Path, checkpoint: Checkpoint, classifier: Classifier) -> None:
    lines = [json.dumps({"id": i, "text": article(i, 1 + i % 17).text}) for i in range(120)]
    for name, order in (("one", lines), ("two", lines[::-1])):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(order), encoding="utf-8")
        score_table([tmp_path / f"{name}.jsonl"], tmp_path / f"{name}.csv", classifier, checkpoint=checkpoint)
    assert read(tmp_path / "one.csv") == read(tmp_path / "two.csv")[::-1]


def test_the_command_says_what_it_found(tmp_path: Path, folder: Path, checkpoint: Checkpoint) -> None:
    words = ["score", str(folder / "*.csv"), str(folder / "a.jsonl.gz"), str(tmp_path / "out.parquet")]
    options = ["--checkpoint", str(checkpoint.folder), "--summary", str(tmp_path / "s.json")]
    result = CliRunner().invoke(app, [*words, *options])
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    assert (found["rows"], found["repeated"], found["errors"], found["skipped"]) == (3, 1, 0, 0)
    assert set(found["abstained"]) == set(checkpoint.contract.taxonomy.ids)
    table: Any = pq.read_table(tmp_path / "out.parquet")  # type: ignore[no-untyped-call]
    topics = [topic for row in table.to_pylist() for topic in row["topics"] if topic["relevant"]]
    assert sum(count for stances in found["topics"].values() for count in stances.values()) == len(topics)
    assert "3 rows in" in result.output
    assert all(f"  {topic}: " in result.output for topic in checkpoint.contract.taxonomy.ids)


def test_one_path_is_not_enough() -> None:
    result = CliRunner().invoke(app, ["score", "in.csv"])
    assert getattr(result.exception, "code", "") == "bad_arguments"


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_summary_that_can_not_be_written_is_said_before_the_work(tmp_path: Path, folder: Path, engine: str) -> None:
    words = ["score", str(folder), str(tmp_path / "out.csv"), "--engine", engine, "--checkpoint", str(tmp_path)]
    with pytest.raises(DataError, match="bad_target") as caught:
        CliRunner().invoke(app, [*words, "--summary", str(tmp_path / "no" / "s.json")], catch_exceptions=False)
    assert caught.value.where.endswith("s.json")
