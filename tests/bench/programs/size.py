"""Size of distributions with all that they need: ``python size.py 'infinity-emb[server]' uvicorn`` prints JSON."""

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement


def closure(roots: list[str]) -> dict[str, str]:
    """Name to version of ``roots`` and what they need, of what is installed."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(root).name, extra) for root in roots for extra in ("", *Requirement(root).extras)]
    while waiting:
        name, extra = waiting.pop()
        name = re.sub(r"[-_.]+", "-", name).lower()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            dist = distribution(name)
        except PackageNotFoundError:
            continue
        found[name] = dist.version
        for line in dist.requires or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                waiting += [(need.name, wanted) for wanted in ("", *need.extras)]
    return found


def size(name: str) -> int:
    """Bytes of a distribution's files in this environment; what lies elsewhere, as a working copy does, is left out."""
    paths = (Path(str(path.locate())) for path in distribution(name).files or [])
    return sum(path.stat().st_size for path in paths if path.is_relative_to(sys.prefix) and path.is_file())


if __name__ == "__main__":
    versions = closure(sys.argv[1:])
    print(json.dumps({"size": sum(map(size, versions)) / 1e6, "versions": versions}))
