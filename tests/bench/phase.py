"""What came of a phase of load, as a row of a table, and what the memory did in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Phase:
    """What came of a phase. Times are in seconds, and count from when a request was due.

    Attributes:
        late: how much later than due each request was sent: the client's own fault.
        others: answers that are neither 200 nor 429, and failed connections, by status or error.
        memory: (second of the phase, resident bytes of the server).
    """

    name: str
    offered: float = 0.0
    seconds: float = 0.0
    cpu: float = 0.0
    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, int]] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return len(self.answered) + len(self.refused) + self.others.total()

    def row(self) -> str:
        """Its row of the table."""
        cells = [
            self.name,
            str(self.sent),
            f"{self.offered:.1f}",
            f"{len(self.answered) / self.seconds:.1f}",
            _milliseconds(self.answered),
            f"{len(self.refused)} ({len(self.refused) / max(1, self.sent):.0%})",
            _milliseconds(self.refused),
            ", ".join(f"{count}x {what}" for what, count in self.others.items()) or "0",
            f"{self.memory[-1][1] / 1e6:.0f}" if self.memory else "–",
            f"{self.cpu / self.seconds:.0%}, {_milliseconds(self.late)}",
        ]
        return f"| {' | '.join(cells)} |"


_COLUMNS = (
    "phase",
    "n",
    "offered/s",
    "goodput/s",
    "p50 / p99 ms",
    "refused (429)",
    "p50 / p99 ms",
    "other",
    "RSS MB",
    "client: CPU, late p50 / p99 ms",
)
HEADER = f"\n| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|"


def slope(samples: Sequence[tuple[float, int]]) -> float:
    """Megabytes an hour, by least squares."""
    seconds, sizes = np.array(samples, dtype=np.float64).T
    return float(np.polyfit(seconds / 3600, sizes / 1e6, 1)[0])


def soaked(phase: Phase) -> str:
    """What the memory did in a long phase."""
    sizes = [size / 1e6 for _, size in phase.memory]
    half = [sample for sample in phase.memory if sample[0] >= phase.memory[-1][0] / 2]
    start, end = f"{sizes[0]:.0f}", f"{sizes[-1]:.0f}"
    return (
        f"RSS over {phase.seconds / 60:.1f} minutes: start {start}, most {max(sizes):.0f}, end {end} MB; "
        f"slope {slope(phase.memory):+.0f} MB/h, of the second half {slope(half):+.0f} MB/h"
    )


def _milliseconds(seconds: Sequence[float]) -> str:
    if not seconds:
        return "–"
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return f"{p50:.0f} / {p99:.0f}"
