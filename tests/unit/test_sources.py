import gzip
import zipfile
from pathlib import Path

import pytest
import zstandard

from data.errors import DataError
from data.sources import Source, digest, find_sources, kind_of
from data.tables import open_table

TABLE = "id,text\n1,نصّ «الخبر»\n".encode()


def names(found: list[Source], base: Path) -> list[str]:
    return [source.where.removeprefix(f"{base}/") for source in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "b.csv",
        "a.tsv.gz",
        "sub/c.jsonl",
        "sub/deep/ش.parquet",
        "notes.txt",
        "image.png",
        "x.csv.work/p.csv",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for name in ("two.csv", "one.csv", "readme.md", "__MACOSX/._one.csv"):
            archive.writestr(name, TABLE)
    return tmp_path


def test_a_folder_is_all_its_tables_by_path(folder: Path) -> None:
    wanted = ["a.tsv.gz", "b.csv", "sub/c.jsonl", "sub/deep/ش.parquet", "z.zip/one.csv", "z.zip/two.csv"]
    assert names(find_sources([folder]), folder) == wanted
    assert names(find_sources([folder / "sub", folder]), folder) == wanted
    assert names(find_sources([folder], but=folder / "b.csv"), folder) == [w for w in wanted if w != "b.csv"]


def test_a_glob_and_a_file(folder: Path) -> None:
    found = find_sources([folder / "**" / "*.jsonl", folder / "notes.txt", folder / "b.*"])
    assert names(found, folder) == ["b.csv", "notes.txt", "sub/c.jsonl"]
    odd = folder / "a[1].csv"
    odd.write_bytes(TABLE)
    assert find_sources([odd]) == [Source(odd)]


def test_what_a_run_left_unfinished_is_read_only_where_it_is_named(folder: Path) -> None:
    assert "x.csv.work/p.csv" not in names(find_sources([folder / "**" / "[a-p].csv"]), folder)
    assert names(find_sources([folder / "x.csv.work" / "*.csv"]), folder) == ["x.csv.work/p.csv"]
    assert names(find_sources([folder / "x.csv.work"]), folder) == ["x.csv.work/p.csv"]


@pytest.mark.parametrize("given", ["none.csv", "*.xml", "empty"])
def test_what_names_nothing_is_refused(folder: Path, given: str) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="source_missing"):
        find_sources([folder, folder / given])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"),
        ("A.CSV.GZ", "csv"),
        ("a.tab.zst", "tsv"),
        ("a.ndjson.zip", "jsonl"),
        ("a.b.parquet", "parquet"),
        ("a.gz", None),
        ("a.xlsx", None),
        ("csv", None),
    ],
)
def test_the_kind_is_said_by_the_name(name: str, kind: str | None) -> None:
    assert kind_of(Path(name)) == kind


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zst", "a.zip", "misnamed.csv"])
def test_packed_tables_read_alike(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.csv", TABLE)
    else:
        packed = zstandard.ZstdCompressor().compress(TABLE) if name.endswith("zst") else gzip.compress(TABLE)
        path.write_bytes(TABLE if name == "a.csv" else packed)
    table = open_table(path)
    read: list[int] = []
    (row,) = table.rows(read.append)
    assert (table.kind, table.columns, row.values["text"]) == ("csv", ("id", "text"), "نصّ «الخبر»")
    assert sum(read) >= path.stat().st_size / 2
    assert len(digest(path)) == 32


def test_of_two_tables_one_is_not_chosen(folder: Path) -> None:
    with pytest.raises(DataError, match="several_tables"):
        open_table(folder / "z.zip")


def test_a_zip_of_very_many_tables_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.sources._TABLES", 2)
    assert len(find_sources([folder / "z.zip"])) == 2
    with zipfile.ZipFile(folder / "z.zip", "a") as archive:
        archive.writestr("three.csv", TABLE)
    with pytest.raises(DataError, match="too_many_tables: 3 tables") as caught:
        find_sources([folder])
    assert caught.value.where.endswith("z.zip")


def test_a_password_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", TABLE)
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="bad_archive"):
        open_table(path)


def test_a_broken_archive_is_said_whatever_it_is_packed_with(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.csv", TABLE * 9999)
    content = bytearray(path.read_bytes())
    content[60:110] = bytes(byte ^ 0x5A for byte in content[60:110])
    path.write_bytes(content)
    with pytest.raises(DataError, match="bad_archive"):
        open_table(path)
