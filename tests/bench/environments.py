"""Environments of the peers: made once below the folder of results, with the releases that ``programs/*.txt`` name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.backends import cores

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
_LONGEST = 160  # characters of a reason


class NotInstalledError(Exception):
    """Why an environment could not be made."""


def environment(work: Path, name: str) -> Path:
    """Python of the environment ``name``: ``own`` is this one, the others are those of ``programs/NAME.txt``.

    Raises:
        NotInstalledError: what pip said last.
    """
    if name == "own":
        return Path(sys.executable)
    wanted = (PROGRAMS / f"{name}.txt").read_text(encoding="utf-8")
    folder = work.absolute() / f"venv-{name}"
    python, made = folder / "bin" / "python", folder / "made.txt"
    if made.is_file() and made.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    torch = next(line for line in wanted.splitlines() if line.startswith("torch"))
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, torch],  # first, so that no other package chooses its build
        [*pip, "--requirement", str(PROGRAMS / f"{name}.txt")],
    ):
        done = subprocess.run(command, capture_output=True, text=True, env=limited(own=False))
        if done.returncode:
            raise NotInstalledError(f"not installed: {last_line(done.stderr or done.stdout)}")
    made.write_text(wanted, encoding="utf-8")
    return python


def limited(*, own: bool, **more: str) -> dict[str, str]:
    """The environment's variables: as many threads as cores, no network for models, ours on the path for us alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "WIJHA_"))}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(cores()))
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    path = {"PYTHONPATH": str(ROOT)} if own else {}
    return {**kept, **threads, **offline, **path, "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1", **more}


def installed(python: Path, roots: Sequence[str]) -> Mapping[str, Any]:
    """What running ``roots`` needs there: ``size`` in MB, and the ``versions`` of all distributions of the closure."""
    command = [str(python), str(PROGRAMS / "size.py"), *roots]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=limited(own=False))
    found: Mapping[str, Any] = json.loads(done.stdout)
    return found


def last_line(text: str) -> str:
    """Of what a program said when it failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("WARNING")]
    return lines[-1][:_LONGEST] if lines else "it said nothing"
