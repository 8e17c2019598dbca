"""Metrics for Prometheus."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from data.errors import ArticleError
from models.classifier import Answer, TopicAnswer
from serve.trace import OTHER, WAIT, Trace

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client keeps what several processes count together
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TENTHS = tuple(tenth / 10 for tenth in range(1, 10))
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Telemetry:
    """The metrics of one application.

    Each has a registry of its own. Where ``PROMETHEUS_MULTIPROC_DIR`` is set, all processes of the server count into
    its files, and each answers ``/metrics`` for all of them.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        made: dict[str, Any] = {"registry": registry}
        shared: dict[str, Any] = {**made, "multiprocess_mode": "livesum"}
        self._requests = Counter("wijha_requests", "Requests answered.", ["route", "method", "status"], **made)
        self._problems = Counter("wijha_problems", "Requests answered with a problem, by its code.", ["code"], **made)
        self._seconds = Histogram(
            "wijha_request_seconds", "From a request's coming to its end.", ["route"], buckets=_SECONDS, **made
        )
        self._stages = Histogram(
            "wijha_stage_seconds",
            "Parts of a scored request: read, wait (for a turn), compute (tokens and network), answer.",
            ["stage"],
            buckets=_SECONDS,
            **made,
        )
        self._inside = Gauge("wijha_requests_inside", "Requests being answered now.", **shared)
        self._queue = Gauge("wijha_queue_length", "Requests waiting for a turn now.", **shared)
        self._articles = Counter("wijha_articles", "Articles scored.", **made)
        self._errors = Counter("wijha_article_errors", "Articles that could not be scored.", ["code"], **made)
        self._windows = Counter("wijha_windows", "Windows of scored articles.", **made)
        self._tokens = Counter("wijha_tokens", "Tokens of scored articles.", **made)
        self._warnings = Counter("wijha_warnings", "Warnings about scored articles.", ["warning"], **made)
        self._relevance = Counter(
            "wijha_relevance", "Scored articles: about the topic (yes, no, abstained).", ["topic", "answer"], **made
        )
        self._stance = Counter("wijha_stance", "Relevant articles: stance (or abstained).", ["topic", "stance"], **made)
        self._abstained = Counter("wijha_abstentions", "Answers abstained from.", ["topic"], **made)
        self._probability = Histogram(
            "wijha_probability", "Calibrated probability of relevance.", ["topic"], buckets=_TENTHS, **made
        )

    def moved(self, before: str | None, after: str | None) -> None:
        """A request left one stage and entered another."""
        if before is None:
            self._inside.inc()
        if after is None:
            self._inside.dec()
        if before == WAIT:
            self._queue.dec()
        if after == WAIT:
            self._queue.inc()

    def finished(self, trace: Trace, route: str, method: str, status: int) -> None:
        """Count a request that is over."""
        self._requests.labels(route, method if method in _METHODS else OTHER, str(status)).inc()
        self._seconds.labels(route).observe(trace.total)
        if trace.code:
            self._problems.labels(trace.code).inc()
        if trace.queued:
            for stage, seconds in trace.seconds.items():
                self._stages.labels(stage).observe(seconds)
        for answer in trace.answers:
            self._count(answer)

    def _count(self, answer: Answer | ArticleError) -> None:
        if isinstance(answer, ArticleError):
            self._errors.labels(answer.code).inc()
            return
        self._articles.inc()
        self._windows.inc(answer.windows)
        self._tokens.inc(answer.tokens)
        for warning in answer.warnings:
            self._warnings.labels(warning).inc()
        for topic in answer.topics:
            self._count_topic(topic)

    def _count_topic(self, topic: TopicAnswer) -> None:
        decision, name = topic.decision, topic.topic
        self._relevance.labels(name, {True: "yes", False: "no", None: "abstained"}[decision.relevant]).inc()
        self._probability.labels(name).observe(decision.probability)
        if decision.relevant and decision.stances:
            self._stance.labels(name, decision.stance or "abstained").inc()
        if decision.abstained:
            self._abstained.labels(name).inc()

    def text(self) -> bytes:
        """All metrics in Prometheus' text format; of all processes, where they count together."""
        folder = os.environ.get(_FOLDER)
        if not folder:
            return generate_latest(self._registry)
        _forget_the_dead(Path(folder))
        together = CollectorRegistry()
        MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def mount_metrics(app: FastAPI, telemetry: Telemetry) -> None:
    """Add ``/metrics``."""

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    def metrics() -> Response:
        """Counters and durations for Prometheus, of all processes of this server."""
        return Response(telemetry.text(), media_type=CONTENT_TYPE_LATEST)


@contextmanager
def counting_together(processes: int) -> Iterator[None]:
    """While inside, new processes count into one folder, where there is to be more than one.

    A folder that ``PROMETHEUS_MULTIPROC_DIR`` names already is used, and emptied of what an earlier run counted.
    """
    given = os.environ.get(_FOLDER)
    if given:
        Path(given).mkdir(parents=True, exist_ok=True)
        for file in Path(given).glob("*.db"):
            file.unlink()
    if given or processes == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="wijha-metrics-") as folder:
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]


def _forget_the_dead(folder: Path) -> None:
    """What a process that is no more was doing; what it had counted stays."""
    if os.name != "posix":  # elsewhere signal 0 is no question
        return
    for file in folder.glob("gauge_live*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except PermissionError:  # it lives
            continue
