import json
from pathlib import Path

import pytest

from data.clean import Cleaned, clean

BODY = "أعلنت البعثة تمديد مهمتها ستة أشهر أخرى.\nوقال المتحدث إن المشاركة في التصويت كانت واسعة."


def left(cleaned: Cleaned) -> str:
    text, kept, place = cleaned.text, [], 0
    for start, end in cleaned.cut:
        kept.append(text[place:start])
        place = end
    return "".join([*kept, text[place:]])


def test_an_article_alone_is_left_alone() -> None:
    assert clean(BODY) == Cleaned(BODY, (), ())


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("اترك تعليقاً إلغاء الرد", "cut_comment_form"),
        ("لن يتم نشر عنوان بريدك الإلكتروني. الحقول الإلزامية مشار إليها بـ *", "cut_comment_form"),
        ("تسجيل الدخول", "cut_log_in"),
        ("شارك على فيسبوك تويتر واتساب", "cut_share"),
        ("Facebook Twitter WhatsApp", "cut_share"),
        ("اقرأ أيضاً: الأمم المتحدة تدعو إلى التهدئة", "cut_read_also"),
        ("اشترك في نشرتنا البريدية ليصلك كل جديد", "cut_subscribe"),
        ("الوسوم: ليبيا، حفتر، طبرق", "cut_tags"),
        ("جميع الحقوق محفوظة © 2019", "cut_copyright"),
        ("الرئيسية / أخبار / ليبيا", "cut_navigation"),
        ("شـــارك الخبـر", "cut_share"),
    ],
)
def test_cuts_lines_that_are_no_article_and_says_so(line: str, warning: str) -> None:
    cleaned = clean(f"{BODY}\n{line}")
    assert warning in cleaned.warnings
    assert left(cleaned).strip() == BODY
    assert cleaned.text == f"{BODY}\n{line}"


@pytest.mark.parametrize(
    "sentence",
    [
        "مشاركة واسعة شهدتها جلسة التصويت على القرار في بنغازي أمس.",
        "شارك في الاجتماع مندوبون عن سبع دول، وغابت روسيا.",
        "اقرأ تاريخ ليبيا تفهم حاضرها، هكذا قال الرجل.",
        "تسجيل صوتي مسرب يكشف صفقة السلاح.",
        "التعليقات التي صدرت عن أنقرة أغضبت القاهرة.",
        "المزيد من المرتزقة وصلوا إلى الجفرة.",
        "نشر الجيش 310 جنود.",
    ],
)
def test_keeps_sentences_that_merely_contain_such_words(sentence: str) -> None:
    assert clean(f"{BODY}\n{sentence}").cut == ()


def test_what_follows_a_comment_form_goes_but_a_paragraph_there_stays() -> None:
    paragraph = "وفي سياق متصل أعلنت الحكومة أنها لن تقبل بأي وجود أجنبي على أراضيها."
    cleaned = clean(f"{BODY}\nاترك رد\nمرحبا بك\n{paragraph}")
    assert left(cleaned).split("\n") == [*BODY.split("\n"), "", "", paragraph]


def test_a_number_alone_is_a_counter_only_above_the_article() -> None:
    assert clean(f"310\n{BODY}").warnings == ("cut_counter",)
    assert clean(f"{BODY}\n310\n{BODY}").cut == ()


def test_never_cuts_everything() -> None:
    assert clean("اترك رد\nتسجيل الدخول").cut == ()


def test_takes_the_article_out_of_a_page() -> None:
    page = f"<html><body><nav><a>الرئيسية</a></nav><article><p>{BODY}</p><p>{BODY}</p></article></body></html>"
    cleaned = clean(page)
    assert cleaned.warnings == ("html_extracted",)
    assert "أعلنت البعثة" in cleaned.text
    assert "<p>" not in cleaned.text


def test_a_scraped_page_loses_its_frame_and_nothing_else(shared: Path) -> None:
    text = (shared / "articles" / "page.txt").read_text(encoding="utf-8")
    cleaned = clean(text)
    assert cleaned.warnings == ("cut_counter", "cut_comment_form")
    kept = left(cleaned)
    assert "WordPress" not in kept
    assert "اترك رد" not in kept
    paragraphs = [line for line in text.split("\n") if len(line.split()) > 20]
    assert len(paragraphs) > 10
    assert all(paragraph in kept for paragraph in paragraphs)


def test_real_articles_lose_nothing(shared: Path) -> None:
    lines = (shared / "articles" / "real.jsonl").read_text(encoding="utf-8").split("\n")
    texts = [json.loads(line)["text"] for line in lines if line]
    assert len(texts) == 370
    assert [text[:40] for text in texts if clean(text).cut] == []
