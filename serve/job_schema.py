"""The shapes of jobs over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from serve.job_store import Format, Job, State
from serve.schema import ErrorOut


class JobOut(BaseModel):
    """A job.

    Attributes:
        text_column, title_column: as they were named when it was sent; null where they are found by their usual names.
        rows: of the table; null until they are counted.
        rate: rows a second, of late; ``seconds_left`` by it.
        notes: what a person should know: columns, encoding.
        error: why it failed.
        result: where the scored table is, once it is done.
    """

    id: str
    name: str
    format: Format
    text_column: str | None
    title_column: str | None
    state: State
    created: datetime
    started: datetime | None
    ended: datetime | None
    rows: int | None
    rows_done: int
    rate: float | None
    seconds_left: float | None
    notes: list[str]
    summary: dict[str, Any] | None
    error: ErrorOut | None
    result: str | None


class JobsOut(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobOut]


def job_out(job: Job) -> JobOut:
    """A job in its HTTP shape."""
    seconds_left = None
    if job.state == "running" and job.rate and job.rows is not None:
        seconds_left = round(max(0, job.rows - job.rows_done) / job.rate, 1)
    return JobOut(
        id=job.id,
        name=job.name,
        format=job.format,
        text_column=job.text_column,
        title_column=job.title_column,
        state=job.state,
        created=_moment(job.created),
        started=None if job.started is None else _moment(job.started),
        ended=None if job.ended is None else _moment(job.ended),
        rows=job.rows,
        rows_done=job.rows_done,
        rate=job.rate,
        seconds_left=seconds_left,
        notes=list(job.notes),
        summary=job.summary,
        error=ErrorOut(code=job.code, message=job.message or "", where="") if job.code else None,
        result=f"/jobs/{job.id}/result" if job.state == "done" else None,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)
