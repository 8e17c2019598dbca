"""Results of long work, each in a file of its own: what is there is not made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.errors import DataError


def kept(path: Path, key: str, made: Callable[[], dict[str, Any]], said: Callable[[str], None]) -> dict[str, Any]:
    """What ``path`` holds, if it was made under ``key`` (which names all it depends on); else it is made and written.

    Raises:
        DataError: ``bad_results`` where the file is none of ours.
    """
    if path.is_file():
        before = read_result(path)
        if before["key"] == key:
            said(f"{path}: there already")
            found: dict[str, Any] = before["result"]
            return found
    result = made()
    beside = path.with_name(path.name + ".part")
    text = json.dumps({"key": key, "result": result}, ensure_ascii=False, indent=1, allow_nan=False)
    beside.write_text(text, encoding="utf-8")
    beside.rename(path)
    return result


def read_result(path: Path) -> dict[str, Any]:
    """A file that ``kept`` wrote: ``key`` and ``result``.

    Raises:
        DataError: ``bad_results``.
    """
    return _read(path, ("key", "result"))


def read_sweep(path: Path) -> dict[str, Any]:
    """A ``results.json`` that ``train.sweep`` wrote: ``rows`` and ``baselines``.

    Raises:
        DataError: ``source_missing``, ``bad_results``.
    """
    if not path.is_file():
        raise DataError("source_missing", "no such file of results", where=str(path))
    return _read(path, ("rows", "baselines"))


def _read(path: Path, keys: tuple[str, str]) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return {key: values[key] for key in keys}
    except (ValueError, KeyError, TypeError) as error:
        raise DataError("bad_results", f"not results of ours: {error!r}", where=str(path)) from error
