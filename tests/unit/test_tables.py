from pathlib import Path

import pytest

from data import csv_rows, encodings
from data.errors import DataError
from data.tables import TEXT_COLUMNS, TITLE_COLUMNS, Row, open_table
from data.writers import Writer

ROWS = [["1", "عنوان؛ أول", 'نصّ فيه «اقتباس» و"علامة"\nوسطر ثانٍ'], ["2", "ثانٍ", "نص, بفاصلة; وأخرى"]]


def read(path: Path, content: str | bytes) -> tuple[tuple[str, ...], list[Row]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    table = open_table(path)
    return table.columns, list(table.rows())


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
    ("content", "code"),
    [
        (b"", "empty_table"),
        (b"  \n", "empty_table"),
        (b"\xef\xbb\xbf", "empty_table"),
        (b"\xff\xfe", "empty_table"),
        (b"sep=;\n", "empty_table"),
        (b"PK\x03\x04xlsx", "not_a_table"),
    ],
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


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        # up to the end of the file; up to the next quote; a last line without a line end
        (['1,"abc', "2,def", "3,ghi", ""], ["1:abc!", "2:def", "3:ghi"]),
        (['1,"abc', "2,def", '3,"g', 'hi"', ""], ["1:abc!", "2:def", "3:g\nhi"]),
        (["1,abc", '2,"def'], ["1:abc", "2:def!"]),
        # a line break within quotes, and words behind a closing quote, are no mistakes
        (['1,"a', "", 'b"', '2,"he" said', '3,a "b" c', ""], ["1:a\n\nb", "2:he said", '3:a "b" c']),
    ],
)
def test_an_unclosed_quote_swallows_no_row(tmp_path: Path, lines: list[str], wanted: list[str]) -> None:
    _, rows = read(tmp_path / "a.csv", "id,text\n" + "\n".join(lines))
    assert [f"{row.values['id']}:{row.values['text']}{'!' if row.error else ''}" for row in rows] == wanted
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert {row.error for row in rows} <= {"", "bad_row: a quote is opened and never closed"}


def test_an_unclosed_quote_is_not_read_to_the_end_of_a_long_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_rows, "_RECORD", 40)
    content = 'id,text\n1,"abc\n' + "".join(f"{i},def\n" for i in range(2, 40)) + '40,"ghi"\n'
    _, rows = read(tmp_path / "a.csv", content)
    assert [row.values["id"] for row in rows] == [str(i) for i in range(1, 41)]
    assert [row.number for row in rows if row.error] == [1]


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        ('id,"full\ntext"\n', ("id", "full\ntext")),
        ('id,size 5",text\n', ("id", 'size 5"', "text")),
        ('id,"text\n', ("id", "text")),
        ("   \n\nid,text\n", ("id", "text")),
        ("id," + "a" * 140_000 + "\n", ("id", "a" * 140_000)),
        ("id,نصّ المقال".encode() + b"\xff\n", ("id", "نصّ المقال\ufffd")),
    ],
)
def test_odd_headers(tmp_path: Path, head: str | bytes, columns: tuple[str, ...]) -> None:
    head = head.encode() if isinstance(head, str) else head
    seen, rows = read(tmp_path / "a.csv", head + b"1,abc\n2,def\n")
    assert seen == columns
    assert [list(row.values.values())[:2] for row in rows] == [["1", "abc"], ["2", "def"]]


def test_names_that_can_not_be_encoded_are_made_readable(tmp_path: Path) -> None:
    columns, (row,) = read(tmp_path / "a.jsonl", r'{"text": "نص", "\ud800": "x"}')
    assert columns == ("text", "\ufffd")
    with Writer(tmp_path / "out.csv", columns) as writer:
        writer.write(row.values)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "text,\ufffd\nنص,x\n"


def test_json_keys_that_come_late_are_columns_too(tmp_path: Path) -> None:
    content = "[" * 100_000 + '\n{"id": 1}\n{"text": "نص"}\n{"text": "نص", "title": "ع", "note": "keep me"}\n'
    columns, rows = read(tmp_path / "a.jsonl", content)
    assert columns == ("id", "text", "title", "note")
    assert [list(row.values.values()) for row in rows] == [
        ["", "", "", ""],
        ["1", "", "", ""],
        ["", "نص", "", ""],
        ["", "نص", "ع", "keep me"],
    ]
    assert [row.error.split(":")[0] for row in rows] == ["bad_row", "", "", ""]


@pytest.mark.parametrize(
    ("name", "content", "columns", "separator"),
    [
        ("a.tsv", "id\ttext (ar, en)\n", ("id", "text (ar, en)"), "\t"),
        ("a.csv", "id\ttext (ar, en)\n1\tabc\n", ("id", "text (ar, en)"), "\t"),
        ("a.csv", "sep=;\r\nid;a, b, c\r\n1;x\r\n", ("id", "a, b, c"), ";"),
        ("a.csv", '"sep=|"\nid|text\n', ("id", "text"), "|"),
        ("a.csv", "id,sub | title,text\n1,a,b\n", ("id", "sub | title", "text"), ","),
    ],
)
def test_the_separator_is_the_one_that_cuts_the_rows_alike(
    tmp_path: Path, name: str, content: str, columns: tuple[str, ...], separator: str
) -> None:
    seen, rows = read(tmp_path / name, content)
    assert (seen, open_table(tmp_path / name).separator) == (columns, separator)
    assert not any(row.error for row in rows)
    assert all(row.values[columns[0]] == "1" for row in rows)


def test_blank_rows_of_a_single_column_keep_their_place(tmp_path: Path) -> None:
    _, rows = read(tmp_path / "a.csv", "text\nأ\n\n\nب\n\n")
    assert [(row.number, row.values["text"]) for row in rows] == [(1, "أ"), (2, ""), (3, ""), (4, "ب")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(tmp_path: Path, encoding: str) -> None:
    table = open_table(write(tmp_path / "a.csv", "\t", encoding))
    assert table.encoding == encoding
    assert [list(row.values.values()) for row in table.rows()] == ROWS


def test_a_nul_or_two_do_not_make_utf16(tmp_path: Path) -> None:
    _, (row,) = read(tmp_path / "a.csv", "id,text\n1,a\0b\0\0\n")
    assert row.values["text"] == "a\0b\0\0"


@pytest.mark.parametrize("encoding", ["cp1256", "utf-8"])
@pytest.mark.parametrize("before", [63, 64, 65, 3 << 20])
def test_the_encoding_is_told_by_the_first_arabic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, before: int
) -> None:
    monkeypatch.setattr(encodings, "_PIECE", 64)
    content = ("text\n" + "a" * (before - 6) + "\n" + "نص عربي\n").encode(encoding)
    _, rows = read(tmp_path / "a.csv", content)
    assert (rows[-1].values["text"], rows[-1].error) == ("نص عربي", "")


def test_a_column_is_not_found_twice(tmp_path: Path) -> None:
    read(tmp_path / "a.csv", "title,headline\n")
    table = open_table(tmp_path / "a.csv")
    assert table.column(None, TITLE_COLUMNS, what="title") == "title"
    assert table.column(None, TITLE_COLUMNS, what="title", taken="title") == "headline"


@pytest.mark.parametrize("excel", [True, False])
def test_for_a_spreadsheet_no_cell_is_a_formula(tmp_path: Path, excel: bool) -> None:
    risky = ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠a"]
    cells = dict(zip([f"={i}" for i in range(13)], [*risky, "a=1", ""], strict=True))
    with Writer(tmp_path / "out.csv", [*cells], excel=excel) as writer:
        writer.write(cells)
    columns, (row,) = read(tmp_path / "out.csv", (tmp_path / "out.csv").read_bytes())
    mark = "'" if excel else ""
    assert columns[0] == f"{mark}=0"
    assert list(row.values.values()) == [*(f"{mark}{cell}" for cell in risky), "a=1", ""]
