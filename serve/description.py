"""The description of the API (OpenAPI): what every route has in common is written into it once, here."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from serve.guard import is_open
from serve.problems import described

_VALIDATION = "HTTPValidationError"  # FastAPI's own, which no route of ours answers with


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
