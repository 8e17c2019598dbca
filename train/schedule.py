"""The settings of a pretraining run and its plan, step by step."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import ConfigError
from train.config import lay_over, toml_file
from train.packing import VOCABULARY

DEFAULT = Path(__file__).parent / "configs" / "pretrain.toml"
_MAY_BE_0 = ("seed", "word2vec")  # the whole numbers that need not be 1 or more


@dataclass(frozen=True)
class PretrainConfig:
    """Resolved settings of one run; the keys are explained in ``configs/pretrain.toml``."""

    seed: int
    tokenizer: dict[str, Any]
    encoder: dict[str, Any]
    objective: dict[str, Any]
    schedule: dict[str, Any]
    run: dict[str, Any]

    @classmethod
    def read(cls, path: Path | None) -> PretrainConfig:
        """Read the defaults, then ``path`` over them, key by key.

        Raises:
            ConfigError: ``no_config``, ``bad_config``, ``unknown_key``, ``bad_value``; ``where`` names the key.
        """
        values = toml_file(DEFAULT)
        lay_over(values, toml_file(path) if path else {})
        _check(values, toml_file(DEFAULT))
        config = cls(**values)
        rules: dict[str, tuple[Callable[[PretrainConfig], bool], str]] = {
            "tokenizer.vocabulary": (lambda c: c.tokenizer["vocabulary"] <= VOCABULARY, f"at most {VOCABULARY}"),
            "encoder.heads": (lambda c: c.encoder["hidden"] % c.encoder["heads"] == 0, "a divisor of encoder.hidden"),
            "objective.mask": (lambda c: 0 < c.objective["mask"] <= 1, "a share"),
            "objective.keep": (lambda c: c.objective["keep"] <= 0.5, "half at most"),
            "schedule.warmup": (lambda c: c.schedule["warmup"] < 1, "a share"),
            "schedule.decay": (lambda c: c.schedule["decay"] <= 1, "a share"),
            "schedule.lengths": (lambda c: _pairs(c.schedule["lengths"]), "[tokens, share] with shares that sum to 1"),
            "schedule.batch": (lambda c: c.schedule["batch"] % c.block == 0, "a multiple of every length"),
            "run.precision": (lambda c: c.run["precision"] in ("bf16", "no"), '"bf16" or "no"'),
            "run.attention": (lambda c: c.run["attention"] in ("sdpa", "eager"), '"sdpa" or "eager"'),
        }
        for where, (holds, wanted) in rules.items():
            if not holds(config):
                raise ConfigError("bad_value", f"{wanted} is wanted", where=where)
        return config

    @property
    def block(self) -> int:
        """Tokens that rows of every length divide."""
        return math.lcm(*(length for length, _ in self.schedule["lengths"]))


def _check(values: dict[str, Any], defaults: dict[str, Any], section: str = "") -> None:
    """Refuse a value of another kind than its default."""
    for key, default in defaults.items():
        value, where = values[key], f"{section}{key}"
        if isinstance(default, dict):
            _check(value, default, f"{key}.")
            continue
        kinds = (int, float) if isinstance(default, float) else type(default)
        right = isinstance(value, kinds) and isinstance(value, bool) == isinstance(default, bool)
        if right and isinstance(value, int | float) and not isinstance(value, bool):
            right = value >= (1 if isinstance(default, int) and key not in _MAY_BE_0 else 0)
        if not right:
            raise ConfigError("bad_value", f"{value!r} where something like {default!r} is wanted", where=where)


def _pairs(value: list[Any]) -> bool:
    right = all(isinstance(p, list) and list(map(type, p)) in ([int, float], [int, int]) and min(p) > 0 for p in value)
    return right and math.isclose(sum(share for _, share in value), 1)


@dataclass(frozen=True)
class Step:
    """Where step ``number`` stands: which rows it takes, at which rate it learns, and the steps of its phase."""

    number: int
    length: int
    rate: float
    phase: range


def steps(config: PretrainConfig) -> list[Step]:
    """The whole run, step by step (warm-up, stable, decay; short rows first)."""
    schedule = config.schedule
    total = max(schedule["tokens"] // schedule["batch"], 1)
    warm, decay = max(int(total * schedule["warmup"]), 1), max(int(total * schedule["decay"]), 1)
    ends = [round(total * end) for end in itertools.accumulate(share for _, share in schedule["lengths"])]
    plan = []
    for (length, _), first, stop in zip(schedule["lengths"], [0, *ends], ends, strict=False):
        for number in range(first, stop):
            factor = min((number + 1) / warm, 1.0, (total - number) / decay)
            plan.append(Step(number, length, schedule["rate"] * factor, range(first, stop)))
    return plan
