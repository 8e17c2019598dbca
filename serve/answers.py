"""The answers of a run, by what was asked: a repeated text is scored once, and a run that was cut off goes on.

SQLite, held by one process at a time. A commit survives ``kill -9``. A power cut can take back the last few commits
(the log is forced to the disk each few megabytes), but never part of one: what is missing is scored again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from data.errors import DataError
from serve.rows import Record

Key = bytes


class StoreError(OSError):
    """The store can't be read or written: a full disk, most often."""


class Answers:
    """Records by key, on disk.

    Args:
        path: of the SQLite file; made where it is not there.

    Raises:
        DataError: ``busy`` where another process, or another run in this one, holds it.
        StoreError: what the system says.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
            # the lock is taken here and kept until the file is closed, or the process is gone
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS answers(key BLOB PRIMARY KEY, value BLOB, first INTEGER) WITHOUT ROWID"
            )
        except sqlite3.Error as error:
            if "locked" in str(error):
                raise DataError("busy", "another run is writing this output", where=str(path.parent)) from error
            raise self._failure(error) from error

    def get(self, keys: Sequence[Key]) -> dict[Key, tuple[Record, int]]:
        """The records that are there, each with the place of the row it was scored for."""
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, value, first FROM answers WHERE key IN ({marks})"  # noqa: S608 - question marks only
        try:
            return {key: (json.loads(value), first) for key, value, first in self._db.execute(query, keys)}
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def put(self, rows: Iterable[tuple[Key, Record, int]]) -> None:
        """Keep records, all of them or none: key, record, place of the row."""
        values = [(key, _packed(record), first) for key, record, first in rows]
        try:
            with self._db:
                self._db.execute("BEGIN")
                self._db.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", values)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def clear(self) -> None:
        """Forget all of them."""
        try:
            self._db.execute("DELETE FROM answers")
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def __len__(self) -> int:
        try:
            return int(self._db.execute("SELECT count(*) FROM answers").fetchone()[0])
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def close(self) -> None:
        self._db.close()

    def _failure(self, error: sqlite3.Error) -> StoreError:
        return StoreError(f"{self._path}: {error}; run the same command again, or start over with --fresh")


def answer_key(title: str, text: str) -> Key:
    """What an answer depends on, besides the model and its settings: BLAKE2b of headline and text."""
    head = title.encode("utf-8", "surrogatepass")
    found = hashlib.blake2b(len(head).to_bytes(8, "little"), digest_size=16)
    found.update(head)
    found.update(text.encode("utf-8", "surrogatepass"))
    return found.digest()


def _packed(record: Record) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
