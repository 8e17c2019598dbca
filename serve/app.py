"""The HTTP API, put together. ``python -m serve api``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi_offline import FastAPIOffline

from serve.about import mount_about
from serve.classify import mount_classify
from serve.description import describe
from serve.door import TIMEOUT_HEADER, Door
from serve.drain import draining
from serve.engine import Engine
from serve.gate import Gate
from serve.guard import Guard, SecurityHeaders
from serve.jobs import mount_jobs
from serve.keys import required_keys
from serve.memory import share_heaps
from serve.pages import mount_pages
from serve.predict import mount_predict
from serve.problems import STATUS, Faults, described, mount_problems
from serve.settings import Settings
from serve.telemetry import Telemetry, mount_metrics
from serve.trace import REQUEST_ID, Traced

__all__ = ["STATUS", "create_app"]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; the model is loaded in the background when it starts.

    Raises:
        ConfigError: a setting that makes no sense; ``no_keys`` where anybody could reach it.
    """
    settings = settings or Settings.read()
    keys = required_keys(settings)
    share_heaps(settings.share)
    engine = Engine(settings)
    gate = Gate(running=settings.share, waiting=settings.max_waiting)
    door = Door(engine, gate, settings)
    telemetry = Telemetry()
    # What lives as long as the server does; a part that needs a start and an end puts its own here when mounted.
    alongside: list[AbstractContextManager[object]] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        engine.start()
        with draining(gate, settings.drain), ExitStack() as stack:
            for part in alongside:
                stack.enter_context(part)
            yield

    app = FastAPIOffline(  # /docs with its scripts from this machine, not from a CDN
        redoc_url=None,
        static_url="/docs/assets",
        title="Wijha",
        summary="Topics, stance and evidence in Arabic news",
        version="0.1.0",
        lifespan=lifespan,
        responses=described(500, 503),
    )
    app.state.alongside = alongside
    mount_problems(app)

    # Routes.
    mount_about(app, door)
    mount_classify(app, door)
    mount_jobs(app, door)
    mount_metrics(app, telemetry)
    mount_pages(app)
    mount_predict(app, door)
    describe(app, keys=keys is not None)

    # Middleware; the last one added is the outermost.
    app.add_middleware(Guard, keys=keys, hosts=settings.host_names, origins=settings.origins)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", TIMEOUT_HEADER, REQUEST_ID],
            expose_headers=["Retry-After", REQUEST_ID, "Server-Timing", "Location", "Content-Disposition"],
        )
    app.add_middleware(Faults)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Traced, watch=telemetry)
    return app
