"""Running text for pretraining: JSON Lines (plain, .gz, .xz), text files, folders of them, or a hub data set.

Every source yields one document after the other as ``str``; nothing is held in memory but the document read.
"""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from data.errors import DataError

_JSONL = (".jsonl", ".jsonl.gz", ".jsonl.xz")
_TEXT = (".txt", ".txt.gz", ".txt.xz")


def read_documents(source: str | Path) -> Iterator[str]:
    """Yield the documents of ``source``.

    Args:
        source: a file, a folder (all its files, by name), or the id of a data set on the Hugging Face hub.
            JSON Lines carry ``text`` and optionally ``title``; a text file is one document.

    Raises:
        DataError: ``source_missing`` where nothing of that name is found, ``bad_line`` for a broken JSON line.
    """
    path = Path(source)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.name.endswith(_JSONL + _TEXT))
        if not files:
            raise DataError("source_missing", f"no {', '.join(_JSONL + _TEXT)} file in {path}", where=str(path))
        for file in files:
            yield from _read_file(file)
    elif path.is_file():
        yield from _read_file(path)
    else:
        yield from _read_hub(str(source))


def _read_file(path: Path) -> Iterator[str]:
    if not path.name.endswith(_JSONL):
        with _open(path) as file:
            yield file.read()
        return
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                title, text = row.get("title"), row["text"]
            except (ValueError, KeyError, AttributeError) as error:
                raise DataError("bad_line", f"not a document: {error}", where=f"{path}:{number}") from error
            yield f"{title}\n{text}" if title else text


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _read_hub(name: str) -> Iterator[str]:
    from datasets.load import load_dataset  # the training extra; a hub is asked only for what is no local path

    try:
        rows = load_dataset(name, split="train", streaming=True)
    except Exception as error:  # the hub client raises a dozen unrelated types for "not there" and "no network"
        raise DataError(
            "source_missing", f"neither a path nor a data set that could be loaded: {error}", where=name
        ) from error
    for row in rows:
        yield str(row["text"])
