"""Scores a table without a network, in a process of its own, and tells how much memory that took.

    python -m tests.contract.measured CHECKPOINT IN OUT

Prints one line of JSON: the summary, the error where there was one, and the peak beyond a small table's, in megabytes.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from data.errors import DataError
from models.checkpoint import Checkpoint
from serve.scoring import score_table
from tests.contract.cut_off import Slow


def main(folder: Path, source: Path, target: Path) -> dict[str, Any]:
    """See above."""
    checkpoint = Checkpoint.open(folder)
    slow: Any = Slow(checkpoint.contract, pause=0)
    with tempfile.TemporaryDirectory() as small:
        tiny = Path(small) / "in.csv"
        tiny.write_text("id,text\n1,نص\n", encoding="utf-8")
        score_table([tiny], Path(small) / target.name, slow, checkpoint=checkpoint)
    before = _peak()
    found: dict[str, Any] = {"summary": None, "error": ""}
    try:
        found["summary"] = score_table([source], target, slow, checkpoint=checkpoint).to_json()
    except DataError as error:
        found["error"] = str(error)
    return {**found, "grown": _peak() - before}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    print(json.dumps(main(*map(Path, sys.argv[1:]))))
