"""The loss of pretraining against the tokens seen, over one run or several that follow each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.errors import DataError
from train.report_plots import COLOURS, GRID, QUIET, new_figure

_SMOOTH = 8  # logged steps whose mean the line shows


def loss_plot(logs: Sequence[Path], out: Path, *, before: int = 0) -> None:
    """Draw ``log.jsonl`` of each run, where the last one ended, into the picture ``out`` (.png or .svg).

    Args:
        logs: in the order of the runs.
        before: tokens that the encoder had seen when the first run began.

    Raises:
        DataError: ``source_missing``, ``bad_line``, ``small_corpus`` for a log without lines.
        ConfigError: ``missing_extra`` without matplotlib.
    """
    figure, (ax,) = new_figure(7.2, 3.6)
    for number, path in enumerate(logs):
        tokens, loss = _read(path)
        tokens = (tokens + before) / 1e6
        window = min(_SMOOTH, len(loss))
        smooth = np.convolve(loss, np.ones(window) / window, mode="valid")
        ax.plot(tokens, loss, ".", color=GRID, markersize=3)
        ax.plot(tokens[window - 1 :], smooth, color=COLOURS["relevance"], linewidth=1.8)
        if number:
            ax.axvline(before / 1e6, color=QUIET, linewidth=0.8, linestyle=":")
        before = round(float(tokens[-1]) * 1e6)
    ax.set(xlabel="tokens seen, millions", ylabel="loss at hidden tokens, nats")
    ax.grid(color=GRID, linewidth=0.7)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)


def _read(path: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if not path.is_file():
        raise DataError("source_missing", "no such log", where=str(path))
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            rows.append((float(row["tokens"]), float(row["loss"])))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError("bad_line", f"not a line of a log: {error!r}", where=f"{path}:{number}") from error
    if not rows:
        raise DataError("small_corpus", "a log without lines", where=str(path))
    tokens, loss = np.array(rows).T
    return tokens, loss
