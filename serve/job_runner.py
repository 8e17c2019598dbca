"""Runs the jobs of a folder, one at a time, in a thread that lets requests go first."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from data.errors import CheckpointError, ConfigError, DataError, WijhaError
from data.sources import CSV, TSV
from models.backends.protocol import Backend
from models.classifier import Classifier
from serve.engine import Loaded
from serve.job_lead import Lead
from serve.job_store import Job, Store, is_full
from serve.logs import frames
from serve.scoring import Options, Stopped, count_rows, score_table
from serve.settings import Settings
from serve.tally import Summary

_log = logging.getLogger(__name__)
_PATIENCE = 1.0  # seconds that a piece waits for requests; then it is computed, so that a job comes to its end
_QUIET = 0.1  # seconds without a request before a job goes on: a client that sends one after another is let through
_STARTS = 3  # of a job that never comes forward: it ends the process, and would for ever
_NOTES = 50  # kept of what is said of a table
_TICK = 0.5  # seconds between two records of how far a job is
_TOLD = 60  # of them: the rate is taken over these
_SWEEP = 600.0  # seconds


class Aside:
    """A backend that lets requests go first: a few windows at a time, and none while a request is inside.

    Args:
        busy: whether a request is being answered.
        piece: windows computed together; the longest that a request has to wait for.
        stop: set: ``run`` raises ``Stopped``.
    """

    def __init__(self, backend: Backend, *, busy: Callable[[], bool], piece: int, stop: threading.Event) -> None:
        self._backend, self._busy, self._piece, self._stop = backend, busy, piece, stop
        self._turn = threading.Lock()

    def run(self, rows: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.float32]]:
        heads: dict[int, npt.NDArray[np.float32]] = {}
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))  # a piece takes as long as its longest
        for start in range(0, len(order), self._piece):
            places = order[start : start + self._piece]
            with self._turn:
                self._wait()
                heads |= zip(places, self._backend.run([rows[place] for place in places]), strict=True)
        return [heads[place] for place in range(len(rows))]

    def _wait(self) -> None:
        began = seen = now = time.monotonic()
        waited = self._busy()
        while waited and now - began < _PATIENCE and now - seen < _QUIET and not self._stop.wait(0.01):
            now = time.monotonic()
            seen = now if self._busy() else seen
        if self._stop.is_set():
            raise Stopped


class AsideClassifier(Classifier):
    """The same classifier over the same network, by way of ``Aside``."""

    def __init__(self, of: Classifier, *, busy: Callable[[], bool], piece: int, stop: threading.Event) -> None:
        super().__init__(of._encoder, Aside(of._backend, busy=busy, piece=piece, stop=stop), of.contract)


class Runner:
    """Runs what the store holds, in the thread it has while it is entered.

    Args:
        loaded: the model; raises ``CheckpointError`` while there is none.
        busy, piece: see ``Aside``.
    """

    def __init__(
        self, store: Store, settings: Settings, loaded: Callable[[], Loaded], *, busy: Callable[[], bool], piece: int
    ) -> None:
        self._store, self._settings, self._loaded = store, settings, loaded
        self._busy, self._piece = busy, piece
        self._lead = Lead(store.folder)
        self._wake, self._stop = threading.Event(), threading.Event()
        self._leave = threading.Event()  # the job that runs now
        self._swept = -_SWEEP
        self._thread = threading.Thread(target=self._live, name="jobs", daemon=True)

    def __enter__(self) -> Runner:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the job at a safe point; a later process goes on with it."""
        self._stop.set()
        self._leave.set()
        self._wake.set()
        self._thread.join(10)

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def _live(self) -> None:
        while not self._stop.is_set():
            try:
                pause = 0 if self._once() else 1  # other processes take jobs in, too
            except Exception as error:  # noqa: BLE001 - a full disk, say: the thread must outlive it
                _fault(error)
                pause = 30
            self._wake.wait(pause)
            self._wake.clear()
        self._lead.give_up()

    def _once(self) -> bool:
        """Run a job, if there is one and it is for us to run."""
        if not (self._store.exists() and self._lead.take()):
            return False
        if time.monotonic() - self._swept > _SWEEP:
            self._sweep()
            self._swept = time.monotonic()
        try:
            loaded = self._loaded()
        except (CheckpointError, ConfigError):  # /health/ready says why
            return False
        job = self._store.take()
        if job is not None:
            self._run(job, loaded)
        return job is not None

    def _sweep(self) -> None:
        self._store.sweep(self._settings.jobs_keep_days)

    def _run(self, job: Job, loaded: Loaded) -> None:
        """Score the job's table; however that ends, it is recorded."""
        began = time.monotonic()
        self._leave = threading.Event()
        if self._stop.is_set():
            self._leave.set()
        try:
            if job.starts > _STARTS:
                raise ConfigError("crashed", f"the server ended {_STARTS} times while it read this table")
            ended = {"state": "done", **self._score(job, loaded)}
        except Stopped:
            if self._stop.is_set():
                self._store.note(job, starts=0)
            else:
                self._sweep()
            return
        except Exception as error:  # noqa: BLE001 - whatever it is: it ends this job, not the ones behind it
            ended = {"state": "failed", **_failure(error, job, self._store)}
            self._store.tidy(job, result=False)  # before the record, which a full disk would have no room for
        if not self._store.note(job, ended=time.time(), **ended):
            self._sweep()  # cancelled at the last moment
        self._store.tidy(job, result=ended["state"] == "done")
        _log.info("job %s: %s in %.1f s", job.id[:6], ended["state"], time.monotonic() - began)

    def _score(self, job: Job, loaded: Loaded) -> dict[str, Any]:
        source, leave, notes, done = self._store.source(job), self._leave, list[str](), 0
        if job.rows is None:
            self._store.note(job, rows=count_rows(source))
        told: deque[tuple[float, int]] = deque([(time.monotonic(), 0)], maxlen=_TOLD)

        def said(line: str) -> None:
            notes.append(named(line, job, self._store))
            self._store.note(job, notes=notes[:_NOTES])

        def progress(rows: int) -> None:
            nonlocal done
            done += rows
            now = time.monotonic()
            if done < job.rows_done:  # what an earlier process did is passed quickly, and says nothing of the rate
                told[0] = (now, done)
                return
            if now - told[-1][0] < _TICK:
                return
            told.append((now, done))
            rate = (done - told[0][1]) / (now - told[0][0])
            if not self._store.note(job, rows_done=done, rate=round(rate, 2), starts=0):
                leave.set()  # cancelled

        options = Options(
            text_column=job.text_column,
            title_column=job.title_column,
            excel=job.excel and job.format in (CSV, TSV),
            max_characters=self._settings.max_characters,
            backend=self._settings.backend,
            precision=self._settings.precision,
        )
        classifier = AsideClassifier(loaded.classifier, busy=self._busy, piece=self._piece, stop=leave)

        def score(options: Options) -> Summary:
            return score_table(
                [source],
                self._store.target(job),
                classifier,
                checkpoint=loaded.checkpoint,
                options=options,
                said=said,
                progress=progress,
                stop=leave,
            )

        try:
            summary = score(options)
        except DataError as error:
            if error.code != "other_run":
                raise
            done = 0
            notes.clear()
            summary = score(replace(options, fresh=True))  # the server has another checkpoint than when it began
        return {"rows": done, "rows_done": done, "summary": summary.to_json()}


def named(line: str, job: Job, store: Store) -> str:
    """``line`` with the name of the file as it was sent, not our paths."""
    for path in (store.source(job), store.target(job)):
        line = line.replace(str(path), job.name).replace(path.name, job.name)
    return line


def _failure(error: Exception, job: Job, store: Store) -> dict[str, str]:
    """Code and message of what ended a job; a fault of ours is logged, without its message, which may quote a text."""
    if is_full(error):
        return {"code": "disk_full", "message": "no room on the server's disk"}
    if isinstance(error, WijhaError):
        place = named(error.where, job, store)  # of several tables in a zip, which
        message = named(error.message, job, store)
        return {"code": error.code, "message": f"{message} [{place}]" if place not in ("", job.name) else message}
    if isinstance(error, OSError):
        return {
            "code": "os_error",
            "message": f"the job's files can't be read or written: {error.strerror or type(error).__name__}",
        }
    _fault(error)
    return {"code": "internal", "message": "a fault of the server's; its log says where"}


def _fault(error: Exception) -> None:
    _log.error("%s", frames(error))
