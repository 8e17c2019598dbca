"""Scoring many articles in one process, ours beside what a user would reach for: same encoder, same texts.

Each turn of a contender is a process of its own: it loads, answers a first text, and goes over all articles for as
many whole passes as fill the time. ``tests/bench/programs`` has what they run.
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.backends import cores
from tests.bench.environments import PROGRAMS
from tests.bench.memory import Watch
from tests.bench.peers_page import CONTENDERS, CUT, TABLES, render
from tests.bench.performance import Given
from tests.bench.stage import Stage, prepare
from tests.bench.turns import Contender, quantise, rounds, run

__all__ = ["measure", "render"]

WARM = 4  # texts or articles, before the clock starts
ROOTS = {
    "own": ["wijha"],
    "peers": ["torch", "transformers", "onnxruntime", "pandas"],
    "infinity": ["infinity-emb[torch]"],
}


def measure(given: Given) -> dict[str, Any]:
    """All contenders on all articles, ``given.rounds`` times; then tables in the same way."""
    stage = prepare(given, ROOTS)
    if isinstance(python := stage.pythons["peers"], Path):
        quantise(python, stage.folder)
    with tempfile.TemporaryDirectory() as scratch:
        turns = Turns(stage, Path(scratch))
        rows = rounds(given.rounds, [*CONTENDERS, CUT], stage.pythons, turns.score)
        tables = rounds(given.rounds, TABLES, stage.pythons, turns.table)
    return stage.facts() | {"rows": rows, "tables": tables}


@dataclass(frozen=True)
class Turns:
    """What a contender does in its turn.

    Args:
        scratch: a folder for jobs and tables.
    """

    stage: Stage
    scratch: Path

    def score(self, who: Contender, python: Path) -> dict[str, Any]:
        """Articles and tokens a second, milliseconds of processor an article, seconds to load, MB, first scores."""
        drawn = self.stage.drawn
        job = {
            "kind": who.kind,
            "folder": str(self._folder(who)),
            "texts": drawn.texts,
            "articles": [[item.title, item.text] for item in drawn.articles],
            "seconds": self.stage.seconds,
            "threads": cores(),
            "warm": WARM,
            "began": time.time(),
        }
        path = self.scratch / "job.json"
        path.write_text(json.dumps(job), encoding="utf-8")
        said = run([str(python), str(PROGRAMS / "score.py"), str(path)], own=who.own)
        found = json.loads(said.splitlines()[-1])
        articles = found["passes"] * len(drawn.articles)
        tokens = found["passes"] * (drawn.read if who == CUT else sum(drawn.tokens))
        return {
            "articles": articles / found["seconds"],
            "tokens": tokens / found["seconds"],
            "processor": 1000 * found["processor"] / articles,
            "load": found["load"],
            "memory": found["peak"],
            "scores": found["scores"],
        }

    def table(self, who: Contender, python: Path) -> dict[str, Any]:
        """From command to file: seconds, articles a second, MB."""
        target, sources = self.scratch / "out.csv", self._sources()
        if who.own:
            command = ["-m", "serve", "score", str(sources["articles"]), str(target)]
            command += ["--checkpoint", str(self._folder(who))]
        else:
            source = sources["windows" if who.kind == "table" else "articles"]
            command = [str(PROGRAMS / "table.py"), str(self._folder(who)), str(source), str(target)]
        began = time.perf_counter()
        with Watch() as watch:
            run([str(python), *command], own=who.own, watch=watch)
        wall = time.perf_counter() - began
        target.unlink()
        return {"wall": wall, "articles": len(self.stage.drawn.articles) / wall, "memory": watch.most}

    def _folder(self, who: Contender) -> Path:
        return (self.stage.checkpoint.folder if who.own else self.stage.folder).absolute()

    def _sources(self) -> Mapping[str, Path]:
        """Tables of the articles, and of their windows' texts."""
        paths = {name: self.scratch / f"{name}.csv" for name in ("articles", "windows")}
        rows: dict[str, list[tuple[int, str, str]]] = {
            "articles": [(i, item.title, item.text) for i, item in enumerate(self.stage.drawn.articles)],
            "windows": [(i, "", text) for i, texts in enumerate(self.stage.drawn.texts) for text in texts],
        }
        for name, path in paths.items():
            if not path.exists():
                with path.open("w", encoding="utf-8", newline="") as file:
                    csv.writer(file).writerows([("id", "title", "text"), *rows[name]])
        return paths
