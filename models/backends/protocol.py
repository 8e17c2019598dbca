"""What every runtime offers: arrays in, arrays out. Tokens are made above it, decisions too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt


class Backend(Protocol):
    """A loaded network. Safe to call from several threads."""

    def run(self, rows: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.float32]]:
        """Token ids, one int64 (T,) a row, rows of any lengths; returns for each row float32 (T, K, 2 + S)."""
        ...
