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
        ("احفظ اسمي، بريدي الإلكتروني، والموقع الإلكتروني في هذا المتصفح لاستخدامها في تعليقي.", "cut_comment_form"),
        ("أعلمني بمتابعة التعليقات بواسطة البريد الإلكتروني.", "cut_comment_form"),
        ("البريد الإلكتروني (مطلوب) (العنوان لن يتم نشره)", "cut_comment_form"),
        ("5 تعليقات", "cut_comment_form"),
        ("تسجيل الدخول باستخدام حساب فيسبوك", "cut_log_in"),
        ("سجل الدخول إلى حسابك", "cut_log_in"),
        ("تسجيل خروج   / تغيير )", "cut_log_in"),
        ("Sign in with Google", "cut_log_in"),
        ("فيسبوك | تويتر | واتساب", "cut_share"),
        ("تابعوا قناتنا على تيليجرام ليصلكم كل جديد", "cut_share"),
        ("اقرأ أيضاً: بعد زيارات حفتر.. هل تتدخل روسيا؟", "cut_read_also"),
        ("اضغط هنا لقراءة المزيد", "cut_read_also"),
        ("المزيد من الأخبار", "cut_read_also"),
        ("اشترك الآن في النشرة البريدية", "cut_subscribe"),
        ("حمّل تطبيقنا", "cut_subscribe"),
        ("حمل التطبيق على هاتفك", "cut_subscribe"),
        ("Subscribe to our newsletter", "cut_subscribe"),
        ("كلمات مفتاحية: ليبيا، حفتر", "cut_tags"),
        ("جميع حقوق النشر محفوظة 2019 بوابة الوسط", "cut_copyright"),
        ("جميع الحقوق محفوظة لموقع ليبيا المستقبل", "cut_copyright"),
        ("© 2019 example.com. All rights reserved.", "cut_copyright"),
        ("الرئيسية » أخبار » ليبيا", "cut_navigation"),
        ("310 مشاهدة", "cut_navigation"),
    ],
)
def test_cuts_lines_that_are_no_article_and_says_so(line: str, warning: str) -> None:
    cleaned = clean(f"{BODY}\n{line}\n{BODY}")
    assert cleaned.warnings == (warning,)
    assert left(cleaned) == f"{BODY}\n\n{BODY}"
    assert cleaned.text == f"{BODY}\n{line}\n{BODY}"


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
        "اشترك في المعارك نحو ألفي مقاتل سوري جندتهم تركيا",
        "اشتركوا في القتال إلى جانب قوات الوفاق ثلاثة آلاف مرتزق",
        "اشترك بالقصف طيران مجهول",
        "حمل تطبيق القرار 1970 مجلس الأمن أعباء جديدة",
        "حملوا تطبيق القرار مسؤولية الفشل",
        "النشرة الإخبارية للبعثة الأممية",
        "سجل دخول القوات التركية إلى طرابلس",
        "سجل الدخول العسكري الروسي رقما قياسيا",
        "تسجيل دخول ست سفن حربية إلى الميناء",
        "تسجيل الدخول عبر الحدود",
        "تسجيل خروج آخر جندي أجنبي",
        "كل حقوق الليبيين محفوظة في الاتفاق",
        "كل الحقوق محفوظة لليبيين في الاتفاق",
        "جميع حقوق الشعب الليبي محفوظة، قال المبعوث",
        "وسوم الحرب على جسد طرابلس لا تزول",
        "التصنيفات الائتمانية لليبيا تتراجع",
        "كلمات البحث عن السلام",
        "«الرئيسية» ووصف القرار بأنه خطوة أولى نحو حل سياسي شامل",
        "الرئيسية» ووصف القرار بأنه خطوة أولى نحو حل سياسي شامل",
        "اضغط هنا يولد انفجارا هناك",
        "املأ الحقول أدناه بالنفط",
        "للمزيد من السلاح",
        "تابعونا على الطريق نفسه",
        "sign international treaty",
        "وسوم: ليبيا. وقال المبعوث إن الحظر باق.",
        "مشاركة.",
    ],
)
def test_keeps_sentences_that_merely_contain_such_words(sentence: str) -> None:
    assert clean(f"{BODY}\n{sentence}").cut == ()


LONE = ["مشاهدة", "الرئيسية", "تغيير", "قراءة", "حفظ", "مشاركة", "التالي", "الاسم", "البريد الالكتروني", "التصنيفات"]


@pytest.mark.parametrize("word", LONE)
def test_a_lone_word_between_paragraphs_is_a_subheading(word: str) -> None:
    assert clean(f"{BODY}\n{word}\n\n{BODY}").cut == ()


@pytest.mark.parametrize("word", LONE)
@pytest.mark.parametrize(
    ("before", "after"),
    [("310\n", f"\n{BODY}"), (f"{BODY}\n", ""), (f"{BODY}\nالبريد الإلكتروني *\n", f"\n{BODY}")],
)
def test_a_lone_word_at_the_edge_or_beside_boilerplate_goes(word: str, before: str, after: str) -> None:
    cleaned = clean(f"{before}{word}{after}")
    assert word in [cleaned.text[start:end] for start, end in cleaned.cut]
    assert BODY in left(cleaned)


def test_lone_words_in_a_row_are_a_bar_of_buttons() -> None:
    assert left(clean(f"{BODY}\nحفظ\nمشاركة\n{BODY}")) == f"{BODY}\n\n\n{BODY}"


def test_a_box_of_related_news_does_not_end_the_article() -> None:
    paragraphs = "وقال المبعوث إن الحظر باق\nورفضت أنقرة البيان"
    assert left(clean(f"{BODY}\nأخبار ذات صلة\n{paragraphs}")) == f"{BODY}\n\n{paragraphs}"


@pytest.mark.parametrize("end", [*".؟?!…؛:،", ".»"])
def test_a_sentence_after_a_comment_form_stays_and_ends_the_form(end: str) -> None:
    rest = f"ورفضت أنقرة البيان{end}\nوغابت روسيا"
    assert left(clean(f"{BODY}\nأضف تعليق\nمرحبا\n{rest}")) == f"{BODY}\n\n\n{rest}"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_any_line_break_ends_a_line(ending: str) -> None:
    assert left(clean(f"وسوم: ليبيا{ending}{BODY}")) == f"{ending}{BODY}"


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


@pytest.mark.parametrize(
    "page",
    [
        "{}<br><br>{}<br><br>{}",
        "{}<p>{}</p><p>{}</p>",
        "{}<div>{}</div>{}",
        "<p>{}&nbsp;{}&nbsp;{}</p>",
        '<!DOCTYPE html><p dir="rtl">{}</p><p>{}</p><p>{}</p>',
    ],
)
def test_takes_every_sentence_out_of_a_fragment(page: str) -> None:
    sentences = ["وصل الوفد.", "غادر الوفد.", "عاد الوفد."]
    cleaned = clean(page.format(*sentences))
    assert cleaned.warnings == ("html_extracted",)
    assert cleaned.text.split() == " ".join(sentences).split()


def test_a_page_without_an_article_is_read_without_its_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trafilatura.extract", lambda *_, **__: None)
    cleaned = clean("<html><body><p>وصل الوفد.</p></body></html>")
    assert (cleaned.text, cleaned.warnings) == ("وصل الوفد.", ("html_extracted",))


@pytest.mark.parametrize(
    "text",
    ["الوسم <p> يفتح فقرة.", "الوسم «<p>» يفتح فقرة، و«</p>» يغلقها.", "إذا كان a<b و c<d فإن p>q."],
)
def test_text_that_merely_mentions_tags_stays_text(text: str) -> None:
    assert clean(text) == Cleaned(text, (), ())


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
