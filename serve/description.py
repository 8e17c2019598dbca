"""The description of the API (OpenAPI): what every route has in common is written into it once, here."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from serve.door import TIMEOUT_HEADER
from serve.guard import is_open
from serve.problems import described

_VALIDATION = "HTTPValidationError"  # FastAPI's own, which no route of ours answers with
_TIMEOUT = {
    "name": TIMEOUT_HEADER,
    "in": "header",
    "required": False,
    "description": "Seconds after which the answer is of no use any more; WIJHA_TIMEOUT is the most.",
    "schema": {"type": "number", "exclusiveMinimum": 0},
}


def scoring(body: dict[str, Any]) -> dict[str, Any]:
    """What a route that scores says of itself beyond its function: arguments of ``app.post``.

    Args:
        body: schema of the request's JSON, which the route reads by itself.
    """
    content = {"application/json": {"schema": body}}
    return {
        "responses": described(400, 413, 415, 422, 429, 504),
        "openapi_extra": {"parameters": [_TIMEOUT], "requestBody": {"required": True, "content": content}},
    }


def describe(app: FastAPI, *, keys: bool) -> None:
    """Make ``app`` describe its refusals as problems, and the key where one is needed."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(plain(), keys)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's manual has it


def _complete(schema: dict[str, Any], keys: bool) -> None:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            locked = keys and not is_open(method.upper(), path)
            if locked:
                operation["security"] = [{"key": []}]
            answers = operation["responses"]
            for status, answer in described(*((401, 403, 421) if locked else (403, 421))).items():
                answers.setdefault(str(status), answer)
            if _VALIDATION in str(answers.get("422")):
                answers["422"] = described(422)[422]
    parts = schema.get("components", {})
    for name in (_VALIDATION, "ValidationError"):
        parts.get("schemas", {}).pop(name, None)
    if keys:
        schema.setdefault("components", {})["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
