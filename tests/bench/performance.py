"""What a user would see who served or scored with something else; what the machine could do; how cost grows.

    python -m tests.bench.performance [--only peers servers …] [--checkpoint FOLDER] [--source FILE]
        [--seconds 8] [--rounds 3] [--work runs/bench] [--out docs/performance.md]

Each section is a module of its own. It is measured, its figures are kept in ``WORK/SECTION.json`` with the machine, the
versions, the commit and the command, and the page is written from all that is kept there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from models.backends import cores
from models.checkpoint import DEFAULT

ROOT = Path(__file__).parents[2]
SECTIONS = ("peers", "servers", "ceiling", "growth", "training")
LIBRARIES = ("openvino", "tokenizers", "numpy", "fastapi", "uvicorn", "pydantic", "torch", "transformers", "onnx")


_INTRODUCTION = """\
What one would see who served or scored the same checkpoint with something else, what the machine could do, and how cost
grows. Every figure is measured, none is typed in; `make bench` measures the same on the bundled articles (with
`--only`, give `--out` as well: the page is written from what `runs/bench` holds). Contenders take turns;
figures are median [least–most]; × is how many times the other's figure."""


@dataclass(frozen=True)
class Given:
    """What every section is measured with.

    Attributes:
        checkpoint: folder.
        source: a table of articles, or a folder of them; ``None``: the bundled ones.
        seconds: about how long one measure goes on.
        rounds: how often each contender has its turn.
        work: folder for results and environments.
    """

    checkpoint: Path
    source: Path | None
    seconds: float
    rounds: int
    work: Path


def machine() -> dict[str, Any]:
    """Processor, cores that this process may use, memory in GB, system, Python."""
    return {
        "processor": _first_field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": cores(),
        "memory": round(_memory() / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "python": platform.python_version(),
    }


def _first_field(path: str, name: str) -> str:
    """Of a file of lines ``name : value``; empty where there is none."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError):
        return 0


def versions() -> dict[str, str]:
    """Of the libraries that ours computes and serves with."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Of the project, and whether files differ from it; pages in docs may, as this one does once a section is done."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", ".", ":(exclude)docs")
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"


def command(section: str, given: Given) -> str:
    """What measures the section again; of paths outside the project, only the last name."""
    words = ["python -m tests.bench.performance", f"--only {section}"]
    if given.checkpoint.absolute() != DEFAULT.absolute():
        words.append(f"--checkpoint {_near(given.checkpoint)}")
    if given.source:
        words.append(f"--source {_near(given.source)}")
    return " ".join([*words, f"--seconds {given.seconds:g}", f"--rounds {given.rounds}"])


def _near(path: Path) -> str:
    path = path.absolute()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def measure(section: str, given: Given) -> Path:
    """Measure a section and keep what came of it; returns the file."""
    module = importlib.import_module(f"tests.bench.{section}")
    began = time.monotonic()
    results = module.measure(given)
    kept = {
        "section": section,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "command": command(section, given),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "results": results,
    }
    given.work.mkdir(parents=True, exist_ok=True)
    path = given.work / f"{section}.json"
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")
    beside.replace(path)
    return path


def page(work: Path) -> str:
    """Markdown, of every section whose results are kept in ``work``."""
    paths = [path for name in SECTIONS if (path := work / f"{name}.json").exists()]
    kept = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    parts = ["# Performance", _INTRODUCTION]
    seen: list[Any] = []
    for section in kept:
        body = importlib.import_module(f"tests.bench.{section['section']}").render(section["results"])
        head, _, rest = body.partition("\n")
        parts += [head, _origin(section, seen), rest.strip()]
    return "\n\n".join(part for part in parts if part) + "\n"


def _origin(section: Mapping[str, Any], seen: list[Any]) -> str:
    """When, of what and by which command; the machine where it is not that of the section before."""
    lines = [f"`{section['command']}`; {section['date']}, commit {section['commit']}, {section['minutes']:g} minutes."]
    facts = {**section["machine"], "versions": section["versions"]}
    if facts not in seen:
        seen[:] = [facts]
        used = ", ".join(f"{name} {number}" for name, number in section["versions"].items())
        lines.append(
            f"{facts['processor']}, {facts['cores']} cores, {facts['memory']:g} GB; {facts['system']}; Python"
            f" {facts['python']}; {used}."
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="sections to measure")
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT)
    parser.add_argument("--source", type=Path, help="a table of articles, or a folder; default: the bundled ones")
    parser.add_argument("--seconds", type=float, default=8, help="about how long one measure goes on")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each contender")
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "bench", help="folder of results and environments")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance.md", help="the page")
    options = parser.parse_args(arguments)
    given = Given(options.checkpoint, options.source, options.seconds, options.rounds, options.work)
    for section in options.only:
        print(f"measuring: {section}", file=sys.stderr, flush=True)
        measure(section, given)
        options.out.write_text(page(options.work), encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
