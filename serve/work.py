"""The folder beside an output that is not finished: what a later run needs to go on, and the proof that it may.

``OUT.work/`` holds ``seal.json`` (which model, settings and input), ``answers.sqlite`` and the output so far.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from data.errors import DataError
from serve.answers import Answers, StoreError

_STORE, _SEAL = "answers.sqlite", "seal.json"
# in the order they are taken away in: cut off half way, no answer is left without its seal
_MINE = (*(f"{_STORE}{end}" for end in ("-journal", "-wal", "-shm", "")), _SEAL, "seal.part")


class Work:
    """One run's folder, held until the run ends.

    Args:
        target: the output; the folder is ``target`` with ``.work`` behind it.
        seal: what must be the same for a later run to go on; plain values.
        fresh: forget what an earlier run left.

    Raises:
        DataError: ``busy`` where another run holds the folder; ``other_run`` where what lies there was made from
            something else; ``bad_target`` where something else is in the way.
    """

    def __init__(self, target: Path, seal: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.target, self.folder = target, work_folder(target)
        self.part = self.folder / target.name  # the very name: a zip says it of what is in it
        store, sealed = self.folder / _STORE, self.folder / _SEAL
        if self.folder.exists() and not {p.name for p in self.folder.iterdir()} <= {*_MINE, self.part.name}:
            raise DataError("bad_target", f"{self.folder} is in the way, and not ours", where=str(target))
        self.folder.mkdir(exist_ok=True)
        begun = store.exists()
        self.answers = self._open(store, fresh)
        try:
            if not store.exists():  # the run that held it has just ended, and taken it away
                raise DataError("busy", "another run was writing this output", where=str(self.folder))
            if begun and not fresh and sealed.exists() and len(self.answers):
                _same(json.loads(sealed.read_text(encoding="utf-8")), dict(seal), self.folder)
            _write(sealed, json.dumps(seal, ensure_ascii=False, indent=1))
        except BaseException:
            self.answers.close()
            raise
        self.kept = len(self.answers)

    @staticmethod
    def _open(store: Path, fresh: bool) -> Answers:
        with ExitStack() as stack:
            try:
                answers = Answers(store)
                stack.callback(answers.close)
                if fresh:
                    answers.clear()
                stack.pop_all()
                return answers
            except StoreError:
                if not fresh:
                    raise
        for name in _MINE[:4]:  # broken; nobody can be at work with it
            store.with_name(name).unlink(missing_ok=True)
        return Answers(store)

    def publish(self) -> None:
        """Give the output its name, on disk before the name is, and take the folder away."""
        with self.part.open("rb+") as file:
            os.fsync(file.fileno())
        self.part.replace(self.target)
        _sync(self.target.parent)
        self.discard()

    def discard(self) -> None:
        """Take the folder away, while it is still ours."""
        for name in (*_MINE, self.part.name):
            (self.folder / name).unlink(missing_ok=True)
        self.answers.close()
        if self.folder.exists() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def __enter__(self) -> Work:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.answers.close()


def work_folder(target: Path) -> Path:
    """Where a run toward ``target`` keeps what it has."""
    return target.with_name(target.name + ".work")


def _same(found: Mapping[str, Any], seal: Mapping[str, Any], folder: Path) -> None:
    """Raise ``other_run`` with what differs."""
    differ = [_difference(name, found.get(name), value) for name, value in seal.items() if found.get(name) != value]
    if differ:
        raise DataError(
            "other_run",
            f"an earlier run was cut off, and was another one: {'; '.join(differ)}. Run that one again, or start over "
            "with --fresh",
            where=str(folder),
        )


def _difference(name: str, before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        shown = ", ".join(f"{key} ({_short(before.get(key))}, now {_short(now.get(key))})" for key in keys[:3])
        return f"{name}: {shown}{' …' if len(keys) > 3 else ''}"
    return f"{name}: {_short(before)}, now {_short(now)}"


def _short(value: Any) -> str:
    shown = "none" if value is None else str(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}…"


def _write(path: Path, text: str) -> None:
    beside = path.with_suffix(".part")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    if os.name == "posix":  # elsewhere a folder can't be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
