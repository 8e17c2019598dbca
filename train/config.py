"""The training configuration: one frozen object, read from TOML laid over ``configs/base.toml``."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from data.errors import ConfigError

BASE = Path(__file__).parent / "configs" / "base.toml"
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class DataConfig:
    """Section ``data``."""

    taxonomy: str
    bundled: bool
    extra: tuple[str, ...]
    annotations: tuple[str, ...]
    held_out: tuple[str, ...]
    shares: Mapping[str, float]
    by_outlet: bool


@dataclass(frozen=True)
class EncoderConfig:
    """Section ``encoder``."""

    base: str
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

    epochs: float
    batch: int
    rate: float
    head_rate: float
    warmup: float
    weight_decay: float
    clip: float
    dropout: float


@dataclass(frozen=True)
class RunConfig:
    """Section ``run``."""

    precision: str
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
    values = _toml_file(BASE)
    for layer in (_toml_file(path) if path else {}, changes):
        _lay_over(values, layer)
    sections: dict[str, Any] = {}
    for name, kind in get_type_hints(Config).items():
        value = values[name]
        if dataclasses.is_dataclass(kind):
            hints = get_type_hints(kind)
            value = kind(**{key: _typed(hints[key], v, f"{name}.{key}") for key, v in value.items()})  # type: ignore[operator]  # a class
        else:
            value = _typed(kind, value, name)
        sections[name] = value
    return Config(**sections)


def _lay_over(values: dict[str, Any], layer: Mapping[str, Any]) -> None:
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
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    plain = {bool: bool, int: int, float: float, str: str}.get(kind)
    if plain is None:
        return tuple(value) if isinstance(value, list | tuple) else value
    if not isinstance(value, plain) or (plain is int and isinstance(value, bool)):
        raise ConfigError("bad_value", f"{value!r} where {plain.__name__} is wanted", where=where)
    return value


def _toml_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError("no_config", "no such file", where=str(path)) from error
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
