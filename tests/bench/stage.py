"""What contenders need before their first turn: the articles, the weights as peers read them, the environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.backends import cores
from models.checkpoint import Checkpoint
from tests.bench.performance import Given
from tests.bench.standard import standard
from tests.bench.texts import Drawn, draw
from tests.bench.turns import environments


@dataclass(frozen=True)
class Stage:
    """One checkpoint and the same articles for everyone.

    Attributes:
        folder: of the same weights for peers.
        pythons: of each place, or why there is none.
        versions: of what is installed there.
        seconds: of one measure, about.
    """

    checkpoint: Checkpoint
    folder: Path
    drawn: Drawn
    pythons: Mapping[str, Path | str]
    versions: Mapping[str, Any]
    seconds: float

    def facts(self) -> dict[str, Any]:
        """For the page."""
        return {
            "texts": self.drawn.facts(),
            "precision": self.checkpoint.precision,
            "cores": cores(),
            "versions": self.versions,
        }


def prepare(given: Given, roots: Mapping[str, Sequence[str]]) -> Stage:
    """Draw the articles, write the peers' folder, make the environments that ``roots`` names."""
    checkpoint = Checkpoint.open(given.checkpoint)
    drawn = draw(checkpoint, given.source, max(8, min(48, round(5 * given.seconds))))
    given.work.mkdir(parents=True, exist_ok=True)
    folder = standard(checkpoint, given.work)
    pythons, versions = environments(given.work, roots)
    return Stage(checkpoint, folder, drawn, pythons, versions, given.seconds)
