from pathlib import Path

import pytest

from data.errors import DataError
from data.tables import TEXT_COLUMNS, Writer, open_table

ROWS = [["1", "عنوان؛ أول", 'نصّ فيه «اقتباس» و"علامة"\nوسطر ثانٍ'], ["2", "ثانٍ", "نص, بفاصلة; وأخرى"]]


def write(path: Path, separator: str, encoding: str, newline: str = "\r\n") -> Path:
    import csv
    import io

    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=newline)
    writer.writerows([["id", "العنوان", "النص"], *ROWS])
    path.write_bytes(out.getvalue().encode(encoding))
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "seen"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp1256", "cp1256"), ("utf-16", "utf-16")]
)
def test_reads_what_spreadsheets_write(tmp_path: Path, separator: str, encoding: str, seen: str) -> None:
    table = open_table(write(tmp_path / "a.csv", separator, encoding))
    assert (table.encoding, table.separator) == (seen, separator)
    assert table.columns == ("id", "العنوان", "النص")
    assert [list(row.values.values()) for row in table.rows()] == ROWS
    assert table.column(None, TEXT_COLUMNS, what="text") == "النص"


def test_a_bad_row_keeps_its_place_and_its_words(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,text\n1,نص\n2\n3,أ,ب,ج\n4,".encode() + b"\xff\xfe\n" + "5,آخر\n".encode())
    rows = list(open_table(path).rows())
    assert [row.number for row in rows] == [1, 2, 3, 4, 5]
    assert [row.error.split(":")[0] for row in rows] == ["", "bad_row", "bad_row", "undecodable", ""]
    assert rows[2].values == {"id": "3", "text": "أ,ب,ج"}
    assert rows[3].values["text"] == "\ufffd\ufffd"
    assert rows[4].values["text"] == "آخر"


def test_names_that_stand_twice_or_nowhere_get_one(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,text,\nأ,ب,ج\n", encoding="utf-8")
    table = open_table(path)
    assert table.columns == ("text", "text_2", "column_3")
    assert next(table.rows()).values == {"text": "أ", "text_2": "ب", "column_3": "ج"}


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1, "text": "نص", "tags": ["أ"]}\nnot json\n[1]\n{"text": null}\n', encoding="utf-8")
    rows = list(open_table(path).rows())
    assert [row.error.split(":")[0] for row in rows] == ["", "bad_row", "bad_row", ""]
    assert rows[0].values == {"id": "1", "text": "نص", "tags": '["أ"]'}
    assert rows[3].values == {"id": "", "text": "", "tags": ""}


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty_table"), (b"  \n", "empty_table"), (b"PK\x03\x04xlsx", "not_a_table")]
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_table(path)
    assert caught.value.code == code
    assert caught.value.where == str(path)


def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    table = open_table(write(tmp_path / "a.csv", ",", "utf-8"))
    with pytest.raises(DataError, match=r"no_such_column.*العنوان"):
        table.column("body", TEXT_COLUMNS, what="text")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="source_missing"):
        open_table(tmp_path / "no.csv")


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.jsonl"])
def test_written_rows_are_read_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with Writer(path, ["id", "text"], excel=name == "out.csv") as writer:
        for row in ROWS:
            writer.write({"id": row[0], "text": row[2]})
        writer.write({"id": "3"})
    rows = [dict(row.values) for row in open_table(path).rows()]
    assert rows == [{"id": r[0], "text": r[2]} for r in ROWS] + [{"id": "3", "text": ""}]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf") == (name == "out.csv")
