"""Tables that nobody should send: each ends in bounded memory, with every row in its place or one clear refusal."""

import copy
import csv
import gzip
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from data.tables import open_table
from models.checkpoint import Checkpoint
from serve.scoring import score_table
from tests.contract.cut_off import Slow

ROOT = Path(__file__).parents[2]
MEGABYTE = 1 << 20
MOST = 100  # megabytes beyond what a table of one row takes
Piece = bytes | tuple[bytes, int]


def measured(folder: Path, source: Path, target: str = "out.csv") -> dict[str, Any]:
    words = [str(folder), str(source), str(source.parent / target)]
    done = subprocess.run([sys.executable, "-m", "tests.contract.measured", *words], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["grown"] < MOST
    return found


def make(path: Path, *pieces: Piece) -> Path:
    """A file of pieces; (piece, count) is repeated."""
    with path.open("wb") as file:
        for piece in pieces:
            body, count = piece if isinstance(piece, tuple) else (piece, 1)
            for _ in range(count):
                file.write(body)
    return path


def rows(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def score(checkpoint: Checkpoint, tmp_path: Path) -> Callable[..., list[dict[str, str]]]:
    def run(source: Path) -> list[dict[str, str]]:
        slow: Any = Slow(checkpoint.contract, pause=0)
        score_table([source], tmp_path / "out.csv", slow, checkpoint=checkpoint)
        return rows(tmp_path / "out.csv")

    return run


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_300_megabytes_of_one_line(tmp_path: Path, checkpoint: Checkpoint, ending: bytes) -> None:
    long = ("نص" * (MEGABYTE // 4)).encode()
    table: list[Piece] = [b"id,text", ending, b"1,", (long, 300), ending, "2,خبر".encode(), ending]
    found = measured(checkpoint.folder, make(tmp_path / "in.csv", *table))
    assert found["summary"]["codes"] == {"article_too_long": 1}
    assert [row["id"] for row in rows(tmp_path / "out.csv")] == ["1", "2"]


@pytest.mark.parametrize("target", ["out.jsonl", "out.parquet"])
def test_300_megabytes_of_one_json_line(tmp_path: Path, checkpoint: Checkpoint, target: str) -> None:
    lines: list[Piece] = [b'{"text": "', (b"a" * MEGABYTE, 300), b'"}\n', b'{"text": "\xd9\x86\xd8\xb5"}\n']
    found = measured(checkpoint.folder, make(tmp_path / "in.jsonl", *lines), target)
    assert (found["summary"]["rows"], found["summary"]["codes"]) == (2, {"article_too_long": 1})


def test_a_header_without_end(tmp_path: Path, checkpoint: Checkpoint) -> None:
    found = measured(checkpoint.folder, make(tmp_path / "in.csv", (b"a" * MEGABYTE, 300)))
    assert found["error"].startswith("no_text_column")
    assert len(found["error"]) < 1000


def test_100_megabytes_of_nothing(tmp_path: Path, checkpoint: Checkpoint) -> None:
    with (tmp_path / "in.csv").open("wb") as file:
        file.truncate(100 * MEGABYTE)
    assert measured(checkpoint.folder, tmp_path / "in.csv")["error"].split(":")[0] in ("no_text_column", "empty_table")


def test_an_unclosed_quote_before_50_megabytes(tmp_path: Path, checkpoint: Checkpoint) -> None:
    line = "2," + "خبر " * 2000 + "\n"
    count = 50 * MEGABYTE // len(line.encode())
    table: list[Piece] = [b'id,text\n1,"', "خبر\n".encode(), (line.encode(), count), '3,"آخر"\n'.encode()]
    found = measured(checkpoint.folder, make(tmp_path / "in.csv", *table))
    assert found["summary"]["rows"] == count + 2
    assert found["summary"]["codes"] == {"bad_row": 1}
    # the same text each time, the last but one and the first apart
    assert found["summary"]["repeated"] == count - 1


def test_long_articles_side_by_side(tmp_path: Path, checkpoint: Checkpoint) -> None:
    """Each shorter than a line may be, and many of them together: 20 of 4 million characters."""
    long = ("خبر " * (MEGABYTE - 10)).encode()
    found = measured(checkpoint.folder, make(tmp_path / "in.csv", b"text\n", (long + b"\n", 20)))
    assert found["summary"]["codes"] == {"article_too_long": 20}


def test_many_tiny_rows(tmp_path: Path, checkpoint: Checkpoint) -> None:
    block = "".join(f"{i},خبر {i % 7}\n" for i in range(1000)).encode()
    source = make(tmp_path / "in.csv", b"id,text\n", (block, 60))
    found = measured(checkpoint.folder, source)
    assert (found["summary"]["rows"], found["summary"]["repeated"]) == (60_000, 60_000 - 7)
    source = make(source, b"id,text\n", (block, 1000))
    assert sum(1 for _ in open_table(source).rows()) == 1_000_000


@pytest.mark.parametrize("name", ["in.csv.gz", "in.jsonl.zst", "in.zip"])
def test_a_bomb_is_refused(tmp_path: Path, checkpoint: Checkpoint, name: str) -> None:
    source, block = tmp_path / name, b"text\n" + b"\n" * (16 * MEGABYTE)
    if name.endswith(".zip"):
        with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("0.csv", block)
            for i in range(1, 100):  # a hundred names for the same bytes
                twin = copy.copy(archive.filelist[0])
                twin.filename = f"{i}.csv"
                archive.filelist.append(twin)
    else:
        pack = gzip.compress(block) if name.endswith(".gz") else zstandard.ZstdCompressor().compress(block)
        make(source, (pack, 100))
    assert source.stat().st_size < 3 * MEGABYTE
    found = measured(checkpoint.folder, source)
    assert found["error"].startswith("unpacks_too_far")
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize("name", ["in.csv.gz", "in.csv.zst", "in.csv.zip", "in.csv"])
def test_a_broken_archive_is_one_refusal(tmp_path: Path, checkpoint: Checkpoint, name: str) -> None:
    lines = b"text\n" + "".join(f"خبر {i * i}\n" for i in range(50_000)).encode()
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress,
        "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
        "zip": lambda body: zipped(tmp_path / "whole", body),
        "csv": lambda _: b"PK\x03\x04" + b"x" * 99,
    }
    whole = packers[name.rsplit(".", 1)[1]](lines)
    half = len(whole) // 2
    broken = whole[:half] + bytes(b ^ 0x55 for b in whole[half : half + 200]) + whole[half + 200 :]
    found = measured(checkpoint.folder, make(tmp_path / name, broken))
    assert found["error"].split(":")[0] in ("bad_archive", "not_a_table")
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "out.csv.work").exists()


def zipped(path: Path, body: bytes) -> bytes:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in.csv", body)
    content = path.read_bytes()
    path.unlink()
    return content


def test_a_broken_parquet_file(tmp_path: Path, checkpoint: Checkpoint) -> None:
    found = measured(checkpoint.folder, make(tmp_path / "in.parquet", b"PAR1", (b"x", 999), b"PAR1"))
    assert found["error"].startswith("not_a_table: a broken Parquet file")


def test_ten_thousand_columns(tmp_path: Path, score: Callable[..., list[dict[str, str]]]) -> None:
    header = [f"c{i}" for i in range(9999)] + ["text"]
    body = "\n".join(",".join([*"x" * 9999, f"خبر {i}"]) for i in range(40))
    source = make(tmp_path / "in.csv", f"{','.join(header)}\n{body}\n1,2\n".encode())
    found = score(source)
    assert [row["error"].split(":")[0] for row in found] == [""] * 40 + ["bad_row"]
    assert len(found[0]) > 10_000


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_more_columns_than_a_spreadsheet_has_are_refused(tmp_path: Path, checkpoint: Checkpoint, name: str) -> None:
    names = ",".join(map(str, range(20_000)))
    lines = "\n".join(json.dumps({str(i): i}) for i in range(20_000))
    source = make(tmp_path / name, (names if name.endswith("csv") else lines).encode())
    assert measured(checkpoint.folder, source)["error"].startswith("too_many_columns: ")


def test_a_header_that_is_one_name_ten_thousand_times(
    tmp_path: Path, score: Callable[..., list[dict[str, str]]]
) -> None:
    source = make(tmp_path / "in.csv", b"text," * 9999 + b"text\n", "خبر,".encode() * 9999 + b"x\n")
    (row,) = score(source)
    assert (row["text"], row["text_10000"], row["error"]) == ("خبر", "x", "")


def test_headers_that_are_numbered_already(tmp_path: Path, score: Callable[..., list[dict[str, str]]]) -> None:
    (row,) = score(make(tmp_path / "in.csv", "text,text_2,text,\nأ,ب,ج,د\n".encode()))
    assert (row["text"], row["text_2"], row["text_3"], row["column_4"]) == ("أ", "ب", "ج", "د")


def test_a_header_alone(tmp_path: Path, score: Callable[..., list[dict[str, str]]]) -> None:
    assert score(make(tmp_path / "in.csv", b"id,text\n")) == []
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").startswith("id,text,")


def test_nothing_at_all(tmp_path: Path, checkpoint: Checkpoint) -> None:
    assert measured(checkpoint.folder, make(tmp_path / "in.csv", b""))["error"].startswith("empty_table")


def test_nuls_among_the_text(tmp_path: Path, score: Callable[..., list[dict[str, str]]]) -> None:
    found = score(make(tmp_path / "in.csv", "id,text\n1,خ\0بر\n\0,\0\0\n3,خبر\n".encode()))
    assert [row["text"] for row in found] == ["خ\0بر", "\0\0", "خبر"]


def test_two_encodings_in_one_file(tmp_path: Path, score: Callable[..., list[dict[str, str]]]) -> None:
    line = "نصّ الخبر، كما هو؛ والثاني؟"
    utf, windows = f"1,{line}\n".encode(), f"2,{line}\n".replace("ّ", "").encode("cp1256")
    for mostly, other in ((utf, windows), (windows, utf)):
        found = score(make(tmp_path / "in.csv", b"id,text\n", (mostly, 20), other, mostly))
        assert [row["error"].split(":")[0] for row in found] == [""] * 20 + ["undecodable", ""]
        assert found[0]["text"].startswith("نص")


def test_half_a_character_of_utf16(tmp_path: Path, score: Callable[..., list[dict[str, str]]]) -> None:
    content = "id,text\n1,خبر\n2,خبر\ud800 آخر\n3,خبر\n".encode("utf-16", "surrogatepass")
    found = score(make(tmp_path / "in.csv", content, b"\x06"))
    assert [row["error"].split(":")[0] for row in found] == ["", "undecodable", "", "undecodable"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path: Path, score: Callable[..., list[dict[str, str]]], ending: str) -> None:
    content = ending.join(["id,text", "1,خبر", f'2,"سطر{ending}وسطر"', "3,آخر"]) + ending
    found = score(make(tmp_path / "in.csv", content.encode()))
    assert [row["text"] for row in found] == ["خبر", f"سطر{ending}وسطر", "آخر"]
