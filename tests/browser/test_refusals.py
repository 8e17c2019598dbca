"""What the page says when the server refuses, is loading, or is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from data.clean import _KINDS
from models.checkpoint import Checkpoint
from serve.keys import new_key
from serve.settings import Settings
from tests.browser.conftest import Opened, drop, read, write
from tests.browser.running import serving
from tests.conftest import SENTENCES


def problem(status: int, code: str, **headers: str) -> dict[str, Any]:
    body = {"type": "about:blank", "title": "t", "status": status, "code": code, "detail": "in English", "where": ""}
    return {"status": status, "headers": {"content-type": "application/problem+json", **headers}, "json": body}


def first_then_served(page: Any, **refusal: Any) -> list[Route]:
    """The first request to /classify is refused, later ones go through."""
    seen: list[Route] = []

    def answer(route: Route) -> None:
        seen.append(route)
        if len(seen) == 1:
            route.fulfill(**refusal)
        else:
            route.continue_()

    page.route("**/classify", answer)
    return seen


def test_nothing_is_sent_where_there_is_nothing(opened: Opened) -> None:
    page = opened()
    page.locator("#article button.main").click()
    expect(page.get_by_role("alert")).to_have_text("ألصق نصًا أولًا.")
    text = page.get_by_role("textbox", name="نص المقال")
    expect(text).to_be_focused()
    assert text.get_attribute("aria-invalid") is not None
    page.keyboard.type("خبر")
    assert text.get_attribute("aria-invalid") is None


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [("٠" * 20_001, "article_too_long", "أطول مما يقبله"), ("\u200f\u200f", "empty_text", "لا نص يُقرأ")],
)
def test_an_article_that_cannot_be_scored(opened: Opened, text: str, code: str, words: str) -> None:
    page = opened()
    write(page, text)
    page.locator("#article button.main").click()
    notice = page.locator(f"#article .notice[data-code={code}]")
    expect(notice.get_by_role("alert")).to_contain_text(words)
    expect(notice).to_contain_text("الموضع: نص المقال")
    expect(page.get_by_role("textbox", name="نص المقال")).to_be_focused()
    expect(page.locator("#article .reader")).to_have_count(0)


@pytest.mark.parametrize(("status", "code", "words"), [(429, "overloaded", "مشغول"), (503, "loading", "يُحمَّل")])
def test_a_busy_or_loading_server_is_tried_again(opened: Opened, status: int, code: str, words: str) -> None:
    page = opened()
    seen = first_then_served(page, **problem(status, code, **{"Retry-After": "1"}))
    write(page, SENTENCES[0])
    page.locator("#article button.main").click()
    expect(page.locator(f"#article .notice[data-code={code}]")).to_contain_text(words)
    page.locator("#article .reader").wait_for()
    assert len(seen) == 2
    expect(page.locator("#article .notice.bad")).to_have_count(0)


def test_waiting_can_be_stopped_or_cut_short(opened: Opened) -> None:
    page = opened()
    seen = first_then_served(page, **problem(429, "overloaded", **{"Retry-After": "600"}))
    write(page, SENTENCES[0])
    page.locator("#article button.main").click()
    expect(page.locator("#article .notice")).to_contain_text("تُعاد المحاولة بعد 600 ث")
    page.get_by_role("button", name="أوقف").click()
    expect(page.locator("#article .notice")).to_have_count(0)
    expect(page.get_by_role("textbox", name="نص المقال")).to_have_value(SENTENCES[0])
    seen.clear()
    page.locator("#article button.main").click()
    page.get_by_role("button", name="أعد المحاولة").click()
    page.locator("#article .reader").wait_for()


def test_a_key_is_asked_for_and_kept_for_the_window_alone(
    opened: Opened, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    key, line = new_key("newsroom")
    (tmp_path / "keys").write_text(line, encoding="utf-8")
    settings = Settings(checkpoint=checkpoint.folder, keys_file=tmp_path / "keys", jobs_folder=tmp_path / "jobs")
    with serving(settings) as url:
        page = opened(ready=False, base_url=url)
        field = page.get_by_label("مفتاح الخدمة")
        expect(field).to_be_focused()  # the topics were asked for when the page opened
        field.fill("wijha_wrong")
        page.keyboard.press("Enter")
        expect(field).to_be_focused()
        write(page, SENTENCES[0])
        page.locator("#article button.main").click()
        expect(page.locator("#article .notice[data-code=bad_key]")).to_contain_text("ليس هذا مفتاحًا")
        expect(field).to_be_focused()
        field.fill(key)
        page.keyboard.press("Enter")
        expect(page.locator("#model")).to_contain_text("small")
        expect(field).to_be_hidden()
        page.locator("#article button.main").click()
        page.locator("#article .reader").wait_for()
        assert page.evaluate("Object.values({...sessionStorage})") == [key]
        assert key not in page.evaluate("JSON.stringify({...localStorage}) + document.documentElement.outerHTML")
        drop(page, "main", "one.csv", f"title,text\n,{SENTENCES[0]}\n".encode())
        expect(page.locator("#file .state")).to_have_text("تم", timeout=60_000)
        with page.expect_download():
            page.get_by_role("button", name="نزِّل النتيجة").click()
        page.context.close()


@pytest.mark.parametrize(
    ("refusal", "code", "words"),
    [
        (problem(500, "internal"), "internal", "A fault in the server"),
        (problem(503, "no_checkpoint", **{"Retry-After": "1"}), "no_checkpoint", "This server has no model"),
        (problem(418, "never_heard_of"), "never_heard_of", "The request failed"),
        ({"status": 413, "body": "<html>a proxy's page</html>"}, "body_too_large", "larger than the server accepts"),
        ({"status": 200, "body": "<html>a portal's page</html>"}, "bad_answer", "makes no sense"),
        (None, "network", "did not reach the server"),
    ],
)
def test_other_refusals_are_said_in_words(opened: Opened, refusal: Any, code: str, words: str) -> None:
    page = opened("/?lang=en")
    page.route("**/classify", lambda route: route.fulfill(**refusal) if refusal else route.abort())
    write(page, SENTENCES[0])
    page.locator("#article button.main").click()
    notice = page.locator("#article .notice")
    expect(notice.get_by_role("alert")).to_contain_text(words)
    expect(notice).to_contain_text(code)
    expect(page.locator("#article button.main")).to_have_text("Read the article")
    page.unroute("**/classify")
    page.locator("#article button.main").click()  # the text is still there
    page.locator("#article .reader").wait_for()


def test_the_bar_tells_how_the_server_is(opened: Opened) -> None:
    page = opened("/#nothing", ready=False)
    page.route("**/topics", lambda route: route.fulfill(**problem(503, "selftest_failed", **{"Retry-After": "1"})))
    page.reload()
    expect(page.get_by_role("status").first).to_contain_text("لم يجتز النموذج فحص نفسه")
    states = [problem(503, "loading", **{"Retry-After": "1"})]
    page.unroute("**/topics")
    page.route("**/topics", lambda route: route.fulfill(**states.pop()) if states else route.continue_())
    page.reload()
    expect(page.locator("#model")).to_contain_text("يُحمَّل النموذج")
    expect(page.locator("#model")).to_contain_text("small")
    expect(page.locator(".topics-to-come li")).to_have_count(3)


def test_a_file_of_another_kind(opened: Opened) -> None:
    page = opened()
    drop(page, "main", "photo.png", b"\x89PNG", "image/png")
    expect(page.get_by_role("alert")).to_contain_text("لا يُعرف هذا النوع")
    expect(page.locator("#veil")).to_be_hidden()


def test_both_languages_say_the_same_things(opened: Opened) -> None:
    ar, en = opened().evaluate(
        """async () => (await Promise.all(["ar", "en"].map((name) => import(`/page/words-${name}.js`)))).map(
            ({default: words}) => Object.fromEntries(Object.entries(words).map(([key, value]) => [
                key,
                [...new Set((typeof value === "string" ? value : value.other).match(/\\{\\w+\\}/g))].sort(),
            ])),
        )"""
    )
    assert ar == en
    assert {f"cut_{kind}" for kind in _KINDS} | {"cut_after_article", "html_extracted", "not_arabic"} <= set(ar)


def test_a_long_article_is_drawn_whole(opened: Opened) -> None:
    page = opened()
    text = "\n".join(f"{number} {SENTENCES[number % 8]}" for number in range(240))
    read(page, text)
    expect(page.locator(".reader .body p")).to_have_count(240)
