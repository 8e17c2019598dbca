"""The HTTP API. ``python -m serve api``."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from data.article import Article
from data.errors import ArticleError, CheckpointError, ConfigError, DataError, OverloadError, WijhaError
from models.backends import cores
from serve.engine import Engine, Loaded
from serve.gate import Gate
from serve.schema import (
    ArticleIn,
    ClassifyIn,
    ClassifyOut,
    ModelOut,
    Name,
    Problem,
    ResultOut,
    TopicInfo,
    error_out,
    result_out,
)
from serve.settings import Settings

_log = logging.getLogger(__name__)
# The one map from our errors to HTTP. RequestError is what a client did; the rest is ours or the model's state.
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
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    422: "Not usable",
    429: "Too many requests",
    500: "Internal error",
    503: "Not ready",
}


class RequestError(DataError):
    """What is wrong with a request as a whole, with its HTTP status."""

    def __init__(self, status: int, code: str, message: str, *, where: str = "") -> None:
        super().__init__(code, message, where=where)
        self.status = status


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
            _log.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            answer = _problem(500, "internal", "a fault of the server's; its log says where", "", {})
            await answer(scope, receive, send)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; the model is loaded in the background when it starts."""
    settings = settings or Settings.read()
    engine = Engine(settings)
    gate = Gate(running=settings.streams or cores(), waiting=settings.max_waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        engine.start()
        yield

    problems: dict[int | str, dict[str, Any]] = {
        status: {"content": {"application/problem+json": {"schema": Problem.model_json_schema()}}}
        for status in (400, 413, 422, 429, 500, 503)
    }
    app = FastAPIOffline(  # /docs with its scripts from this machine, not from a CDN
        redoc_url=None,
        static_url="/docs/assets",
        title="Wijha",
        summary="Topics, stance and evidence in Arabic news",
        version="0.1.0",
        lifespan=lifespan,
        responses={status: problems[status] for status in (500, 503)},
        exception_handlers={WijhaError: _wijha_problem, HTTPException: _http_problem},
    )
    app.add_middleware(Faults)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        """The model is loaded and passed its self-test (503 until then)."""
        return {"status": "ready", "model": engine.loaded.checkpoint.name}

    @app.get("/model")
    async def model() -> dict[str, Any]:
        """The loaded checkpoint: digest, contract, measured quality, and this server's limits."""
        loaded = engine.loaded
        manifest = {k: v for k, v in loaded.checkpoint.manifest.items() if k != "files"}
        limits = {name: getattr(settings, name) for name in ("max_body_bytes", "max_articles", "max_characters")}
        return {"digest": loaded.checkpoint.digest, **manifest, "metrics": loaded.metrics, "limits": limits}

    @app.get("/topics")
    async def topics() -> list[TopicInfo]:
        """The topics, in the order of every answer."""
        contract = engine.loaded.classifier.contract
        return [
            TopicInfo(
                id=t.id,
                name=Name(ar=t.ar, en=t.en),
                target=t.target,
                threshold=c.threshold,
                stances=list(contract.taxonomy.stances),
            )
            for t, c in zip(contract.taxonomy.topics, contract.calibration, strict=True)
        ]

    @app.post(
        "/classify",
        responses=problems,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _request_schema()}},
            }
        },
    )
    async def classify(request: Request) -> ClassifyOut:
        """Score articles: same order, same length; an article that can't be scored is an ``error`` in its place."""
        loaded = engine.loaded
        given = _parse(await _body(request, settings.max_body_bytes))
        wanted = _articles(given, settings)
        async with gate.turn():
            results = await to_thread.run_sync(_classify, loaded, wanted, given.articles is not None)
        return ClassifyOut(
            model=ModelOut(name=loaded.checkpoint.name, digest=loaded.checkpoint.digest), results=results
        )

    return app


def _request_schema() -> dict[str, Any]:
    schema = ClassifyIn.model_json_schema()
    article = ArticleIn.model_json_schema()
    schema["properties"]["articles"] = {"type": "array", "items": article, "minItems": 1}
    return {**schema, "anyOf": [{"required": ["text"]}, {"required": ["articles"]}]}


async def _body(request: Request, most: int) -> bytes:
    """The body, given up as soon as it is too large."""
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise RequestError(413, "body_too_large", f"more than {most} bytes", where="body")
            parts.append(part)
    except ClientDisconnect as error:  # nobody is there to read this; but it is no fault to be logged
        raise RequestError(400, "disconnected", "the client left before the body was whole", where="body") from error
    return b"".join(parts)


def _parse(body: bytes) -> ClassifyIn:
    try:
        return ClassifyIn.model_validate(json.loads(body))
    except RecursionError as error:
        raise RequestError(400, "bad_json", "nested too deep", where="body") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise RequestError(
            422, "bad_request", first["msg"], where=".".join(map(str, first["loc"])) or "body"
        ) from error
    except ValueError as error:  # not JSON, or not UTF-8
        raise RequestError(400, "bad_json", f"not JSON: {error}", where="body") from error


def _articles(request: ClassifyIn, settings: Settings) -> list[Article | tuple[str, ArticleError]]:
    """What is to be scored, each in its place; what can't be is its id and error."""
    if (request.text is None) == (request.articles is None):
        raise RequestError(422, "bad_request", "either text or articles is wanted", where="body")
    given = request.articles
    if given is None:
        given = [{"text": request.text, "title": request.title}]
    elif request.title is not None:
        raise RequestError(422, "bad_request", "a title goes into its article", where="title")
    if not given:
        raise RequestError(422, "bad_request", "no article", where="articles")
    if len(given) > settings.max_articles:
        raise RequestError(
            413, "too_many_articles", f"{len(given)} where {settings.max_articles} are allowed", where="articles"
        )
    return [_article(value, place, settings.max_characters) for place, value in enumerate(given)]


def _article(value: Any, place: int, most: int) -> Article | tuple[str, ArticleError]:
    name = str(place)
    if isinstance(value, dict) and isinstance(value.get("id"), str | int) and not isinstance(value["id"], bool):
        name = str(value["id"]).encode("utf-8", "replace").decode()
    try:
        article = ArticleIn.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return name, ArticleError("bad_article", first["msg"], where=".".join(map(str, first["loc"])))
    length = len(article.text) + len(article.title or "")
    if length > most:
        message = f"{length} characters where {most} are allowed"
        return name, ArticleError("article_too_long", message, where="text")
    return Article(name, article.title or "", article.text)


def _classify(loaded: Loaded, wanted: Sequence[Article | tuple[str, ArticleError]], listed: bool) -> list[ResultOut]:
    """Results in order; ``listed``: whether the client sent a list, so that an error names the field as it did."""
    answers = iter(loaded.classifier.classify([item for item in wanted if isinstance(item, Article)]))
    results = []
    for place, item in enumerate(wanted):
        name, answer = item if isinstance(item, tuple) else (item.id, next(answers))
        if isinstance(answer, ArticleError):
            where = ".".join(filter(None, (f"articles[{place}]" if listed else "", answer.where)))
            results.append(error_out(name, ArticleError(answer.code, answer.message, where=where)))
        else:
            results.append(result_out(answer, loaded.classifier.contract))
    return results


async def _wijha_problem(_: Request, error: WijhaError) -> JSONResponse:
    status = (
        error.status if isinstance(error, RequestError) else next(STATUS[k] for k in type(error).__mro__ if k in STATUS)
    )
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    return _problem(status, error.code, error.message, error.where, headers)


async def _http_problem(_: Request, error: HTTPException) -> JSONResponse:
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    return _problem(error.status_code, code, str(error.detail), "", dict(error.headers or {}))


def _problem(status: int, code: str, detail: str, where: str, headers: dict[str, str]) -> JSONResponse:
    body = Problem(title=_TITLES.get(status, "Error"), status=status, code=code, detail=detail, where=where)
    return JSONResponse(body.model_dump(), status, headers, media_type="application/problem+json")
