"""Parts of a table on any storage: what is one, and that none is ever published by half."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.errors import ConfigError, DataError
from serve.parts import fetch, find_parts, is_file, publish, read_mark


@pytest.fixture
def memory() -> Iterator[Any]:
    """fsspec's storage in memory, empty."""
    fsspec = pytest.importorskip("fsspec", reason="the ray extra is not installed")
    storage = fsspec.filesystem("memory")
    storage.store.clear()
    yield storage
    storage.store.clear()


def test_parts_of_another_storage_are_found_fetched_and_published(tmp_path: Path, memory: Any) -> None:
    for name in ("2024/a.csv", "b.parquet", "b.zip", "_wijha/x.csv", ".c.csv", "d.pdf", "out/o.csv"):
        memory.pipe(f"/in/{name}", b"text\n1\n")
    found = find_parts(["memory://in"], "memory://in/out")
    assert [part.name for part in found] == ["2024/a.csv", "b.parquet", "b.zip.csv"]
    assert find_parts(["memory://in/*/*.csv"], "memory://out")[0].name == "2024/a.csv"
    part = found[0]
    assert (part.source, part.target) == ("memory:///in/2024/a.csv", "memory:///in/out/2024/a.csv")
    assert fetch(part, tmp_path).read_bytes() == b"text\n1\n"
    assert read_mark(part) is None
    publish(fetch(part, tmp_path), part, {"n": 1})
    assert (memory.cat("/in/out/2024/a.csv"), read_mark(part)) == (b"text\n1\n", {"n": 1})
    memory.rm("/in/out/2024/a.csv")
    assert read_mark(part) is None
    memory.pipe("/in/2024/a.csv", b"text\n2\n")
    assert find_parts(["memory://in"], "memory://in/out")[0].stamp != part.stamp


def test_a_part_cut_off_while_it_is_published_has_no_name(
    tmp_path: Path, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe("/in/a.csv", b"text\n1\n")
    (part,) = find_parts(["memory://in/a.csv"], "memory://out")

    def cut(local: str, there: str) -> None:
        memory.pipe(there, b"te")
        raise OSError("the line is dead")

    monkeypatch.setattr(type(memory), "put_file", staticmethod(cut))
    with pytest.raises(OSError, match="dead"):
        publish(fetch(part, tmp_path), part, {})
    assert not memory.exists("/out/a.csv")
    assert read_mark(part) is None


def test_mistakes_about_storage_are_said(tmp_path: Path, memory: Any) -> None:
    memory.pipe("/in/a.csv", b"text\n1\n")
    (tmp_path / "a.csv").write_text("text\n1\n")
    for given, target, code in (
        (["memory://none"], "memory://out", "source_missing"),
        (["memory://in"], "memory://in", "same_file"),
        (["memory://in", str(tmp_path / "a.csv")], "memory://out", "bad_storage"),
        (["nosuch://x/a.csv"], "memory://out", "bad_storage"),
    ):
        with pytest.raises((DataError, ConfigError), match=f"^{code}"):
            find_parts(given, target)
    memory.pipe("/in/b.parquet", b"PAR1")
    with pytest.raises(DataError, match="bad_target"):
        find_parts(["memory://in"], "memory://out", excel=True)
    assert is_file("s3://bucket/scored.parquet")
    assert not is_file("s3://bucket/scored")
