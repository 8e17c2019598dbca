"""The most memory that this process held since it was last asked (Linux; elsewhere 0)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_OWN = Path("/proc/self")


def start_over() -> None:
    """Count the peak anew from here."""
    with suppress(OSError):
        (_OWN / "clear_refs").write_text("5", encoding="ascii")


def most_since() -> float:
    """Megabytes resident at the most."""
    with suppress(OSError):
        lines = (_OWN / "status").read_text(encoding="ascii", errors="replace").splitlines()
        return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), 0.0)
    return 0.0
