"""A table: dropped, followed, cancelled, fetched; its summary, chart and list."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from typing import Any

import httpx
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Opened, drop
from tests.conftest import article

TOPICS = ("military_intervention", "diplomacy", "arms_embargo")


def table(rows: int, *, dated: bool = True) -> bytes:
    """A CSV as Excel writes it in Arabic, with one row that has no text."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(["التاريخ", "العنوان", "النص"] if dated else ["م", "العنوان", "النص"])
    for number in range(rows):
        item = article(number, 2 + number % 4)
        when = f"{1 + number % 28}/{1 + number % 3}/2024" if dated else "س"
        writer.writerow([when, item.title, "" if number == 3 else item.text])
    return out.getvalue().replace("٤٠", "40").encode("windows-1256")  # which has no Arabic digits


def finished(page: Page) -> None:
    expect(page.locator("#file .state")).to_have_text("تم", timeout=60_000)


def result(page: Page, server: str) -> list[dict[str, str]]:
    """The scored table of the job that the address names."""
    name = page.evaluate("location.hash").split("/")[1]
    text = httpx.get(f"{server}/jobs/{name}/result").content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.split("\n")[0] else ","))


def test_a_table_is_dropped_and_read(opened: Opened, server: str) -> None:
    page = opened()
    drop(page, "main", "أخبار مارس.csv", table(70), "text/csv")
    expect(page.get_by_role("link", name="ملف")).to_have_attribute("aria-current", "page")
    expect(page.locator("#file h2")).to_have_text("أخبار مارس.csv")
    finished(page)
    rows = result(page, server)
    assert len(rows) == 70
    expect(page.locator(".summary .fine")).to_have_text("قُرئ 69 من 70 · لم يُقرأ 1")
    for place, topic in enumerate(TOPICS):
        cells = page.locator(".summary tbody tr").nth(place).locator("td.figure").all_inner_texts()
        about = [row for row in rows if row[topic] == "yes"]
        stances = Counter(row[f"{topic}_stance"] for row in about)
        assert [int(cell) for cell in cells] == [len(about), *(stances[s] for s in ("favor", "neutral", "against", ""))]

    # the chart, and the same numbers in its table
    drawn = page.locator(".chart-row")
    expect(drawn).to_have_count(3)
    about = [row for row in rows if row[TOPICS[0]] == "yes"]
    label = drawn.first.get_by_role("img").get_attribute("aria-label") or ""
    assert f"عدد المقالات {len(about)}،" in label
    page.get_by_text("الأرقام في جدول").click()
    told = Counter[str]()
    for line in page.locator(".chart details tbody tr").all():
        cells = line.locator("th, td").all_inner_texts()
        told[cells[0]] += sum(map(int, cells[2:]))
    months = Counter(int(row["التاريخ"].split("/")[1]) for row in rows for topic in TOPICS if row[topic] == "yes")
    assert sorted(told.values()) == sorted(months.values())
    assert len(told) == len(months) == 3

    # the list is shown in parts, filtered, and opens an article
    expect(page.locator(".row-list > li")).to_have_count(50)
    page.get_by_role("button", name="أظهر 20 أخرى").click()
    expect(page.locator(".row-list > li")).to_have_count(70)
    page.get_by_label("أظهر", exact=True).select_option("error")
    expect(page.locator(".row-list > li")).to_have_count(1)
    expect(page.locator(".row-list .chip")).to_contain_text("empty_text")
    page.get_by_label("أظهر", exact=True).select_option(TOPICS[0])
    expect(page.locator(".row-list > li")).to_have_count(min(50, len(about)))
    page.locator(".row-title").first.click()
    expect(page.locator("#article .reader h2")).to_have_text(about[0]["العنوان"])


def test_the_result_is_fetched_and_a_reload_finds_it(opened: Opened, server: str) -> None:
    page = opened("/#file")
    page.locator("#file input[type=file]").set_input_files(
        {"name": "one.csv", "mimeType": "text/csv", "buffer": table(5, dated=False)}
    )
    finished(page)
    expect(page.locator("#file")).to_contain_text("لا عمود تاريخ")
    page.reload()
    finished(page)
    with page.expect_download() as fetched:
        page.get_by_role("button", name="نزِّل النتيجة").click()
    assert fetched.value.suggested_filename == "one-scored.csv"
    name = page.evaluate("location.hash").split("/")[1]
    assert fetched.value.path().read_bytes() == httpx.get(f"{server}/jobs/{name}/result").content
    page.get_by_role("button", name="ملف آخر").click()
    expect(page.get_by_role("button", name="اختر ملفًا")).to_be_focused()


def test_a_row_is_opened_by_the_columns_that_were_named(opened: Opened) -> None:
    page = opened("/#file")
    page.get_by_label("عمود النص").fill("ملخص")
    page.get_by_label("عمود العنوان").fill("رأس")
    cells = [["رأس", "العنوان", "ملخص", "النص"], [f"«{article(1).title}»", "غيره", article(1).text, "غيره"]]
    out = io.StringIO()
    csv.writer(out).writerows(cells)
    drop(page, "main", "a.csv", out.getvalue().encode(), "text/csv")
    finished(page)
    page.get_by_role("button", name=cells[1][0]).click()
    page.locator("#article .reader").wait_for()
    expect(page.locator("#article .reader h2")).to_have_text(cells[1][0])
    expect(page.locator("#article .reader")).to_contain_text(article(1).text.splitlines()[0])


def test_progress_is_shown_and_a_job_is_cancelled(opened: Opened) -> None:
    page = opened("/#file")
    told: dict[str, Any] = {
        "id": "A" * 22,
        "name": "big.csv",
        "format": "csv",
        "state": "running",
        "rows": 4000,
        "rows_done": 1000,
        "rate": 12.5,
        "seconds_left": 240.0,
        "notes": [],
        "summary": None,
        "error": None,
        "result": None,
    }
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(f"{route.request.method} {route.request.url.split('/jobs')[1]}")
        if route.request.method == "DELETE":
            route.fulfill(status=204)
        else:
            route.fulfill(status=202 if route.request.method == "POST" else 200, json=told)

    page.route(re.compile("/jobs"), answer)
    page.get_by_label("عمود النص").fill("النص")
    page.get_by_label("النتيجة لبرنامج Excel").check()
    drop(page, "main", "big.csv", b"a,b\n")
    bar = page.get_by_role("progressbar")
    expect(bar).to_have_attribute("value", "0.25")
    expect(page.locator(".job-progress")).to_contain_text("الصفوف: 1,000 من 4,000 · 12.5 في الثانية · بقي نحو 4 د")
    told["rows_done"] = 3000
    expect(bar).to_have_attribute("value", "0.75")
    page.get_by_role("button", name="ألغِ").click()
    expect(page.locator("#file .state")).to_have_text("أُلغي")
    assert asked[0] == f"POST ?name=big.csv&text_column={'%D8%A7%D9%84%D9%86%D8%B5'}&excel=true"
    assert asked[-1] == f"DELETE /{'A' * 22}"


def test_a_table_that_cannot_be_read(opened: Opened) -> None:
    page = opened()
    drop(page, "main", "articles.csv", b"%PDF-1.7 \x00\x01", "text/csv")
    expect(page.locator("#file .state")).to_have_text("لم يتم", timeout=30_000)
    expect(page.locator("#file .notice")).to_contain_text("ليس هذا جدولًا")
    drop(page, "main", "wrong.csv", b"colour,size\nred,1\n")
    expect(page.locator("#file .notice")).to_contain_text("لا عمود للنص", timeout=30_000)
    drop(page, "main", "empty.csv", b"", "text/csv")
    expect(page.locator("#file .notice")).to_contain_text("الملف فارغ")


def test_a_job_that_is_not_there(opened: Opened) -> None:
    page = opened(f"/#file/{'B' * 22}")
    expect(page.locator("#file .notice")).to_contain_text("لا ملف لك بهذا الرقم")
    expect(page.get_by_role("button", name="اختر ملفًا")).to_be_visible()


def test_rows_are_read_from_any_cut_of_the_stream(opened: Opened) -> None:
    text = 'a;b\r\n"x;""y""\r\nz";١\r\n;\r\n'.replace(";", ",")
    rows = opened().evaluate(
        """async (text) => {
            const {firstRows} = await import("/page/csv.js");
            const bytes = new TextEncoder().encode("\\ufeff" + text);
            const found = [];
            for (let size = 1; size < 7; size += 1) {
                const parts = [];
                for (let i = 0; i < bytes.length; i += size) parts.push(bytes.slice(i, i + size));
                const body = new ReadableStream({
                    pull(c) { parts.length ? c.enqueue(parts.shift()) : c.close(); },
                });
                found.push(await firstRows(new Response(body), "csv", 10));
            }
            return found;
        }""",
        text,
    )
    assert rows == [[{"a": 'x,"y"\r\nz', "b": "١"}, {"a": "", "b": ""}]] * 6
