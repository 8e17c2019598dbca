"""torch: the reference, and the runtime for a GPU. Rows of like length share a batch, within a budget of tokens."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models.network import LabelAttention, load_network


class TorchBackend:
    """The network of a checkpoint folder.

    Args:
        topics: K.
        stances: S.
        precision: ``f32`` or ``bf16`` (autocast).
        device: default: the first GPU, else the CPU.
        budget: tokens a batch, padding included.
    """

    def __init__(
        self,
        folder: Path,
        *,
        topics: int,
        stances: int,
        precision: str = "f32",
        device: str | None = None,
        budget: int = 16384,
    ) -> None:
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._network: LabelAttention = load_network(folder, topics=topics, stances=stances).to(self._device)
        self._bf16 = precision == "bf16"
        # on a CPU padding costs more than a batch gains
        self._budget = budget if self._device.type != "cpu" else 0
        self._lock = threading.Lock()

    def run(self, rows: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.float32]]:
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        answers: dict[int, npt.NDArray[np.float32]] = {}
        batch: list[int] = []
        for i in order:
            if batch and (len(batch) + 1) * len(rows[i]) > self._budget:
                answers |= self._batch(rows, batch)
                batch = []
            batch.append(i)
        if batch:
            answers |= self._batch(rows, batch)
        return [answers[i] for i in range(len(rows))]

    def _batch(self, rows: Sequence[npt.NDArray[np.int64]], batch: list[int]) -> dict[int, npt.NDArray[np.float32]]:
        length = max(len(rows[i]) for i in batch)
        ids = torch.zeros(len(batch), length, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for place, i in enumerate(batch):
            ids[place, : len(rows[i])] = torch.from_numpy(rows[i])
            mask[place, : len(rows[i])] = 1
        with (
            self._lock,
            torch.inference_mode(),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16),
        ):
            heads = self._network(ids.to(self._device), mask.to(self._device)).float().cpu().numpy()
        return {i: heads[place, : len(rows[i])] for place, i in enumerate(batch)}
