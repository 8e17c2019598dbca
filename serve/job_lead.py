"""Which of several processes runs the jobs of a folder."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class Lead:
    """The right to run the jobs of a folder: one process at a time has it, and it ends with the process.

    It is SQLite's own lock on a file that holds nothing: every system has it, and no child inherits it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "lead.sqlite"
        self._held: sqlite3.Connection | None = None

    def take(self) -> bool:
        """Whether it is ours. To be called, and given up, in one thread."""
        if self._held is None:
            tried = sqlite3.connect(self._file, timeout=0, isolation_level=None)
            try:
                tried.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError:
                tried.close()
                return False
            self._held = tried
        return True

    def give_up(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None
