"""Two articles side by side."""

from playwright.sync_api import expect

from tests.browser.conftest import Opened, answer
from tests.conftest import SENTENCES


def test_two_articles_side_by_side(opened: Opened, server: str) -> None:
    page = opened("/#compare")
    texts = "\n".join(SENTENCES[:4]), "\n".join(SENTENCES[4:])
    for box, text in zip(page.locator("#compare textarea").all(), texts, strict=True):
        box.fill(text)
    page.get_by_role("button", name="قارن").click()
    rows = page.locator(".comparison tbody tr")
    expect(rows).to_have_count(3)
    first, second = (answer(server, text)["topics"] for text in texts)
    for row, a, b in zip(rows.all(), first, second, strict=True):
        words = row.locator(".difference").inner_text()
        if a["relevant"] and b["relevant"]:
            assert words == ("موقف واحد" if a["stance"]["label"] == b["stance"]["label"] else "موقفان مختلفان")
        else:
            assert words == {(True, False): "في الأول وحده", (False, True): "في الثاني وحده"}.get(
                (a["relevant"], b["relevant"]), "ليس في أيهما"
            )
    boxes = [one.bounding_box() for one in page.locator("#compare .reader").all()]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["x"] > boxes[1]["x"]  # right to left
    assert boxes[0]["y"] == boxes[1]["y"]


def test_one_of_two_articles_is_refused_in_its_place(opened: Opened) -> None:
    page = opened("/#compare")
    first, second = page.locator("#compare textarea").all()
    first.fill(SENTENCES[0])
    second.fill("\u200f\u200f")
    page.get_by_role("button", name="قارن").click()
    expect(page.locator("#compare .column").nth(1).get_by_role("alert")).to_contain_text("لا نص يُقرأ")
    expect(page.locator("#compare .column").nth(0).get_by_role("alert")).to_have_count(0)
    expect(second).to_be_focused()
