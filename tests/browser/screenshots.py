"""Pictures of the page for the documentation: ``python -m tests.browser.screenshots [FOLDER]``.

Taken with the bundled checkpoint and our own articles.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from serve.settings import Settings
from tests.browser.running import chromium, serving

ROOT = Path(__file__).parents[2]
WIDE = (1440, 900)
TALL = (1440, 1240)
PHONE = (390, 844)


def main(folder: Path) -> None:
    """Take all pictures into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch) / "libya.csv"
        write_table(table)
        settings = Settings(jobs_folder=Path(scratch) / "jobs")
        with serving(settings) as url, chromium() as browser:
            for name, act, options in (
                ("article", read, {}),
                ("article-english", read, {"path": "/?lang=en"}),
                ("article-dark", isolate, {"dark": True}),
                ("article-phone", read, {"size": PHONE}),
                ("compare", read, {"path": "/#compare", "size": (1440, 1140)}),
                ("file", lambda page: score(page, table), {"path": "/#file", "size": TALL}),
                ("file-phone", lambda page: score(page, table), {"path": "/#file", "size": PHONE}),
                ("undecided", undecided, {}),
                ("busy", busy, {}),
            ):
                take(browser, url, folder / f"page-{name}.png", act, **options)


def take(
    browser: Browser,
    url: str,
    target: Path,
    act: Any,
    *,
    path: str = "/",
    size: tuple[int, int] = WIDE,
    dark: bool = False,
) -> None:
    """One picture, of a page of its own, after ``act(page)``."""
    scheme: Any = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page = context.new_page()
    page.goto(url + path)
    page.wait_for_selector(".model_ready")
    act(page)
    page.wait_for_timeout(300)  # what moves has come to rest
    page.screenshot(path=target)
    context.close()
    print(f"{target}: {target.stat().st_size // 1024} KB")


def read(page: Page) -> None:
    """The sample, read."""
    shown = page.locator(".view:not([hidden])")
    shown.locator(".toolbar button").nth(1).click()
    shown.locator("button.main").click()
    shown.locator(".reader").first.wait_for()


def isolate(page: Page) -> None:
    """The sample with one topic's evidence alone."""
    read(page)
    page.locator(".topic-name").first.click()


def score(page: Page, table: Path) -> None:
    """A table, read to its end."""
    page.locator("#file input[type=file]").set_input_files(table)
    page.locator(".row-list").wait_for(timeout=300_000)


def undecided(page: Page) -> None:
    """An answer that the model would not give: the server's own, with the first topic left open."""

    def answer(route: Any) -> None:
        body = route.fetch().json()
        topics = body["results"][0]["topics"]
        topics[0] |= {"relevant": None, "abstained": True, "stance": None, "probability": 0.41}
        topics[1]["abstained"] = True
        topics[1]["stance"] |= {"label": None, "probabilities": {"favor": 0.42, "neutral": 0.2, "against": 0.38}}
        body["results"][0]["warnings"] = ["cut_share", "cut_comment_form", "html_extracted"]
        route.fulfill(json=body)

    page.route("**/classify", answer)
    read(page)


def busy(page: Page) -> None:
    """A server without room."""
    problem = {
        "type": "about:blank",
        "title": "Too many requests",
        "status": 429,
        "code": "overloaded",
        "detail": "all turns are taken and the queue is full; try again shortly",
        "where": "",
    }
    page.route("**/classify", lambda route: route.fulfill(status=429, headers={"Retry-After": "9"}, json=problem))
    shown = page.locator(".view:not([hidden])")
    shown.locator(".toolbar button").nth(1).click()
    shown.locator("button.main").click()
    shown.locator(".notice.bad").wait_for()


def write_table(target: Path) -> None:
    """The bundled articles about Libya in three years as a CSV file with dates, and a row without a text."""
    with (
        (ROOT / "data" / "articles" / "libya.jsonl").open(encoding="utf-8") as lines,
        target.open("w", encoding="utf-8-sig", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["id", "date", "title", "text"])
        for line in lines:
            item = json.loads(line)
            if "2018" <= item["date"] < "2021":
                writer.writerow([item["id"], item["date"], item["title"], item["text"]])
        writer.writerow(["empty", "2019-05-01", "بلا نص", ""])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")
