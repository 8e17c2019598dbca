"""``POST /predict``: text classification as clients of Hugging Face and of text-embeddings-inference speak it."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.article import Article
from data.errors import ArticleError
from models.classifier import Answer
from serve.description import scoring
from serve.door import Door
from serve.problems import RequestError
from serve.reading import Given, Refused, check_count, first_error, read_article
from serve.settings import Settings


class Prediction(BaseModel):
    """A topic's id and its calibrated probability. Topics are independent: the scores do not sum to one."""

    label: str
    score: float


class Parameters(BaseModel):
    """What Hugging Face's clients send beside the text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    top_k: int | None = Field(None, ge=1, description="Only the likeliest; default: all topics.")
    function_to_apply: Literal["sigmoid", "softmax", "none"] | None = Field(None, description="`sigmoid` alone.")


class PredictIn(BaseModel):
    """One input, or many. An input is a text, or a list of a text, or a list of a headline and a text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    inputs: Any
    parameters: Parameters | None = None
    truncate: bool | None = Field(None, description="Read and without effect: nothing is ever cut off.")
    truncation_direction: str | None = Field(None, description="Likewise.")
    raw_scores: bool | None = Field(None, description="Only `false`: scores are probabilities.")
    options: dict[str, Any] | None = Field(None, description="Of a hosted service; without effect.")


def mount_predict(app: FastAPI, door: Door) -> None:
    """Add ``/predict``."""

    @app.post("/predict", **scoring(_request_schema(door.settings.max_articles)))
    async def predict(request: Request) -> list[Prediction] | list[list[Prediction]]:
        """The topics of each input with their probabilities, likeliest first.

        One input that can't be scored fails the request: this shape has no place for its error. `/classify` has one,
        and stances and evidence besides.
        """
        asked: list[PredictIn] = []

        def read(value: Any, settings: Settings) -> Given:
            asked.append(_read(value))
            return _given(asked[0], settings)

        scored = await door.score(request, read)
        (wanted,) = asked
        most = wanted.parameters.top_k if wanted.parameters else None
        pairs = zip(scored.answers, scored.given.places, strict=True)
        lists = [_predictions(answer, place, most) for answer, place in pairs]
        # The one difference between the two kinds of client, who can be told apart by ``parameters``: for one text,
        # Hugging Face's take the first of a list of lists, text-embeddings-inference's a list.
        return lists if isinstance(wanted.inputs, list) or wanted.parameters is not None else lists[0]


def _read(value: Any) -> PredictIn:
    try:
        asked = PredictIn.model_validate(value)
    except ValidationError as error:
        message, where = first_error(error)
        raise RequestError(422, "bad_request", message, where=where or "body") from error
    function = asked.parameters.function_to_apply if asked.parameters else None
    if function in ("softmax", "none"):
        message = f"{function} would not be a probability here: topics are independent; sigmoid is applied"
        raise RequestError(422, "unsupported_function", message, where="parameters.function_to_apply")
    if asked.raw_scores:
        raise RequestError(422, "unsupported_function", "scores are probabilities, not logits", where="raw_scores")
    return asked


def _given(asked: PredictIn, settings: Settings) -> Given:
    most = settings.max_characters
    if isinstance(asked.inputs, str):
        return Given((_whole(read_article({"text": asked.inputs}, 0, most), "inputs"),), ("inputs",))
    if not isinstance(asked.inputs, list):
        raise RequestError(422, "bad_request", "a text, or a list of them, is wanted", where="inputs")
    check_count(asked.inputs, settings.max_articles, where="inputs")
    places = tuple(f"inputs[{place}]" for place in range(len(asked.inputs)))
    articles = []
    for number, (item, place) in enumerate(zip(asked.inputs, places, strict=True)):
        parts = item if isinstance(item, list) else [item]
        if len(parts) not in (1, 2) or not all(isinstance(part, str) for part in parts):
            raise RequestError(422, "bad_request", "a text, or a headline and a text, is wanted", where=place)
        title, text = parts if len(parts) == 2 else ("", parts[0])
        articles.append(_whole(read_article({"title": title, "text": text}, number, most), place))
    return Given(tuple(articles), places)


def _whole(article: Article | Refused, place: str) -> Article:
    if isinstance(article, Refused):
        raise ArticleError(article.error.code, article.error.message, where=place)
    return article


def _predictions(answer: Answer | ArticleError, place: str, most: int | None) -> list[Prediction]:
    if isinstance(answer, ArticleError):
        raise ArticleError(answer.code, answer.message, where=place)
    found = [Prediction(label=t.topic, score=round(t.decision.probability, 6)) for t in answer.topics]
    return sorted(found, key=lambda prediction: -prediction.score)[:most]


def _request_schema(most: int) -> dict[str, Any]:
    schema = PredictIn.model_json_schema()
    text = {"type": "string", "minLength": 1}
    pair = {"type": "array", "items": text, "minItems": 1, "maxItems": 2}
    many = {"type": "array", "items": {"anyOf": [text, pair]}, "minItems": 1, "maxItems": most}
    schema["properties"]["inputs"] = {"anyOf": [text, many]}
    parameters = schema.pop("$defs")["Parameters"]
    parameters["properties"]["function_to_apply"] = {"enum": ["sigmoid", None]}
    schema["properties"]["parameters"] = {"anyOf": [parameters, {"type": "null"}]}
    schema["properties"]["raw_scores"] = {"enum": [False, None]}
    return schema
