"""``POST /classify``: articles in, answers out."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request

from data.article import Article
from data.errors import ArticleError
from models.classifier import Answer
from models.contract import Contract
from serve.description import scoring
from serve.door import Door
from serve.reading import Refused, read_classify
from serve.schema import ArticleIn, ClassifyIn, ClassifyOut, ModelOut, ResultOut, error_out, result_out


def mount_classify(app: FastAPI, door: Door) -> None:
    """Add ``/classify``."""

    @app.post("/classify", **scoring(_request_schema(door.settings.max_articles)))
    async def classify(request: Request) -> ClassifyOut:
        """Score articles: same order, same length; an article that can't be scored is an ``error`` in its place."""
        scored = await door.score(request, read_classify)
        checkpoint, contract = scored.loaded.checkpoint, scored.loaded.classifier.contract
        return ClassifyOut(
            model=ModelOut(name=checkpoint.name, digest=checkpoint.digest),
            results=[
                _result(item, place, answer, contract)
                for item, place, answer in zip(scored.given.articles, scored.given.places, scored.answers, strict=True)
            ],
        )


def _result(item: Article | Refused, place: str, answer: Answer | ArticleError, contract: Contract) -> ResultOut:
    """One answer; an error names the field as the client sent it."""
    if isinstance(answer, Answer):
        return result_out(answer, contract)
    where = ".".join(filter(None, (place, answer.where)))
    return error_out(item.id, ArticleError(answer.code, answer.message, where=where))


def _request_schema(most: int) -> dict[str, Any]:
    """A text with its title, or articles; of these any value is read, and answered in its place."""
    schema = ClassifyIn.model_json_schema()
    anything = {"description": "Anything else is answered with an error in its place."}
    article = {"anyOf": [ArticleIn.model_json_schema(), anything]}
    null = {"type": "null"}
    articles = {"type": "array", "items": article, "minItems": 1, "maxItems": most}
    text, title = schema["properties"]["text"], schema["properties"]["title"]
    alone = {"required": ["text"], "properties": {"text": {"type": "string"}, "articles": null}}
    listed = {"required": ["articles"], "properties": {"text": null, "title": null, "articles": articles}}
    schema["properties"] = {"text": text, "title": title, "articles": {"anyOf": [articles, null]}}
    return {**schema, "oneOf": [alone, listed]}
