"""The page at ``/``: one HTML file with its scripts and styles, as they lie in ``serve/page``; nothing is built."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).parent / "page"
# Said here, for what a system knows of endings differs, and a script under another type is not run.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """A file of the page and its ETag."""

    body: bytes
    kind: str
    tag: str

    def answer(self, request: Request) -> Response:
        """The file, or 304 where the client has it."""
        # asked for anew each time, and answered with 304 where it is the same
        headers = {"Cache-Control": "no-cache", "ETag": self.tag}
        if self.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(self.body, media_type=self.kind, headers=headers)


def mount_pages(app: FastAPI) -> None:
    """Add ``/`` and ``/page/*``. The files are read once, here: no path that a client sends is ever opened."""
    assets = {path.name: _asset(path) for path in sorted(FOLDER.iterdir()) if path.suffix in _TYPES}

    @app.head("/", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return assets["index.html"].answer(request)

    @app.get("/page/{name}", include_in_schema=False)
    async def asset(request: Request, name: str) -> Response:
        if name not in assets:
            raise HTTPException(404, "no such file")
        return assets[name].answer(request)


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(body, _TYPES[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:20]}"')
