"""Training: tokens a second and memory, of ours and of the transformers example scripts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from tests.bench import steps
from tests.bench.apart import apart
from tests.bench.comparison import prose
from tests.bench.performance import Given
from tests.bench.spread import shown, spread, table
from train.config import read_config


def measure(given: Given) -> dict[str, Any]:
    """Each round lets every contender train for two thirds of ``given.seconds``, one after the other."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in steps.CONTENDERS}
    for _ in range(given.rounds):
        for name, rounds in found.items():
            folder = given.work / "training"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            with apart() as process:
                rounds.append(process.submit(steps.run, name, given.source, folder, given.seconds / 1.5).result())
            shutil.rmtree(folder)
    return {
        "window": read_config().encoder.window,
        "contenders": {
            name: {key: spread(one[key] for one in rounds) for key in rounds[0]} for name, rounds in found.items()
        },
        "ratios": {
            name: spread(ours["rate"] / one["rate"] for ours, one in zip(found[our], rounds, strict=True))
            for name, rounds in found.items()
            if (our := _ours(name)) != name
        },
    }


def _ours(name: str) -> str:
    """The contender of ours that does the same."""
    task = name.partition(",")[0]
    return next(other for other in steps.CONTENDERS if other.startswith(f"{task}, ours"))


def render(results: Mapping[str, Any]) -> str:
    """The section."""
    rows = []
    for name, one in results["contenders"].items():
        ratio = shown(results["ratios"][name], 2) if name in results["ratios"] else "1"
        padding, memory = f"{one['padding']['median']:.0%}", f"{one['memory']['most']:,.0f}"
        rows.append((name, shown(one["rate"]), ratio, shown(one["processor"]), padding, memory))
    head = ("", "tokens/s", "ours, times", "processor ms a 1,000 tokens", "padding", "peak memory, MB")
    return "\n\n".join(
        [
            "## Training",
            "Tokens a second that steps take in (forward, backward, update, batches), padding not counted, the first "
            "step of a run neither. All start from the bundled encoder and read the same articles. "
            "*ours, times*: our tokens a second by theirs, round by round.",
            table(head, rows),
            prose(
                "Fine-tuning: `Trainer` stands for `run_classification.py`: a sequence classifier over the same",
                f"windows of {results['window']} tokens, padded to the longest of a batch, as many windows a batch as",
                "our 8 articles have on average; float32 is its default. Ours is a `Trainer` too, in bf16 by default,",
                "over whole articles, with label attention and three losses. At the same precision nearly all of",
                "the work is the encoder's, and the same. Ours takes more memory: a batch holds whole articles,",
                "now of few windows and now of many.",
            ),
            "Pretraining: `Trainer` stands for `run_mlm.py`, by default (texts joined and cut into rows) and line by "
            f"line (an article a row, padded to the longest admitted); rows of {steps.ROW} tokens, {steps.PER_STEP} a "
            f"step, {steps.MASKED:.0%} hidden. At the same precision the joined rows are the same work.",
        ]
    )
