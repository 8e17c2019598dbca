"""The real server in a thread, and Debian's Chromium: what the browser tests and the screenshots share."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from playwright.sync_api import Browser, Error, sync_playwright

from serve.app import create_app
from serve.settings import Settings

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def serving(settings: Settings, *, wait: bool = True) -> Iterator[str]:
    """The address of a server that lives as long as the block; ``wait``: until its model is ready."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(create_app(settings), log_level="error", ws="none", lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                time.sleep(0.02)
            while wait and httpx.get(f"{url}/health/ready").json().get("code") == "loading":
                time.sleep(0.05)
            yield url
        finally:
            server.should_exit = True
            thread.join(10)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless and offline but for this machine.

    Raises:
        RuntimeError: where it can't be started here.
    """
    if CHROMIUM is None:
        raise RuntimeError("chromium is not installed")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        except Error as error:
            raise RuntimeError(f"chromium does not start: {error.message}") from error
        try:
            yield browser
        finally:
            browser.close()
