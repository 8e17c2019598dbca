"""torch: the reference, and the runtime for a GPU. Rows of like length share a batch, within a budget of tokens."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from models.backends import INT8_GROUP
from models.network import LabelAttention, load_network
from models.weights import LEAST_INT8

# tokens a batch, padding included: what fills a GPU; what a CPU gains by (a larger batch only costs memory there)
_BUDGET = {"cuda": 16384, "cpu": 4096}


class TorchBackend:
    """The network of a checkpoint folder. Safe to call from several threads, which take turns.

    Args:
        topics: K.
        stances: S.
        precision: ``f32`` or ``bf16`` (autocast); ``int8`` is computed in bf16 here.
        device: default: the first GPU, else the CPU.
        budget: tokens a batch, padding included; default: by the device. A longer row has a batch to itself.
        imitate_int8: round what goes into a matrix as OpenVINO's products in int8 do, to see on any processor what they
            answer; slower than not.
    """

    def __init__(
        self,
        folder: Path,
        *,
        topics: int,
        stances: int,
        precision: str = "f32",
        device: str | None = None,
        budget: int | None = None,
        imitate_int8: bool = False,
    ) -> None:
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._network: LabelAttention = load_network(folder, topics=topics, stances=stances).to(self._device)
        self._bf16 = precision != "f32"
        self._budget = budget if budget is not None else _BUDGET.get(self._device.type, _BUDGET["cuda"])
        self._lock = threading.Lock()
        if imitate_int8:
            for module in self._network.modules():
                if isinstance(module, torch.nn.Linear) and module.weight.numel() > LEAST_INT8:
                    module.register_forward_pre_hook(_in_int8)

    def run(self, rows: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.float32]]:
        answers: dict[int, npt.NDArray[np.float32]] = {}
        for places in batches([len(row) for row in rows], self._budget):
            answers |= zip(places, self._batch([rows[place] for place in places]), strict=True)
        return [answers[place] for place in range(len(rows))]

    def _batch(self, rows: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.float32]]:
        ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)], mask[place, : len(row)] = row, 1
        with (
            self._lock,
            torch.inference_mode(),
            torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16),
        ):
            given = (torch.from_numpy(array).to(self._device) for array in (ids, mask))
            heads: npt.NDArray[np.float32] = self._network(*given).float().cpu().numpy()
        return [head[: len(row)] for head, row in zip(heads, rows, strict=True)]


def _in_int8(_: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The activations (…, d) as 8 bits can hold them, with a scale to each ``INT8_GROUP`` of them."""
    (states,) = given
    groups = states.float().split(INT8_GROUP, dim=-1)
    scales = [group.abs().amax(-1, keepdim=True).clamp(min=1e-8) / 127 for group in groups]
    return (torch.cat([torch.round(g / s) * s for g, s in zip(groups, scales, strict=True)], dim=-1),)


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Places of rows that go through the network together: each once, shortest first, so that little is padded.

    Args:
        budget: most tokens of a batch, its rows padded to the longest; a longer row is alone.
    """
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        if batch and (len(batch) + 1) * lengths[place] > budget:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
