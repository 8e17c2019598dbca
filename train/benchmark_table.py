"""The results of ``train.benchmark`` beside the published figures: ``docs/benchmarks.md``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from train.benchmark_sets import SETS, Benchmark
from train.results import read_result

_HEAD = """\
# Benchmarks

Written by `make benchmark DATA=<folder>`; do not edit. Each set is one more taxonomy: its texts are written out as
articles and trained on as one's own data would be, with the settings of `train/configs/benchmark.toml`.

- **Ours**: mean over seeds and its 95 % interval (t distribution). The interval is about seeds, not about other texts.
- Epochs, thresholds and the linear model's C were chosen on a tenth of train; the test is read once a seed, through
  the saved checkpoint. Nothing was chosen on it.
- **TF-IDF + linear SVM**: words 1-2 and characters 2-5, a model a target; the same training texts. It has no seed.
- Every seed's figures stand in a file of their own under `benchmarks/`; the next run makes what is not there, or was
  made with other weights or settings.
- Training texts that nearly repeat one of the test are left out, for both. "Trained on" counts what is left.
- Published figures are other people's, on the splits and by the definitions named; where those differ, they are
  no ranking.

The files are not here. For each set, put `train.jsonl` and `test.jsonl` into `<folder>/<set>/`, one object a line:
`{"id", "text", "label"}` for `un_plover_quad`, `{"id", "text", "target", "stance"}` for the others, with the labels as
published.
"""


def render(folder: Path) -> str:
    """The whole page, by whatever results lie in ``folder``."""
    return "\n".join([_HEAD, *(_set(found, folder / name) for name, found in SETS.items())])


def _set(found: Benchmark, home: Path) -> str:
    figures = found.figures
    lines = [
        f"## {found.name}",
        "",
        f"{found.task[0].upper()}{found.task[1:]}. From {found.source}; measured on: {found.test}.",
        "",
        f"| system | trained on | n | {' | '.join(figures)} | |",
        "|---|---|---|" + "---|" * len(figures) + "---|",
    ]
    rows = _ours(home, figures)
    for result in _results(home, "tfidf.json", "figures", figures):
        cells = [f"{result['figures'][name]:.3f}" for name in figures]
        rows.append(_row("TF-IDF + linear SVM", result["train"], result["test"], cells, ""))
    for other in found.published:
        cells = [f"{other.figures[name]:.3f}" if name in other.figures else "–" for name in figures]
        rows.append(_row(f"*{other.system}* (published)", "", "", cells, other.note))
    return "\n".join([*lines, *rows, ""])


def _ours(home: Path, figures: Sequence[str]) -> list[str]:
    """A row for each encoder that has results."""
    rows = []
    for folder in sorted(p for p in home.glob("*") if p.is_dir()):
        found = _results(folder, "seed-*.json", "test", figures)
        if not found:
            continue
        cells = [mean_interval([result["test"][name] for result in found]) for name in figures]
        seeds = f"{len(found)} seed{'s' if len(found) > 1 else ''}, {found[0]['epochs']:g} epochs"
        if (trainings := found[0].get("trainings", 1)) > 1:
            seeds += f"; of each the mean of {trainings} trainings"
        rows.append(_row(f"**ours**, encoder `{found[0]['base']}`", found[0]["train"], found[0]["n"], cells, seeds))
    return rows


def _results(home: Path, pattern: str, key: str, figures: Sequence[str]) -> list[dict[str, Any]]:
    """Results that have these figures: what is left of an older definition is no result."""
    found = [read_result(path)["result"] for path in sorted(home.glob(pattern))]
    return [result for result in found if result[key].keys() >= set(figures)]


def _row(system: str, trained: object, n: object, cells: Sequence[str], note: str) -> str:
    return f"| {system} | {trained} | {n} | {' | '.join(cells)} | {note} |"


def mean_interval(values: Sequence[float]) -> str:
    """Mean and 95 % interval of Student's t over independent runs; the mean alone of one run."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return f"{mean:.3f}"
    half = float(stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return f"{mean:.3f} [{mean - half:.3f}, {mean + half:.3f}]"
