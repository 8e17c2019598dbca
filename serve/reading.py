"""A request's body, and the articles in it: every limit is checked here, before anything is tokenised."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from fastapi import Request
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from data.article import Article
from data.errors import ArticleError
from serve.problems import RequestError, sayable
from serve.schema import LONGEST_ID, ArticleIn, ClassifyIn
from serve.settings import Settings


@dataclass(frozen=True)
class Refused:
    """An article that is not scored, in its place."""

    id: str
    error: ArticleError


@dataclass(frozen=True)
class Given:
    """What a request asks for.

    Attributes:
        articles: in the order sent.
        places: for each, how the client would name it (``articles[3]``); empty for a single text.
    """

    articles: tuple[Article | Refused, ...]
    places: tuple[str, ...]


def left() -> RequestError:
    """For a client that is not there any more: nobody reads this, but it is no fault to be logged."""
    return RequestError(499, "disconnected", "the client left")


async def read_body(request: Request, most: int) -> bytes:
    """The body, given up as soon as it is too large.

    Raises:
        RequestError: ``unsupported_media_type``, ``unsupported_encoding``, ``body_too_large``, ``disconnected``.
    """
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    # Asked for by name: a page of another origin can send anything else to us without the browser's asking first.
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise RequestError(415, "unsupported_media_type", "application/json in UTF-8 is wanted", where="content-type")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        message = "a compressed body is not read; send it as it is"
        raise RequestError(415, "unsupported_encoding", message, where="content-encoding")
    too_large = RequestError(413, "body_too_large", f"more than {most} bytes", where="body")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        raise too_large
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise too_large
            parts.append(part)
    except ClientDisconnect as error:
        raise left() from error
    return b"".join(parts)


def parse(body: bytes) -> Any:
    """JSON as RFC 8259 has it: UTF-8, no name twice in an object, no NaN.

    Raises:
        RequestError: ``bad_json``.
    """
    try:
        return json.loads(body.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise RequestError(400, "bad_json", f"not UTF-8 at byte {error.start}", where="body") from error
    except RecursionError as error:
        raise RequestError(400, "bad_json", "nested too deep", where="body") from error
    except ValueError as error:
        raise RequestError(400, "bad_json", f"not JSON: {error}", where="body") from error


def read_classify(value: Any, settings: Settings) -> Given:
    """The articles of a request to ``/classify``; one that can't be scored is ``Refused``.

    Raises:
        RequestError: ``bad_request``, ``too_many_articles``.
    """
    try:
        request = ClassifyIn.model_validate(value)
    except ValidationError as error:
        message, where = first_error(error)
        raise RequestError(422, "bad_request", message, where=where or "body") from error
    if (request.text is None) == (request.articles is None):
        raise RequestError(422, "bad_request", "either text or articles is wanted", where="body")
    if request.articles is None:
        item = {"text": request.text, "title": request.title}
        return Given((read_article(item, 0, settings.max_characters),), ("",))
    if request.title is not None:
        raise RequestError(422, "bad_request", "a title goes into its article", where="title")
    check_count(request.articles, settings.max_articles, where="articles")
    articles = [read_article(item, place, settings.max_characters) for place, item in enumerate(request.articles)]
    return Given(tuple(articles), tuple(f"articles[{place}]" for place in range(len(articles))))


def check_count(items: Sequence[Any], most: int, *, where: str) -> None:
    """Some, and not too many.

    Raises:
        RequestError: ``bad_request``, ``too_many_articles``.
    """
    if not items:
        raise RequestError(422, "bad_request", "no article", where=where)
    if len(items) > most:
        raise RequestError(413, "too_many_articles", f"{len(items)} where {most} are allowed", where=where)


def read_article(value: Any, place: int, most: int) -> Article | Refused:
    """One article as it was sent; ``place`` is its name where it has none."""
    name = str(place)
    try:
        article = ArticleIn.model_validate(value)
    except ValidationError as error:
        message, where = first_error(error, depth=1)  # an id's type is no place
        if isinstance(value, dict):
            name = _name(value.get("id"), name)
        return Refused(name, ArticleError("bad_article", message, where=where))
    if article.id is not None and len(str(article.id)) > LONGEST_ID:
        return Refused(name, ArticleError("bad_article", f"an id of more than {LONGEST_ID} characters", where="id"))
    name = _name(article.id, name)
    length = len(article.text) + len(article.title or "")
    if length > most:
        message = f"{length} characters where {most} are allowed"
        return Refused(name, ArticleError("article_too_long", message, where="text"))
    return Article(name, article.title or "", article.text)


def _name(value: Any, otherwise: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > LONGEST_ID:
        return otherwise
    return str(value).encode("utf-8", "replace").decode()


def first_error(error: ValidationError, depth: int = 9) -> tuple[str, str]:
    """What pydantic found first: message and field; what the client sent is not said again."""
    first = error.errors(include_url=False, include_input=False)[0]
    return first["msg"], sayable(".".join(map(str, first["loc"][:depth])))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
