"""The training configuration: one frozen object, read from TOML laid over ``configs/base.toml``."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from data.corpus import SPLITS
from data.errors import ConfigError

BASE = Path(__file__).parent / "configs" / "base.toml"
ROOT = Path(__file__).parent.parent

_Rule = tuple[str, Callable[[Any], bool]]
_POSITIVE: _Rule = ("a number above 0", lambda v: 0 < v < inf)
_WEIGHT: _Rule = ("0 or a number above", lambda v: 0 <= v < inf)
_SHARE: _Rule = ("a share from 0 to below 1", lambda v: 0 <= v < 1)
# AdamW's steps do not grow with the weights, and those of the bundled encoder are large (docs/log.md).
_BUNDLED_RATE, _OTHER_RATE = 1e-3, 5e-5
# What a value must be beyond its kind, for people and as a test; nan passes none.
_WANTED: Mapping[str, _Rule] = {
    "name": ("the name of a folder", lambda v: v != ".." and v != "" and Path(v).name == v),
    "seed": ("a whole number from 0 to 2**32 - 1", lambda v: 0 <= v < 2**32),
    "data.shares": (
        f"shares of {', '.join(SPLITS)} that make 1, with something to train on",
        lambda v: (
            v.keys() <= set(SPLITS)
            and min(v.values(), default=-1) >= 0
            and v.get("train", 0) > 0
            and abs(sum(v.values()) - 1) < 1e-6
        ),
    ),
    "data.repeats": ("1 or more", lambda v: v >= 1),
    "data.share": ("a share above 0, up to 1", lambda v: 0 < v <= 1),
    "encoder.base": ("a hub id or a folder", lambda v: v.strip() != ""),
    "encoder.window": ("16 tokens or more", lambda v: v >= 16),
    "loss.stance": _WEIGHT,
    "loss.evidence": _WEIGHT,
    "loss.smoothing": _SHARE,
    "optimizer.trainings": ("1 or more", lambda v: v >= 1),
    "optimizer.epochs": _POSITIVE,
    "optimizer.batch": _POSITIVE,
    "optimizer.rate": _WEIGHT,
    "optimizer.head_rate": _POSITIVE,
    "optimizer.warmup": _SHARE,
    "optimizer.weight_decay": _WEIGHT,
    "optimizer.clip": _POSITIVE,
    "optimizer.dropout": _SHARE,
    "optimizer.encoder_dropout": _SHARE,
    "optimizer.masked": _SHARE,
    "abstention.relevance": _SHARE,
    "abstention.stance": _SHARE,
    "run.precision": ('"bf16" or "no"', lambda v: v in ("bf16", "no")),
    "run.attention": ('"auto" or "eager"', lambda v: v in ("auto", "eager")),
}


@dataclass(frozen=True)
class DataConfig:
    """Section ``data``."""

    taxonomy: str
    bundled: bool
    extra: tuple[str, ...]
    annotations: tuple[str, ...]
    held_out: tuple[str, ...]
    set_aside: tuple[str, ...]
    repeats: int
    shares: Mapping[str, float]
    by_outlet: bool
    share: float


@dataclass(frozen=True)
class EncoderConfig:
    """Section ``encoder``."""

    base: str
    pretrained: bool
    window: int
    overlap: int


@dataclass(frozen=True)
class LossConfig:
    """Section ``loss``."""

    stance: float
    evidence: float
    smoothing: float


@dataclass(frozen=True)
class OptimizerConfig:
    """Section ``optimizer``."""

    trainings: int
    epochs: float
    batch: int
    rate: float
    head_rate: float
    warmup: float
    weight_decay: float
    clip: float
    dropout: float
    encoder_dropout: float
    masked: float
    by_length: bool


@dataclass(frozen=True)
class AbstentionConfig:
    """Section ``abstention``."""

    relevance: float
    stance: float


@dataclass(frozen=True)
class RunConfig:
    """Section ``run``."""

    precision: str
    attention: str
    compile: bool
    gradient_checkpointing: bool
    int8: bool


@dataclass(frozen=True)
class Config:
    """Everything that makes a checkpoint out of data; the keys are explained in ``configs/base.toml``."""

    name: str
    seed: int
    data: DataConfig
    encoder: EncoderConfig
    loss: LossConfig
    optimizer: OptimizerConfig
    abstention: AbstentionConfig
    run: RunConfig

    def to_toml(self) -> str:
        """As a file that ``read_config`` reads back equal."""
        plain = dataclasses.asdict(self)
        lines = [f"{key} = {_toml(value)}" for key, value in plain.items() if not isinstance(value, dict)]
        for section, values in plain.items():
            if isinstance(values, dict):
                lines += ["", f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
        return "\n".join(lines) + "\n"


def read_config(path: Path | None = None, **changes: Mapping[str, Any] | Any) -> Config:
    """``configs/base.toml``, then ``path`` over it, then ``changes`` (sections as mappings).

    Raises:
        ConfigError: ``no_config``, ``bad_config``, ``unknown_key``, ``bad_value``; ``where`` names the key.
    """
    values = toml_file(BASE)
    for layer in (toml_file(path) if path else {}, changes):
        lay_over(values, layer)
    sections: dict[str, Any] = {}
    for name, kind in get_type_hints(Config).items():
        value = values[name]
        if dataclasses.is_dataclass(kind):
            hints = get_type_hints(kind)
            value = kind(**{key: _typed(hints[key], v, f"{name}.{key}") for key, v in value.items()})  # type: ignore[operator]  # a class
        else:
            value = _typed(kind, value, name)
        sections[name] = value
    config = Config(**sections)
    if not 0 <= config.encoder.overlap < config.encoder.window - 2:  # the window's own two special tokens
        raise ConfigError(
            "bad_value",
            f"windows of {config.encoder.window} can't overlap by {config.encoder.overlap}",
            where="encoder.overlap",
        )
    return config if config.optimizer.rate else _with_rate(config)


def _with_rate(config: Config) -> Config:
    """``config`` with the rate that suits its encoder."""
    bundled = ROOT / toml_file(BASE)["encoder"]["base"]
    rate = _BUNDLED_RATE if (ROOT / config.encoder.base).resolve() == bundled.resolve() else _OTHER_RATE
    return dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, rate=rate))


def lay_over(values: dict[str, Any], layer: Mapping[str, Any]) -> None:
    """Put the keys of ``layer`` in the place of those of ``values``; sections key by key.

    Raises:
        ConfigError: ``unknown_key`` for what ``values`` does not have, ``bad_value`` for a section that is none.
    """
    for name, value in layer.items():
        if name not in values:
            raise ConfigError("unknown_key", f"known: {', '.join(values)}", where=name)
        if isinstance(values[name], dict):
            if not isinstance(value, Mapping):
                raise ConfigError("bad_value", "a section is wanted", where=name)
            for key in value:
                if key not in values[name]:
                    raise ConfigError("unknown_key", f"known: {', '.join(values[name])}", where=f"{name}.{key}")
            values[name] |= value
        else:
            values[name] = value


def _typed(kind: Any, value: Any, where: str) -> Any:
    """``value`` as ``kind``, within what ``_WANTED`` allows."""
    if kind is float and _number(value):
        value = float(value)
    elif kind == tuple[str, ...]:
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise ConfigError("bad_value", f"{value!r} where a list of strings is wanted", where=where)
        value = tuple(value)
    elif get_origin(kind) is Mapping:
        if not isinstance(value, Mapping) or not all(map(_number, value.values())):
            raise ConfigError("bad_value", f"{value!r} where numbers by name are wanted", where=where)
        value = {name: float(number) for name, number in value.items()}
    elif not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError("bad_value", f"{value!r} where {kind.__name__} is wanted", where=where)
    if where in _WANTED:
        wanted, holds = _WANTED[where]
        if not holds(value):
            raise ConfigError("bad_value", f"{value!r} where {wanted} is wanted", where=where)
    return value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def toml_file(path: Path) -> dict[str, Any]:
    """The keys and sections of a TOML file.

    Raises:
        ConfigError: ``no_config`` where there is no such file, ``bad_config`` where it is not TOML in UTF-8.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError("no_config", error.strerror or "can't be read", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("bad_config", str(error), where=str(path)) from error


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    return repr(value)
