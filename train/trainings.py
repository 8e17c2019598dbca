"""Several trainings from the same first weights, and the mean of what they end with.

They differ in the order of the articles and in what dropout drops. Their mean is one network, as fast as each of them
and sometimes better than all (model soups, Wortsman et al. 2022; docs/log.md has what it gained here).
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from models.network import LabelAttention
from train.batches import Example
from train.config import Config
from train.loop import fit

_APART = 1_000_003  # between the seeds of two orders: trainings of neighbouring seeds have none in common


def fit_mean(
    network: LabelAttention,
    examples: Sequence[Example],
    config: Config,
    folder: Path,
    *,
    mask_id: int | None = None,
) -> list[dict[str, Any]]:
    """Train ``network`` ``optimizer.trainings`` times from the weights it has, and leave the mean in it.

    Args:
        folder: of an interrupted run's state, gone on with where there is one; as large for each training.
        mask_id: as ``train.loop.fit``.

    Returns:
        The logs, one after another.

    Raises:
        ConfigError: as ``train.loop.fit``.
    """
    count = config.optimizer.trainings
    if count == 1:
        return fit(network, examples, config, folder, mask_id=mask_id)
    log: list[dict[str, Any]] = []
    total = {name: torch.zeros_like(value, dtype=torch.float64) for name, value in network.state_dict().items()}
    for turn in range(count):
        member = copy.deepcopy(network)
        turned = dataclasses.replace(config, seed=(config.seed + turn * _APART) % 2**32)
        log += fit(member, examples, turned, folder / f"training-{turn}", mask_id=mask_id)
        for name, value in member.state_dict().items():
            total[name] += value.detach().cpu().double() / count
    network.load_state_dict(total)
    return log
