"""Most memory that a process and all below it held at a time, looked at while they run."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

PAUSE = 0.25  # seconds between two looks


class Watch:
    """Looks until it is left; ``most`` is in megabytes, ``None`` where the system doesn't say."""

    def __init__(self) -> None:
        self.most: float | None = None
        self._pid = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def follow(self, pid: int) -> None:
        """Whom to look at."""
        self._pid = pid

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(PAUSE):
            held = sum(map(share, family(self._pid))) if self._pid else 0
            if held:
                self.most = max(self.most or 0.0, held / 1e6)


def family(pid: int) -> list[int]:
    """The process and all below it (Linux; elsewhere none)."""
    found, waiting = [], [pid]
    while waiting:
        pid = waiting.pop()
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text(encoding="ascii").split())
            found.append(pid)
    return found


def share(pid: int) -> int:
    """Resident bytes of a process; of what it shares with others, its part."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
