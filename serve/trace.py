"""What is known of a request while it is answered: its id, where its time goes, what came of it."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.errors import ArticleError
from models.classifier import Answer

REQUEST_ID = "X-Request-Id"
READ, WAIT, COMPUTE, ANSWER = "read", "wait", "compute", "answer"
OTHER = "other"  # a route that there is not: clients can ask for as many as they like
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LONGEST = 200  # of a path in the log
_log = logging.getLogger(__name__)


class Watch(Protocol):
    """Whoever counts requests."""

    def moved(self, before: str | None, after: str | None) -> None:
        """A request left stage ``before`` and entered ``after``; ``None``: it came, or it is over."""
        ...

    def finished(self, trace: Trace, route: str, method: str, status: int) -> None:
        """A request is over; ``route`` as it is declared (``/jobs/{id}``)."""
        ...


class Trace:
    """One request. At any moment its time belongs to one stage, so the stages sum to the whole.

    Attributes:
        id: the client's, where that is short and plain; else ours.
        seconds: stage to the time spent in it.
        answers: what was scored, in the order sent.
        code: of the problem that was answered.
    """

    def __init__(self, watch: Watch, wanted: str = "") -> None:
        self.id = wanted if _SANE.fullmatch(wanted) else uuid.uuid4().hex
        self.seconds: dict[str, float] = {}
        self.answers: Sequence[Answer | ArticleError] = ()
        self.code = ""
        self._watch = watch
        self._stage: str | None = READ
        self._since = time.perf_counter()
        watch.moved(None, READ)

    @property
    def total(self) -> float:
        """Seconds until the last change of stage."""
        return sum(self.seconds.values())

    @property
    def queued(self) -> bool:
        """Whether it came as far as the queue before the model."""
        return WAIT in self.seconds

    def enter(self, stage: str | None) -> str | None:
        """From here on its time belongs to ``stage`` (``None``: it is over); returns the stage until here."""
        before, now = self._stage, time.perf_counter()
        if before is not None:
            self.seconds[before] = self.seconds.get(before, 0.0) + now - self._since
            self._stage, self._since = stage, now
            self._watch.moved(before, stage)
        return before

    def timing(self) -> str:
        """A ``Server-Timing`` header of the time until here, in milliseconds."""
        self.enter(self._stage)
        parts = {**(self.seconds if self.queued else {}), "total": self.total}
        return ", ".join(f"{name};dur={1000 * seconds:.1f}" for name, seconds in parts.items())


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current() -> Trace | None:
    """The request that this code runs for, if it runs for one."""
    return _current.get()


@contextmanager
def stage(name: str) -> Iterator[None]:
    """The time inside belongs to ``name``, except what a ``stage`` within takes."""
    trace = current()
    before = trace.enter(name) if trace else None
    try:
        yield
    finally:
        if trace:
            trace.enter(before)


def note_answers(answers: Sequence[Answer | ArticleError]) -> None:
    """The request is scored; what follows is the writing of its answer."""
    if trace := current():
        trace.answers = answers
        trace.enter(ANSWER)


def note_problem(code: str) -> None:
    """The request is answered with a problem."""
    if trace := current():
        trace.code = code


class Traced:
    """Outermost middleware: each request has its trace, is counted and logged, and the answer says id and timing."""

    def __init__(self, app: ASGIApp, *, watch: Watch) -> None:
        self._app, self._watch = app, watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        trace = Trace(self._watch, Headers(scope=scope).get(REQUEST_ID, ""))
        status = 499  # stays so where the client left before there was an answer

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID], headers["Server-Timing"] = trace.id, trace.timing()
            await send(message)

        token = _current.set(trace)
        try:
            await self._app(scope, receive, sending)
        finally:
            trace.enter(None)
            route = str(getattr(scope.get("route"), "path", "") or OTHER)
            self._watch.finished(trace, route, scope["method"], status)
            _log_request(trace, scope, route, status)
            _current.reset(token)


def _log_request(trace: Trace, scope: Scope, route: str, status: int) -> None:
    """One line; a probe that finds all well is not worth one."""
    quiet = status == 200 and (route.startswith("/health/") or route == "/metrics")
    fields = {
        "method": scope["method"],
        "path": quote(scope["path"], errors="replace")[:_LONGEST],
        "status": status,
        "ms": round(1000 * trace.total, 1),
        "articles": len(trace.answers),
        "windows": sum(answer.windows for answer in trace.answers if isinstance(answer, Answer)),
        "code": trace.code,
        "key": scope.get("state", {}).get("key", ""),
    }
    kept = {name: value for name, value in fields.items() if value != ""}
    _log.log(logging.DEBUG if quiet else logging.INFO, "request", extra={"fields": kept})
