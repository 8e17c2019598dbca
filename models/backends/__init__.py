"""Runtimes: token ids in, per-token heads out."""

from __future__ import annotations

import os


def cores() -> int:
    """Cores this process may use; where the system doesn't say (macOS, Windows), all there are."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
