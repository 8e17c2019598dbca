"""Both directions, the keyboard, what a screen reader is told, contrast, narrow windows, and the content policy."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

import serve.pages
from tests.browser.conftest import Opened, read
from tests.conftest import SENTENCES

TEXT = "\n".join(SENTENCES)
ARABIC = re.compile("[\u0621-\u064a]")


def test_the_language_turns_the_page_round_and_is_remembered(opened: Opened) -> None:
    page = opened()
    html = page.locator("html")
    expect(html).to_have_attribute("dir", "rtl")
    read(page, TEXT)
    page.get_by_role("button", name="English").click()
    expect(html).to_have_attribute("dir", "ltr")
    expect(html).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", name="Topics")).to_be_visible()
    page.reload()
    expect(html).to_have_attribute("lang", "en")
    page.goto("/?lang=ar")
    expect(html).to_have_attribute("lang", "ar")


@pytest.mark.parametrize("view", ["article", "compare", "file"])
def test_in_english_nothing_is_left_in_arabic(opened: Opened, view: str) -> None:
    page = opened(f"/?lang=en#{view}")
    page.locator("#language").evaluate("node => node.remove()")
    words = page.evaluate(
        """() => document.title + document.body.innerText + [...document.querySelectorAll("*")].map((node) =>
            ["aria-label", "title", "placeholder"].map((name) => node.getAttribute(name) ?? "").join(" ")).join(" ")"""
    )
    assert "Wijha" in words
    assert not ARABIC.search(words), ARABIC.findall(words)


def stops(page: Page, most: int = 80) -> list[dict[str, Any]]:
    """Where Tab goes, from the top of the page until it leaves it."""
    page.evaluate(
        """() => {
            window.order = [...document.querySelectorAll("*")];
            document.body.tabIndex = -1;
            document.body.focus();  // so that Tab begins at the top
            document.body.removeAttribute("tabindex");
        }"""
    )
    found: list[dict[str, Any]] = []
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
                const node = document.activeElement;
                if (node === document.body) return null;
                const box = node.getBoundingClientRect();
                return {place: window.order.indexOf(node), name: node.textContent || node.id, tab: node.tabIndex,
                        x: box.x + box.width / 2, y: box.y + scrollY, height: box.height, group: node.closest(
                        ".bar, .toolbar, .field-head, .topic, .foot")?.className ?? ""};
            }"""
        )
        if stop is None:
            break
        found.append(stop)
    return found


@pytest.mark.parametrize("language", ["ar", "en"])
def test_tab_goes_as_one_reads(opened: Opened, language: str) -> None:
    page = opened(f"/?lang={language}")
    read(page, TEXT)
    page.reload()
    page.wait_for_selector(".model_ready")
    before = stops(page)
    read(page, TEXT)
    page.mouse.move(0, 0)
    for found in (before, stops(page)):
        assert len(found) > 7
        assert [stop["place"] for stop in found] == sorted(stop["place"] for stop in found)
        assert {stop["tab"] for stop in found} == {0}
        for one, other in pairwise(found[1:]):  # the first is the skip link, above the page
            if one["group"] == other["group"] and abs(one["y"] - other["y"]) < min(one["height"], other["height"]) / 2:
                assert (one["x"] > other["x"]) == (language == "ar"), (one["name"], other["name"])


def test_the_skip_link_is_first_and_works(opened: Opened) -> None:
    page = opened()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="إلى المحتوى")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    expect(page.locator("#article")).to_be_visible()


def test_all_of_it_by_keyboard(opened: Opened) -> None:
    page = opened("/?lang=en")
    page.keyboard.press("Tab")  # skip link
    page.keyboard.press("Tab")  # Article
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Compare")).to_have_attribute("aria-current", "page")
    page.get_by_role("button", name="Sample").press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".comparison")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator(".comparison [aria-pressed=true]")).to_have_count(1)
    expect(page.locator(".reader.isolated")).to_have_count(2)


def test_what_a_screen_reader_is_told(opened: Opened) -> None:
    page = opened("/?lang=en")
    read(page, TEXT, "خبر")
    tree = page.locator("body").aria_snapshot()
    for role in ("banner", "navigation", "main", "complementary", "contentinfo", "article"):
        assert f"- {role}" in tree
    assert re.search(r'heading "Wijha.*" \[level=1\]', tree)
    assert 'heading "Topics" [level=2]' in tree
    assert tree.count("- meter") == 3
    assert re.search(r"Probability \d+%, threshold 50%", tree)
    assert re.search(r'img "In favour \d+%, neutral \d+%, against \d+%"', tree)
    assert re.search(r"evidence for “[^”]+”, share [\d.]+%", tree)
    unnamed = [line for line in tree.splitlines() if re.fullmatch(r"\s*- (?:button|link|textbox|img|meter):?", line)]
    assert unnamed == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_and_read(opened: Opened, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    names = ["paper", "desk", "ink", "ink-2", "act", "act-ink", "bad", "warn-paper", "warn-ink", "rule-2"]
    names += [f"t{place}" for place in range(8)]
    colours = page.evaluate(
        """names => Object.fromEntries(names.map((name) =>
            [name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()]))""",
        names,
    )

    def light(name: str) -> float:
        parts = [int(colours[name][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    def contrast(one: str, other: str) -> float:
        low, high = sorted((light(one), light(other)))
        return (high + 0.05) / (low + 0.05)

    texts = ["ink", "ink-2", "act", "bad", *(f"t{place}" for place in range(8))]
    pairs = [(text, ground) for text in texts for ground in ("paper", "desk")]
    pairs += [("act-ink", "act"), ("warn-ink", "warn-paper"), ("warn-ink", "desk")]
    assert {pair: contrast(*pair) for pair in pairs if contrast(*pair) < 4.5} == {}
    assert contrast("rule-2", "paper") >= 3
    assert len({colours[f"t{place}"] for place in range(8)}) == 8


def test_a_narrow_window_needs_no_sideways_scrolling(opened: Opened) -> None:
    page = opened()
    page.set_viewport_size({"width": 390, "height": 844})
    wide = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
    for view in ("compare", "file", "article"):
        page.get_by_role("link", name={"compare": "مقارنة", "file": "ملف", "article": "مقال"}[view]).click()
        expect(page.locator(f"#{view}")).to_be_visible()
        assert page.evaluate(wide) == 0
    read(page, TEXT + "\n" + "ا" * 300)
    assert page.evaluate(wide) == 0
    page.locator(".legend button").first.click()
    expect(page.locator(".topic-name").first).to_be_focused()


def test_nothing_inline_and_nothing_from_elsewhere(server: str) -> None:
    page = httpx.get(server)
    policy = page.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=\"/page/)", page.text)
    for path in serve.pages.FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 250
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text), path.name
        links = set(re.findall(r"https?://[\w./-]+", text)) - {"http://www.w3.org/2000/svg"}
        assert links == set(), path.name


def test_files_are_named_and_typed(server: str) -> None:
    names = [path.name for path in serve.pages.FOLDER.iterdir()]
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
    for name in names:
        answer = httpx.get(f"{server}/page/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kinds[Path(name).suffix])
        again = httpx.get(f"{server}/page/{name}", headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    for wrong in ("none.js", "..%2Fpages.py", "%2e%2e/pages.py"):
        assert httpx.get(f"{server}/page/{wrong}").status_code == 404
