"""A browser on the real server with the small random checkpoint; whatever a page complains of fails its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from models.checkpoint import Checkpoint
from serve.settings import Settings
from tests.browser.running import CHROMIUM, chromium, serving

Opened = Callable[..., Page]


# Not for the session: while Playwright is open, no other test of this thread could run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def server(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("jobs")
    with serving(Settings(checkpoint=checkpoint.folder, jobs_folder=folder, max_characters=20_000)) as url:
        yield url


@pytest.fixture
def opened(browser: Browser, server: str) -> Iterator[Opened]:
    """Opens the page at a path, in a context of its own; ``options`` are the context's."""
    contexts = []
    complaints: list[str] = []

    def watch(message: Any) -> None:
        # a refused request is what some tests are about; a breach of the content policy is said in other words
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    def asked(request: Any, home: str) -> None:
        if not request.url.startswith((home, "blob:", "data:")):
            complaints.append(f"asked for {request.url}")

    def open_page(path: str = "/", *, ready: bool = True, **options: Any) -> Page:
        context = browser.new_context(**{"base_url": server, "viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", watch)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        home = options.get("base_url", server)
        page.on("request", lambda request: asked(request, home))
        page.goto(path)
        if ready:
            page.wait_for_selector(".model_ready")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def write(page: Page, text: str, title: str = "") -> None:
    """Fill the editor of the view that is shown."""
    shown = page.locator(".view:not([hidden])")
    shown.locator("input[type=text]").first.fill(title)
    shown.locator("textarea").first.fill(text)


def read(page: Page, text: str, title: str = "") -> None:
    """Fill the editor, send it, wait for the answer."""
    write(page, text, title)
    page.locator("#article button.main").click()
    page.locator("#article .reader").wait_for()


def drop(page: Page, target: str, name: str, body: bytes, kind: str = "") -> None:
    """Let a file fall on ``target``, as from the desktop."""
    page.evaluate(
        """([target, name, bytes, type]) => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(bytes)], name, {type}));
            const options = {dataTransfer: carried, bubbles: true, cancelable: true};
            const node = document.querySelector(target);
            for (const event of ["dragenter", "dragover", "drop"]) node.dispatchEvent(new DragEvent(event, options));
        }""",
        [target, name, list(body), kind],
    )


def answer(server: str, text: str, title: str = "") -> Any:
    """What the server says of one article."""
    response = httpx.post(f"{server}/classify", json={"articles": [{"title": title, "text": text}]}).json()
    return response["results"][0]
