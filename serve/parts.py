"""Tables in parts, on any storage that fsspec knows: found, fetched, and published whole or not at all.

Beside the parts of an output, in ``_wijha/``, lies a mark for each finished one: what it was made from. Readers of
such folders (Arrow, Spark, Ray) pass over names that begin with an underscore.
"""

from __future__ import annotations

import json
import posixpath
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import ConfigError, DataError
from data.sources import kind_of
from data.writers import check_ending

_MARKS = "_wijha"


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        name: its path below the folder that all parts share.
        source, target: URLs; a part is written in the kind it was read in.
        mark: URL of the target's mark.
        stamp: another one when the source is.
    """

    name: str
    source: str
    target: str
    mark: str
    stamp: str


def find_parts(inputs: Sequence[str], target: str, *, excel: bool = False) -> list[Part]:
    """The tables of files, folders (with what is below them) and globs, each once, sorted by path.

    Args:
        inputs: paths or URLs, all on one storage.
        target: a folder, as a path or URL; its own parts are not among the inputs.
        excel: see ``data.writers.Writer``.

    Raises:
        DataError: ``source_missing``, ``same_file``, ``bad_target``.
        ConfigError: ``bad_storage``, ``missing_extra``.
    """
    storage, out = open_storage(target)
    found: dict[str, Any] = {}
    for given in inputs:
        here, path = open_storage(given)
        if here == storage and path == out:
            raise DataError("same_file", "the output would overwrite the input", where=target)
        if here.isdir(path):
            below = {p: posixpath.relpath(p, path) for p in here.find(path)}
            paths = [p for p, name in below.items() if _shown(name) and not (here == storage and _within(p, out))]
        else:
            paths = [path] if here.isfile(path) else [p for p in here.glob(path) if here.isfile(p)]
        if not paths:
            raise DataError("source_missing", "no table there", where=given)
        found |= dict.fromkeys(paths, here)
    if any(here != next(iter(found.values())) for here in found.values()):
        raise ConfigError("bad_storage", "all inputs must lie on one storage", where=", ".join(inputs))
    base = posixpath.commonpath([posixpath.dirname(path) for path in found])
    parts = []
    for path, here in sorted(found.items()):
        name = posixpath.relpath(path, base)
        name = name if kind_of(Path(name)) else f"{name}.csv"
        check_ending(Path(name), excel=excel)
        urls = [storage.unstrip_protocol(f"{out}/{below}") for below in (name, f"{_MARKS}/{name}.json")]
        parts.append(Part(name, here.unstrip_protocol(path), urls[0], urls[1], str(here.ukey(path))))
    return parts


def is_file(target: str) -> bool:
    """Whether ``target`` names one table, by its ending; else it is a folder of parts."""
    return kind_of(Path(target)) is not None


def fetch(part: Part, folder: Path) -> Path:
    """A copy of the part's source in ``folder``, under its own name."""
    storage, path = open_storage(part.source)
    local = folder / posixpath.basename(path)
    storage.get_file(path, str(local))
    return local


def publish(local: Path, part: Part, mark: Mapping[str, Any]) -> None:
    """Give a finished table its name, then its mark: cut off at any moment, no half of a part stands under its name."""
    storage, path = open_storage(part.target)
    _, marked = open_storage(part.mark)
    beside = f"{posixpath.dirname(marked)}/{uuid.uuid4().hex}.part"
    storage.makedirs(posixpath.dirname(path), exist_ok=True)
    storage.makedirs(posixpath.dirname(marked), exist_ok=True)
    for file, name in ((local, path), (_written(local, mark), marked)):
        storage.put_file(str(file), beside)
        storage.mv(beside, name)


def read_mark(part: Part) -> dict[str, Any] | None:
    """The mark of a part that is there; ``None`` where there is none."""
    storage, path = open_storage(part.mark)
    if not storage.exists(path) or not storage.exists(open_storage(part.target)[1]):
        return None
    found = json.loads(storage.cat_file(path))
    return found if isinstance(found, dict) else None


def _written(local: Path, mark: Mapping[str, Any]) -> Path:
    file = local.with_name(f"{local.name}.mark")
    file.write_text(json.dumps(mark, ensure_ascii=False), encoding="utf-8")
    return file


def _within(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")


def _shown(name: str) -> bool:
    """Whether a file of a folder is one of its parts."""
    hidden = any(piece.startswith(("_", ".")) or piece.endswith(".work") for piece in name.split("/"))
    return not hidden and (kind_of(Path(name)) is not None or name.lower().endswith(".zip"))


def open_storage(url: str) -> tuple[Any, str]:
    """The fsspec file system of a path or URL, and the path there.

    Raises:
        ConfigError: ``bad_storage``; ``missing_extra`` where fsspec, or what it needs for this storage, is missing.
    """
    try:
        from fsspec.core import url_to_fs

        storage, path = url_to_fs(url)  # type: ignore[no-untyped-call]
    except ImportError as error:
        raise ConfigError(
            "missing_extra", f"{error}; pip install --editable '.[ray]' in the clone brings fsspec itself", where=url
        ) from error
    except ValueError as error:
        raise ConfigError("bad_storage", str(error), where=url) from error
    return storage, str(path)
