"""``/jobs``: whole tables, scored in the background."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import anyio
from anyio import to_thread
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.requests import ClientDisconnect

from data.errors import ConfigError, DataError, OverloadError
from data.sources import CSV, KINDS, PACKED
from serve.door import Door
from serve.job_chart import Chart, chart
from serve.job_runner import Runner, named
from serve.job_schema import JobOut, JobsOut, job_out
from serve.job_store import Format, Job, Store, is_full
from serve.problems import RequestError, described
from serve.reading import left

_TYPES = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
# control characters, and marks of direction that would let a name end otherwise than it seems to
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff\ud800-\udfff]")


def mount_jobs(app: FastAPI, door: Door) -> None:
    """Add ``/jobs`` and the thread that runs them."""
    settings = door.settings
    store = Store(settings.jobs_folder)
    runner = Runner(
        store,
        settings,
        lambda: door.engine.loaded,
        busy=lambda: door.gate.inside > 0,
        # a GPU wants more at a time, and is through with it as soon
        piece=settings.share if settings.backend == "openvino" else 64,
    )
    app.state.alongside.append(runner)

    def find(request: Request, name: str) -> Job:
        store.check()
        job = store.get(name)
        if job is None or job.owner != _owner(request):
            raise RequestError(404, "no_such_job", "no job of yours has this id", where="id")
        return job

    def finished(request: Request, name: str) -> tuple[Job, Path]:
        job = find(request, name)
        if job.state != "done":
            raise RequestError(409, "not_done", f"the job is {job.state}", where="id")
        path = store.target(job)
        if not path.is_file():  # removed meanwhile
            raise RequestError(404, "no_such_job", "no job of yours has this id", where="id")
        return job, path

    @app.post(
        "/jobs",
        status_code=202,
        responses={**described(413, 415, 422, 429, 507), 202: {"headers": {"Location": {"schema": _TEXT}}}},
        openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": _FILE}}},
    )
    async def send(
        request: Request,
        response: Response,
        name: Annotated[str, Query(max_length=255, description="Of the file; the result's is made of it.")] = "",
        form: Annotated[Format | None, Query(alias="format", description="Default: by the name, else csv.")] = None,
        text_column: Annotated[str | None, Query(description="Default: by its usual names.")] = None,
        title_column: Annotated[str | None, Query(description="Default: by its usual names.")] = None,
        excel: Annotated[bool, Query(description="CSV and TSV: the result is for a spreadsheet.")] = False,
    ) -> JobOut:
        """Take in a table, which is the request's body as it is (also ``.gz``, ``.zst`` or ``.zip``), to be scored."""
        door.gate.check_open()
        store.check()
        if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
            message = "the file itself is wanted as the body, not a form: curl -X POST -T FILE"
            raise RequestError(415, "unsupported_media_type", message, where="content-type")
        if await to_thread.run_sync(store.waiting) >= settings.max_jobs:
            raise OverloadError("too_many_jobs", f"{settings.max_jobs} jobs wait or run; try again later")
        shown = _UNSEEN.sub("", name.replace("\\", "/").rsplit("/", 1)[-1]).strip(" .") or "articles"
        given = {
            "owner": _owner(request),
            "name": shown,
            "format": form or _format(shown),
            "text_column": text_column,
            "title_column": title_column,
            "excel": excel,
        }
        with _disk():
            made = store.new()
        try:
            with _disk():
                await _receive(request, store.folder / made / f"input.{given['format']}", settings.max_job_bytes)
                job = await to_thread.run_sync(lambda: store.add(made, **given))
        except BaseException:
            store.drop(made)
            raise
        runner.wake()
        response.headers["Location"] = f"/jobs/{job.id}"
        return job_out(job)

    @app.get("/jobs")
    def listed(request: Request, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> JobsOut:
        """Your jobs, newest first."""
        store.check()
        return JobsOut(jobs=[job_out(job) for job in store.listed(_owner(request), limit)])

    @app.get("/jobs/{id}", responses=described(404))
    def one(request: Request, id: str) -> JobOut:
        """How far a job is, and how it ended."""
        return job_out(find(request, id))

    @app.delete("/jobs/{id}", status_code=204, responses=described(404))
    def remove(request: Request, id: str) -> None:
        """Cancel a job that is not done; forget it and its files."""
        store.remove(find(request, id))
        runner.wake()

    @app.get(
        "/jobs/{id}/result",
        response_class=FileResponse,
        responses={**described(404, 409), 200: {"content": dict.fromkeys(_TYPES.values(), _BINARY)}},
    )
    def result(request: Request, id: str) -> FileResponse:
        """The scored table, in the format that was sent."""
        job, path = finished(request, id)
        name = f"{_stem(job.name)}-scored.{job.format}"
        return FileResponse(path, media_type=_TYPES[job.format], filename=name)

    @app.get("/jobs/{id}/chart", responses=described(404, 409, 422))
    def drawn(request: Request, id: str, date_column: Annotated[str | None, Query()] = None) -> Chart:
        """The scored table in counts: topic, stance and month."""
        job, path = finished(request, id)
        try:
            return chart(path, date_column)
        except DataError as error:
            raise RequestError(422, error.code, named(error.message, job, store), where=job.name) from error


_TEXT = {"type": "string"}


def _owner(request: Request) -> str:
    """Whose jobs the client may see: its key's, as the server names it; all where there are no keys."""
    return str(getattr(request.state, "key", ""))


def _format(name: str) -> str:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes if suffix.lower() not in PACKED]
    return KINDS.get(suffixes[-1], CSV) if suffixes else CSV


def _stem(name: str) -> str:
    """The name without the endings that say what kind of table it is."""
    path = Path(name)
    while path.suffix.lower() in (*KINDS, *PACKED) and path.stem:
        path = path.with_suffix("")
    return path.name[:100]


@contextmanager
def _disk() -> Iterator[None]:
    """Makes what goes wrong with the disk an answer."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if is_full(error):
            raise RequestError(507, "disk_full", "no room for the file on the server's disk", where="body") from error
        message = "jobs can't be written where they are to be kept; WIJHA_JOBS_FOLDER names a folder"
        raise ConfigError("no_jobs_folder", message) from error


async def _receive(request: Request, path: Path, most: int) -> None:
    """Write the body to ``path`` as it comes."""
    too_large = RequestError(413, "body_too_large", f"more than {most} bytes", where="body")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most:
        raise too_large
    size = 0
    try:
        async with await anyio.open_file(path, "wb") as file:
            async for part in request.stream():
                size += len(part)
                if size > most:
                    raise too_large
                await file.write(part)
    except ClientDisconnect as error:
        raise left() from error
    if not size:
        raise RequestError(422, "empty_body", "the file is wanted as the body: curl -X POST -T FILE", where="body")
