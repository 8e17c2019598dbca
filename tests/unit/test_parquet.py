import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.tables import open_table
from data.writers import Writer


def write(path: Path, columns: dict[str, Any]) -> None:
    pq.write_table(pa.table(columns), path)  # type: ignore[no-untyped-call,attr-defined]


def test_cells_are_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    day = datetime.date(2026, 11, 26)
    words: Any = pa.array(["نصّ", None]).dictionary_encode()  # type: ignore[attr-defined]
    columns = {"id": [7, None], "text": words, "day": [day, None], "live": [True, False], "tags": [["أ"], None]}
    write(path, {**columns, "share": [0.5, 1.0]})
    table = open_table(path)
    assert (table.kind, table.encoding, table.separator) == ("parquet", "utf-8", "")
    assert [list(row.values.values()) for row in table.rows()] == [
        ["7", "نصّ", "2026-11-26", "true", '["أ"]', "0.5"],
        ["", "", "", "false", "", "1.0"],
    ]


def test_a_string_that_is_not_utf8_is_an_error_in_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    raw: Any = pa.array(["نص".encode(), b"\xff\xfe", "آخر".encode()])  # type: ignore[attr-defined]
    write(path, {"text": raw.view(pa.string())})  # type: ignore[attr-defined]
    rows = list(open_table(path).rows())
    assert [row.error.split(":")[0] for row in rows] == ["", "undecodable", ""]
    assert [row.values["text"] for row in rows] == ["نص", "\ufffd\ufffd", "آخر"]


def test_what_python_has_no_value_for_is_text_or_an_error_in_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    far: Any = pa.array([20_000, 10_000_000], pa.int32()).cast(pa.date32())  # type: ignore[attr-defined]
    broken: Any = pa.array([b"\xd8", "نصّ".encode()]).view(pa.string())  # type: ignore[attr-defined]
    lists: Any = pa.ListArray.from_arrays([0, 1, 2], broken)  # type: ignore[attr-defined]
    lost: Any = pa.array([1_700_000_000, None], pa.timestamp("s", tz="Nowhere/Land"))  # type: ignore[attr-defined]
    write(path, {"text": ["أ", "ب"], "day": far, "tags": lists, "at": lost.cast(pa.timestamp("ms", tz="Nowhere/Land"))})  # type: ignore[attr-defined]
    one, two = open_table(path).rows()
    assert [one.values["at"], two.values["at"]] == ["1700000000000", ""]
    assert [one.values["day"], two.values["day"]] == ["2024-10-04", "29349-01-26"]
    assert [one.error.split(":")[0], two.error] == ["undecodable", ""]
    assert [one.values["tags"], two.values["tags"]] == ["\ufffd", '["نصّ"]']


def test_a_packed_one_and_how_far_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet.gz"
    with Writer(path, ["id", "text"]) as writer:
        for i in range(1000):
            writer.write({"id": str(i), "text": f"خبر\ud800 {i}"})
    read: list[int] = []
    rows = list(open_table(path).rows(read.append))
    assert [row.values["text"] for row in rows] == [f"خبر\ufffd {i}" for i in range(1000)]
    assert sum(read) == path.stat().st_size
    assert len(read) > 5


def test_row_groups_are_of_a_fixed_size(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with Writer(path, ["text"]) as writer:
        for i in range(2500):
            writer.write({"text": "x" * (5_000_000 if i in (3, 4) else 1)})
    found: Any = pq.ParquetFile(path)  # type: ignore[no-untyped-call]
    assert [found.metadata.row_group(i).num_rows for i in range(found.num_row_groups)] == [5, 1024, 1024, 447]
    again = tmp_path / "b.parquet"
    with Writer(again, ["text"]) as writer:
        for row in open_table(path).rows():
            writer.write(row.values)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.zst", "a.tsv.zip", "a.parquet", "a.parquet.zip"])
def test_the_same_rows_are_the_same_bytes(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    for turn in (1, 2):
        monkeypatch.setattr("time.time", lambda turn=turn: 1e9 * turn)
        with Writer(tmp_path / name, ["text"]) as writer:
            writer.write({"text": "خبر"})
        written.append((tmp_path / name).read_bytes())
        assert [row.values["text"] for row in open_table(tmp_path / name).rows()] == ["خبر"]
    assert written[0] == written[1]
