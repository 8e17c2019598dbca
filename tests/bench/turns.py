"""Contenders take turns, round by round, each turn a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.environments import PROGRAMS, ROOT, NotInstalledError, environment, installed, last_line, limited
from tests.bench.memory import Watch

PATIENCE = 900  # seconds, after which a program has failed


class Contender(NamedTuple):
    """Who, and in which environment."""

    kind: str
    name: str
    place: str = "peers"

    @property
    def own(self) -> bool:
        return self.place == "own"


def rounds(
    count: int,
    contenders: Sequence[Contender],
    pythons: Mapping[str, Path | str],
    turn: Callable[[Contender, Path], dict[str, Any]],
) -> dict[str, Any]:
    """Every contender's turn, ``count`` times round; one that failed is left out of what follows.

    Args:
        pythons: of each place, or why there is none.

    Returns:
        of each kind its ``rounds``, and its ``error`` where there was one.
    """
    rows: dict[str, Any] = {who.kind: {"rounds": []} for who in contenders}
    for _ in range(count):
        for who in contenders:
            row, python = rows[who.kind], pythons[who.place]
            if "error" in row:
                continue
            if isinstance(python, str):
                row["error"] = python
                continue
            try:
                row["rounds"].append(turn(who, python))
            except (OSError, subprocess.SubprocessError, ValueError) as error:
                row["error"] = last_line(str(error))
    return rows


def environments(work: Path, roots: Mapping[str, Sequence[str]]) -> tuple[dict[str, Path | str], dict[str, Any]]:
    """Python of each place, or why there is none; and the versions of what ``roots`` names, with all that it needs."""
    pythons: dict[str, Path | str] = {}
    versions: dict[str, Any] = {}
    for place, wanted in roots.items():
        try:
            python = pythons[place] = environment(work, place)
            versions[place] = installed(python, wanted)["versions"]
        except NotInstalledError as error:
            pythons[place] = str(error)
    return pythons, versions


def run(command: Sequence[str], *, own: bool, watch: Watch | None = None) -> str:
    """Run a program to its end; what it printed.

    Raises:
        ValueError: it failed; its last line.
    """
    process = subprocess.Popen(
        command, cwd=ROOT, env=limited(own=own), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    if watch:
        watch.follow(process.pid)
    try:
        said, complaint = process.communicate(timeout=PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        raise ValueError(f"failed: {last_line(complaint or said)}")
    return said


def quantise(python: Path, folder: Path) -> None:
    """Write ``int8.onnx`` in a standard folder, unless it is there."""
    if not (folder / "int8.onnx").exists():
        run([str(python), str(PROGRAMS / "quantize.py"), str(folder)], own=False)
