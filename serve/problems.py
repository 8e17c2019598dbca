"""What goes wrong with a request, as RFC 9457 problems."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from data.errors import ArticleError, CheckpointError, ConfigError, DataError, OverloadError, WijhaError
from serve.logs import frames
from serve.schema import Problem
from serve.trace import note_problem

MEDIA_TYPE = "application/problem+json"
# The one map from our errors to HTTP; a RequestError has a status of its own.
STATUS: dict[type[WijhaError], int] = {
    OverloadError: 429,
    CheckpointError: 503,
    ConfigError: 503,
    DataError: 422,
    ArticleError: 422,
    WijhaError: 500,
}
_TITLES = {
    400: "Bad request",
    401: "Key wanted",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Not yet",
    413: "Too large",
    415: "Unsupported media type",
    421: "Another host",
    422: "Not usable",
    429: "Too many requests",
    499: "Client left",
    500: "Internal error",
    503: "Not ready",
    504: "Too late",
    507: "No room",
}
_LONGEST = 300  # of what a client sent, as a problem says it again
_log = logging.getLogger(__name__)


class RequestError(DataError):
    """Why a request as a whole is not answered, with its HTTP status and headers."""

    def __init__(
        self, status: int, code: str, message: str, *, where: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code, message, where=where)
        self.status = status
        self.headers = dict(headers or {})


class Faults:
    """Answers a fault of ours: the client learns that there was one, the log where.

    Neither gets the exception's message, which may quote an article. A handler for ``Exception`` would not do:
    Starlette raises the exception again behind it, and the server logs all of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # whatever it is: the client must get an answer, the log its place
            if scope["type"] != "http":  # what fails when the server starts is the server's to report
                raise
            _log.error("%s", frames(error))
            answer = _response(500, "internal", "a fault of the server's; its log says where", "", {})
            await answer(scope, receive, send)


def problem(error: WijhaError) -> JSONResponse:
    """The answer that says ``error``."""
    if isinstance(error, RequestError):
        status, headers = error.status, error.headers
    else:
        status, headers = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), {}
    if status in (429, 503):
        headers = {"Retry-After": "1", **headers}
    return _response(status, error.code, error.message, error.where, headers)


def mount_problems(app: FastAPI) -> None:
    """Make every error of a route one of our problems."""

    async def ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, WijhaError)  # noqa: S101 - for the type checker: Starlette looks handlers up by type
        return problem(error)

    async def theirs(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_methods(request))
        return _response(error.status_code, code, str(error.detail), "", headers)

    async def unusable(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        first = error.errors()[0]
        return _response(422, "bad_request", first["msg"], ".".join(map(str, first["loc"])), {})

    app.add_exception_handler(WijhaError, ours)
    app.add_exception_handler(HTTPException, theirs)
    app.add_exception_handler(RequestValidationError, unusable)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's ``responses``: problems under their media type."""
    schema = Problem.model_json_schema()
    return {
        status: {"description": _TITLES[status], "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses
    }


def _methods(request: Request) -> list[str]:
    """What this path can be asked with; the framework says it of the first route alone."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    fitting = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in fitting for method in route.methods or ()})


def _response(status: int, code: str, detail: str, where: str, headers: dict[str, str]) -> JSONResponse:
    note_problem(code)
    body = Problem(
        title=_TITLES.get(status, "Error"), status=status, code=code, detail=sayable(detail), where=sayable(where)
    )
    return JSONResponse(body.model_dump(), status, headers, media_type=MEDIA_TYPE)


def sayable(text: str) -> str:
    """Text as UTF-8 can say it, and not long: a client's own key may be part of it."""
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return text.encode("utf-8", "replace").decode()
