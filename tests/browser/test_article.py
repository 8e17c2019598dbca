"""One article and two: what is pasted, what is shown of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opened, answer, drop, read, write
from tests.conftest import SENTENCES

# supplementary characters (two UTF-16 units each), a right-to-left mark, diacritics, tatweel, both kinds of digits
MIXED = "\n".join(
    [
        "🚢🚢 عاجل: " + SENTENCES[0],
        "The UN Panel of Experts, in S/2021/229, names the ship 𝓜𝓥 Libra.",
        "\u200fوقال المتحدث (UN Spokesperson) إنّ الشحنة «خــرق صريح» للقرار ١٩٧٠ (2011).",
        *SENTENCES[1:5],
        "🕊️ " + SENTENCES[6],
    ]
)


def shown_evidence(page: Page) -> dict[str, set[str]]:
    """Topic to its sentences as they are marked in the text, by the badges behind them."""
    found: list[list[str]] = page.evaluate(
        """() => [...document.querySelectorAll("#article .badge")].map((badge) => {
            let mark = badge;
            while (!mark.matches("mark")) mark = mark.previousElementSibling;
            return [badge.dataset.topic, mark.textContent];
        })"""
    )
    return {topic: {text for name, text in found if name == topic} for topic, _ in found}


def test_what_is_typed_is_read(opened: Opened, server: str) -> None:
    page = opened()
    page.get_by_role("textbox", name="العنوان").click()
    page.keyboard.type("خبر رقم ١")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type(SENTENCES[0])
    page.keyboard.press("Enter")
    page.keyboard.type(SENTENCES[2])
    page.keyboard.press("Control+Enter")
    expected = answer(server, f"{SENTENCES[0]}\n{SENTENCES[2]}", "خبر رقم ١")
    expect(page.locator(".topics > li")).to_have_count(3)
    assert page.evaluate("document.activeElement.className") == "reader"
    expect(page.locator("#said")).to_contain_text("قُرئ المقال")
    expect(page.locator(".reader h2")).to_have_text("خبر رقم ١")
    for topic in expected["topics"]:
        item = page.locator(f".topics > [data-topic={topic['id']}]")
        expect(item).to_contain_text("يتناوله" if topic["relevant"] else "لا يتناوله")
        meter = item.get_by_role("meter")
        assert float(meter.get_attribute("aria-valuenow") or "") == topic["probability"]
        label = meter.get_attribute("aria-label") or ""
        assert f"{topic['threshold'] * 100:.0f}%" in label
        if topic["stance"]:
            words = {"favor": "مؤيد", "against": "معارض", "neutral": "محايد"}
            expect(item.locator(".stance-word")).to_contain_text(words[topic["stance"]["label"]])
            parts = item.locator(".stance-bar .part")
            sizes = [float((parts.nth(i).get_attribute("style") or "").split(":")[1].strip(" %;")) for i in range(3)]
            chances = topic["stance"]["probabilities"]
            assert sizes == pytest.approx([chances[name] * 100 for name in ("favor", "neutral", "against")], abs=0.01)


def test_mixed_text_is_pasted_and_its_evidence_marked_to_the_character(opened: Opened, server: str) -> None:
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("textbox", name="نص المقال").focus()
    page.evaluate("text => navigator.clipboard.writeText(text)", MIXED)
    page.keyboard.press("Control+V")
    assert page.get_by_role("textbox", name="نص المقال").input_value() == MIXED
    page.keyboard.press("Control+Enter")
    page.locator(".reader").wait_for()
    expected = answer(server, MIXED)
    wanted = {t["id"]: {e["text"] for e in t["evidence"]} for t in expected["topics"] if t["evidence"]}
    assert any(e["start"] > 5 for t in expected["topics"] for e in t["evidence"])
    assert shown_evidence(page) == wanted
    shown = page.locator(".reader .body p").evaluate_all(
        """lines => lines.map((line) => {
            const copy = line.cloneNode(true);
            for (const badge of copy.querySelectorAll(".badge")) badge.remove();
            return [copy.textContent, getComputedStyle(line).direction];
        })"""
    )
    assert [text for text, _ in shown] == MIXED.split("\n")
    assert [direction for _, direction in shown] == ["rtl", "ltr", "rtl", *["rtl"] * 5]
    shares = [f"{e['share'] * 100:.1f}%" for t in expected["topics"] for e in t["evidence"]]
    listed = page.locator(".sentence .figure").all_text_contents()
    assert [text.strip("\u2066\u2069") for text in listed] == shares


@pytest.mark.parametrize(
    ("text", "start", "end", "wanted"),
    [
        ("أبج", 1, 2, ["أ", "ب", "ج"]),
        ("😀أبج", 2, 3, ["😀أ", "ب", "ج"]),
        ("😀😀أ\n𝓜ب", 2, 6, ["😀😀", "أ", "𝓜ب"]),
        ("أ\r\nب", 0, 4, ["أ", "ب"]),
        ("😀", 0, 1, ["😀"]),
    ],
)
def test_offsets_are_code_points(opened: Opened, text: str, start: int, end: int, wanted: list[str]) -> None:
    assert "".join(text[start:end].split()) in "".join(wanted)
    lines = opened().evaluate(
        """async ([text, start, end]) => {
            const {pieces} = await import("/page/offsets.js");
            return pieces(text, [{evidence: [{start, end, share: 1}]}]);
        }""",
        [text, start, end],
    )
    assert [piece["text"] for line in lines for piece in line] == wanted
    marked = "".join(piece["text"] for line in lines for piece in line if piece["of"])
    assert marked == text[start:end].replace("\r\n", "").replace("\n", "")


def test_a_topic_shows_its_evidence_alone(opened: Opened) -> None:
    page = opened()
    answer = {
        "model": {"name": "m", "digest": "0" * 64},
        "results": [{**TWO, "topics": [topic("a", "أ", [(0, 5, 0.6), (6, 11, 0.2)]), topic("b", "ب", [(6, 11, 0.9)])]}],
    }
    page.route("**/classify", lambda route: route.fulfill(json=answer))
    read(page, "جملة1 جملة2 جملة3")
    badges = page.locator(".badge:not([hidden])")
    expect(badges).to_have_count(3)
    both = page.locator("mark").nth(1)
    layers = "node => getComputedStyle(node).backgroundImage.split('gradient').length - 1"
    assert both.evaluate(layers) == 3  # two underlines and a tint
    page.get_by_role("button", name="ب", exact=True).hover()
    expect(badges).to_have_count(1)
    assert both.evaluate(layers) == 2
    page.mouse.move(0, 0)
    expect(badges).to_have_count(3)
    page.get_by_role("button", name="أ", exact=True).focus()
    expect(badges).to_have_count(2)
    page.keyboard.press("Enter")  # chosen: it stays when the focus goes on
    page.locator("#language").focus()
    expect(badges).to_have_count(2)
    expect(page.get_by_role("button", name="أ", exact=True)).to_have_attribute("aria-pressed", "true")
    page.locator(".sentence").last.click()  # of the other topic, which is then the one that is shown
    assert page.evaluate("document.activeElement.textContent") == "جملة2"
    expect(page.get_by_role("button", name="ب", exact=True)).to_have_attribute("aria-pressed", "true")
    page.mouse.move(0, 0)
    expect(badges).to_have_count(1)


def test_what_the_model_leaves_open_is_said(opened: Opened) -> None:
    page = opened()
    open_topic = topic("a", "أ", [(0, 5, 0.6)]) | {"relevant": None, "abstained": True, "stance": None}
    open_stance = topic("b", "ب", [(6, 11, 0.9)]) | {"abstained": True}
    open_stance["stance"] |= {"label": None}
    result = {
        **TWO,
        "topics": [open_topic, open_stance],
        "warnings": ["cut_share", "cut_tags", "very_short", "new_code"],
    }
    answer = {"model": {"name": "m", "digest": "0" * 64}, "results": [result]}
    page.route("**/classify", lambda route: route.fulfill(json=answer))
    read(page, "جملة1 جملة2 جملة3")
    first, second = page.locator(".topics > li").all()
    expect(first).to_contain_text("غير محسوم — يُقرأ الدليل")
    expect(first).to_contain_text("اقرأها واحكم")
    expect(first.locator(".sentence")).to_have_count(1)
    expect(second.locator(".verdict")).to_have_text("يتناوله")
    expect(second.locator(".stance-word")).to_have_text("غير محسوم")
    notes = page.locator(".notice li").all_text_contents()
    assert notes[0].startswith("النص قصير")
    assert "new_code" in notes[1]
    assert "أزرار المشاركة، الوسوم" in notes[2]


def test_a_saved_page_is_dropped_and_its_text_shown(opened: Opened, server: str) -> None:
    page = opened()
    source = (
        '<html><head><meta charset="windows-1256"></head><body><article>'
        + "".join(f"<p>{sentence}</p>" for sentence in SENTENCES[:4])
        + "</article></body></html>"
    )
    drop(page, "main", "page.html", source.encode("windows-1256"), "text/html")
    expect(page.get_by_role("textbox", name="نص المقال")).to_have_value(source)
    page.locator("#article button.main").click()
    expected = answer(server, source)
    expect(page.locator(".notice li[data-code=html_extracted]")).to_be_visible()
    assert expected["extracted_text"]
    lines = page.locator(".reader .body p").count()
    assert lines == len([line for line in expected["extracted_text"].split("\n") if line.strip()])
    assert shown_evidence(page) == {
        t["id"]: {e["text"] for e in t["evidence"]} for t in expected["topics"] if t["evidence"]
    }


def test_text_never_becomes_markup(opened: Opened) -> None:
    page = opened()
    nasty = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> ' + SENTENCES[0]
    read(page, nasty, "<b>عنوان</b>")
    expect(page.locator(".reader h2")).to_have_text("<b>عنوان</b>")
    expect(page.locator(".reader .body")).to_contain_text("<script>window.hacked=1</script>")
    assert page.evaluate("[window.hacked, document.querySelectorAll('main img, main script').length]") == [None, 0]


def test_the_answer_is_copied_as_json(opened: Opened, server: str) -> None:
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    read(page, MIXED)
    page.get_by_role("button", name="انسخ JSON").click()
    expect(page.locator("#said")).to_have_text("نُسخ")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied.pop("model")["name"] == "small"
    assert copied == answer(server, MIXED)


def test_a_sample_and_an_empty_editor(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="مثال").click()
    assert len(page.get_by_role("textbox", name="نص المقال").input_value()) > 300
    page.get_by_role("button", name="مسح").click()
    expect(page.get_by_role("textbox", name="نص المقال")).to_have_value("")
    write(page, " https://example.org/news/1 ")
    page.locator("#article button.main").click()
    expect(page.get_by_role("alert")).to_contain_text("هذا رابط")


def test_an_article_put_in_while_another_is_read_is_read_instead(opened: Opened) -> None:
    page = opened()
    waiting: list[Any] = []

    def answered(route: Any) -> None:
        if waiting:
            route.continue_()
        else:
            waiting.append(route)  # never answered

    page.route("**/classify", answered)
    found = page.evaluate(
        """async (text) => {
            const { ArticleView } = await import("/page/article.js");
            const root = document.createElement("section");
            document.body.append(root);
            const view = new ArticleView(root, () => []);
            view.put({ title: "", text: "خبر" });
            const first = view.read();
            await new Promise((resolve) => setTimeout(resolve, 100));
            view.put({ title: "", text });
            await view.read();
            await first;
            return view.answer?.article.text ?? "";
        }""",
        MIXED,
    )
    assert found == MIXED


TWO = {"id": "0", "windows": 1, "tokens": 9, "warnings": [], "error": None, "extracted_text": None}


def topic(name: str, arabic: str, evidence: list[tuple[int, int, float]]) -> dict[str, Any]:
    chances = {"favor": 0.2, "against": 0.7, "neutral": 0.1}
    return {
        "id": name,
        "name": {"ar": arabic, "en": name},
        "relevant": True,
        "probability": 0.8,
        "threshold": 0.5,
        "abstained": False,
        "stance": {"label": "against", "probability": 0.7, "probabilities": chances},
        "evidence": [{"start": s, "end": e, "text": "جملة", "share": share} for s, e, share in evidence],
    }
