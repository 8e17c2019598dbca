"""Jobs on disk: one SQLite file, and for each job a folder with what was sent and what came out."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from data.errors import ConfigError

Format = Literal["csv", "tsv", "jsonl", "parquet"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
FORMATS: tuple[Format, ...] = get_args(Format)
ID = r"[A-Za-z0-9_-]{22}"  # 16 random bytes

_TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, format TEXT NOT NULL, text_column TEXT,
    title_column TEXT, excel INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'queued',
    created REAL NOT NULL, started REAL, ended REAL, rows INTEGER, rows_done INTEGER NOT NULL DEFAULT 0, rate REAL,
    starts INTEGER NOT NULL DEFAULT 0, notes TEXT NOT NULL DEFAULT '[]', summary TEXT, code TEXT, message TEXT
)"""


@dataclass(frozen=True)
class Job:
    """One job as it is recorded.

    Attributes:
        owner: who sent it, as the server tells its clients apart; empty where it doesn't.
        name: of the file as it was sent; shown, never used as a path.
        created, started, ended: seconds since 1970.
        rows: of the table; None until they are counted.
        rate: rows a second.
        starts: how often it was begun since it last came forward.
        code, message: why it failed.
    """

    id: str
    owner: str
    name: str
    format: Format
    text_column: str | None
    title_column: str | None
    excel: bool
    state: State
    created: float
    started: float | None
    ended: float | None
    rows: int | None
    rows_done: int
    rate: float | None
    starts: int
    notes: tuple[str, ...]
    summary: dict[str, Any] | None
    code: str | None
    message: str | None


class Store:
    """The jobs of a folder; a ``~`` in front is the user's home. Several threads and processes may use it at a time.

    Args:
        folder: made when the first job comes.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.folder = folder.expanduser()
        except RuntimeError:  # there is no home; check() says what to do
            self.folder = folder

    def source(self, job: Job) -> Path:
        """The table that was sent."""
        return self.folder / job.id / f"input.{job.format}"

    def target(self, job: Job) -> Path:
        """The scored table."""
        return self.folder / job.id / f"scored.{job.format}"

    def check(self) -> None:
        """Whether jobs can be kept.

        Raises:
            ConfigError: ``no_jobs_folder`` where the folder can't be written or made.
        """
        whole = self.folder.absolute()
        try:
            there = next(path for path in (whole, *whole.parents) if path.exists())
            good = there.is_dir() and os.access(there, os.W_OK | os.X_OK) and self.folder.parts[0] != "~"
        except OSError:  # a folder above it that is closed to us
            good = False
        if not good:
            raise ConfigError("no_jobs_folder", "jobs have nowhere to be kept; WIJHA_JOBS_FOLDER names a folder")

    def exists(self) -> bool:
        """Whether there may be jobs."""
        try:
            return self._file.exists()
        except OSError:
            return False

    def new(self) -> str:
        """A fresh id, which can't be guessed, and its folder, which no other user of the machine may read."""
        name = secrets.token_urlsafe(16)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / name).mkdir(mode=0o700)
        return name

    def add(self, made: str, **given: Any) -> Job:
        """Queue what lies in the folder of the id ``made``; ``given`` are columns of the table."""
        values = {"id": made, "created": time.time(), **given}
        marks = ", ".join("?" * len(values))
        query = f"INSERT INTO jobs ({', '.join(values)}) VALUES ({marks}) RETURNING *"  # noqa: S608 - our own words
        with self._open() as database:
            return _job(database.execute(query, [*values.values()]).fetchall()[0])

    def drop(self, name: str) -> None:
        """Remove the folder of ``name`` and all that lies in it."""
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def get(self, name: str) -> Job | None:
        """The job, or None."""
        return next(iter(self._select("WHERE id = ?", name)), None) if re.fullmatch(ID, name) else None

    def listed(self, owner: str, most: int) -> list[Job]:
        """The owner's jobs, newest first."""
        return self._select("WHERE owner = ? ORDER BY created DESC, rowid DESC LIMIT ?", owner, most)

    def waiting(self) -> int:
        """How many jobs are queued or running."""
        return len(self._select("WHERE state IN ('queued', 'running')"))

    def take(self) -> Job | None:
        """The next job, now ``running``: one that was left so by a process that died, else the oldest that is queued.

        Only whoever holds the ``serve.job_lead.Lead`` may call this.
        """
        with self._open() as database:
            database.execute(
                "UPDATE jobs SET state = 'running', starts = starts + 1, started = coalesce(started, ?) WHERE id = ("
                "SELECT id FROM jobs WHERE state IN ('queued', 'running') "
                "ORDER BY state = 'running' DESC, created, rowid LIMIT 1)",
                [time.time()],
            )
        return next(iter(self._select("WHERE state = 'running'")), None)

    def note(self, job: Job, **values: Any) -> bool:
        """Record ``values`` of a running job; False where it is no longer running: it was cancelled."""
        shown = {k: json.dumps(v, ensure_ascii=False) if isinstance(v, dict | list) else v for k, v in values.items()}
        wanted = ", ".join(f"{name} = ?" for name in shown)
        with self._open() as database:
            done = database.execute(
                f"UPDATE jobs SET {wanted} WHERE id = ? AND state = 'running'",  # noqa: S608 - our own words
                [*shown.values(), job.id],
            )
            return done.rowcount == 1

    def remove(self, job: Job) -> None:
        """Forget the job and its files; one that runs is ``cancelled`` first, and goes when its runner has let go."""
        with self._open() as database:
            database.execute("UPDATE jobs SET state = 'cancelled' WHERE id = ? AND state = 'running'", [job.id])
            gone = database.execute("DELETE FROM jobs WHERE id = ? AND state != 'cancelled'", [job.id]).rowcount
        if gone:
            self.drop(job.id)

    def tidy(self, job: Job, *, result: bool) -> None:
        """Remove the files of a job that ended, but for its ``result``."""
        folder = self.folder / job.id
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif not (result and path == self.target(job)):
                path.unlink(missing_ok=True)

    def sweep(self, days: float) -> None:
        """Remove what was cancelled, what ended ``days`` ago, and files of uploads that broke off a day ago.

        Only whoever holds the ``serve.job_lead.Lead`` may call this, between jobs.
        """
        now = time.time()
        old = self._select("WHERE state = 'cancelled' OR ended < ?", now - days * 86400)
        with self._open() as database:
            database.executemany("DELETE FROM jobs WHERE id = ?", [[job.id] for job in old])
            known = {row["id"] for row in database.execute("SELECT id FROM jobs")}
        gone = {job.id for job in old}
        for folder in self.folder.iterdir():
            if folder.name in known or not re.fullmatch(ID, folder.name):
                continue
            with suppress(FileNotFoundError):  # an upload that is just being dropped
                if folder.name in gone or now - folder.stat().st_mtime > 86400:
                    self.drop(folder.name)

    def _select(self, where: str, *values: Any) -> list[Job]:
        if not self.exists():
            return []
        with self._open() as database:
            rows = database.execute(f"SELECT * FROM jobs {where}", values).fetchall()  # noqa: S608 - our own words
        return [_job(row) for row in rows]

    @property
    def _file(self) -> Path:
        return self.folder / "jobs.sqlite"

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction on a connection of its own."""
        with closing(sqlite3.connect(self._file, timeout=10)) as database, database:
            database.row_factory = sqlite3.Row
            database.execute(_TABLE)
            yield database


def is_full(error: BaseException | None) -> bool:
    """Whether the disk was full, for us or for SQLite; also where that is only the cause."""
    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            return True
        error = error.__cause__
    return False


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    summary = values["summary"]
    return Job(
        **{
            **values,
            "excel": bool(values["excel"]),
            "notes": tuple(json.loads(values["notes"])),
            "summary": json.loads(summary) if summary else None,
        }
    )
