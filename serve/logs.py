"""Logs: one JSON object a line (or plain lines), with the id of the request; never any text of an article."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any, Literal

from serve.trace import current

Format = Literal["json", "plain"]


def log_config(form: Format) -> dict[str, Any]:
    """For ``logging.config.dictConfig``, and uvicorn's ``log_config``: all of it to standard error."""
    formatter = {"json": JsonFormatter, "plain": PlainFormatter}[form]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"ours": {"()": f"{formatter.__module__}.{formatter.__qualname__}"}},
        "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "ours"}},
        "root": {"handlers": ["err"], "level": "WARNING"},
        "loggers": {
            "serve": {"level": "INFO"},
            "uvicorn": {"level": "INFO"},
            "trafilatura": {"level": "CRITICAL"},  # says what it found in a page
        },
    }


class JsonFormatter(logging.Formatter):
    """``time`` (UTC), ``level``, ``logger``, ``request_id``, ``message``, and what ``extra={"fields": …}`` brings."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_fields(record), ensure_ascii=False, default=str)


class PlainFormatter(logging.Formatter):
    """The same for eyes: one line each, but for the frames of a fault."""

    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(record)
        head = f"{fields.pop('time')} {fields.pop('level'):7} {fields.pop('message')}"
        frames = fields.pop("traceback", "")
        fields.pop("logger")
        rest = "".join(f" {name}={value}" for name, value in fields.items())
        return f"{head}{rest}\n{frames}".rstrip()


def frames(error: BaseException) -> str:
    """Where an exception came from: its type and frames, and those of its causes. Its message may quote an article."""
    parts: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        parts.append(f"{type(link).__name__}\n{''.join(traceback.format_tb(link.__traceback__))}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "from\n".join(parts)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    message = record.getMessage()
    fields: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
    }
    if trace := current():
        fields["request_id"] = trace.id
    fields["message"] = message
    if record.exc_info and record.exc_info[1]:
        # asyncio's message goes on with the exception's
        fields |= {"message": message.partition("\n")[0], "traceback": frames(record.exc_info[1])}
    return fields | getattr(record, "fields", {})
