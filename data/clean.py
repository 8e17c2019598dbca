"""What in a text is not the article: comment forms, share buttons, log-in lines, tags, copyright.

Nothing is rewritten. ``clean`` says which lines to leave out of the reading, so that offsets keep pointing into
the text as sent, and which kinds of line they were, so that a reader can be told. The rules are lines that are
boilerplate as a whole; a sentence of the article that merely contains such words stays. HTML is the exception: its
text is taken out by trafilatura, and offsets then point into that text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from data.article import Span

_END = r"[\s:.!…»)\]]*"
_NETWORKS = (
    "فيسبوك|فيس بوك|تويتر|واتساب|واتس اب|تيليجرام|تيليغرام|تلغرام|لينكد[إا]ن|facebook|twitter|whatsapp|telegram|x"
)
_PAGES = "سياسة الخصوصية|شروط الاستخدام|اتصل بنا|من نحن|خريطة الموقع"
_START = r"[\s•·|»«\-–—*#>\[(]*"


def _line(*patterns: str) -> re.Pattern[str]:
    return re.compile(f"{_START}(?:{'|'.join(patterns)}){_END}", re.IGNORECASE)


# Kinds of line, by what the whole line says after diacritics and tatweel are taken off.
_KINDS: dict[str, re.Pattern[str]] = {
    "comment_form": _line(
        r"[أا]?ترك (?:رد|تعليق|ردا|تعليقا|تعليقك)\S*(?: [إا]لغاء ال?رد)?",
        r"(?:أ|ا)?ضف تعليقا?ك?",
        r"[إا]لغاء ال?رد",
        r"(?:ال)?تعليقات(?: \(?\d+\)?)?",
        r"\d+ تعليقا?ت?",
        r"لا (?:يوجد|توجد) تعليقات",
        r"[إا]ملأ الحقول أدناه.{0,90}",
        r"لن يتم نشر عنوان بريدك.{0,80}",
        r"الحقول ال[إا]لزامية.{0,40}",
        r"البريد ال[إا]لكتروني \*?(?: ?\(?مطلوب\)?.{0,30})?",
        r"الاسم \*?(?: ?\(?مطلوب\)?)?",
        r"الموقع ال[إا]لكتروني",
        r"[أا]علمني (?:بالمشاركات|بالتعليقات|بمتابعة التعليقات).{0,50}",
        r"[أا]حفظ اسمي.{0,80}",
        r"leave a (?:reply|comment)(?: cancel reply)?",
        r"post comment",
        r"notify me of new (?:posts|comments).{0,30}",
        r"(?:أ|ا)نت تعلق ب[إا]?ستخدام حساب.{0,60}",
        r"صورة (?:تويتر|فيسبوك|جوجل)",
        r"(?:wordpress(?:\.com)?|facebook|twitter|google\+?|gravatar) (?:logo|photo)",
        r"connecting to %s",
        r"تغيير\s*\)?",
    ),
    "log_in": _line(
        r"(?:تسجيل|سجل) (?:ال)?(?:دخول|خروج|الدخول|الخروج).{0,30}",
        r"log ?in(?: with.{0,20})?",
        r"sign (?:in|up).{0,20}",
        r"انشاء حساب جديد|إنشاء حساب(?: جديد)?",
        r"(?:هل )?نسيت كلمة (?:السر|المرور)\s*؟?",
    ),
    "share": _line(
        r"(?:شارك|مشاركة|انشر|شاركها|شاركه|شارك هذا (?:المقال|الموضوع|الخبر)|شارك (?:المقال|الخبر)|[أا]رسل لصديق)"
        r"(?: (?:على|عبر|في|هذا|الموضوع|المقال|الخبر|إلى|الى))?"
        rf"(?:[ ,،|/]*(?:{_NETWORKS}|البريد|الأصدقاء))*",
        r"(?:share|tweet|facebook|twitter|whatsapp|telegram|pinterest|linkedin|email|print|instagram|youtube|rss)"
        r"(?:[ ,|/]+(?:on|this|share|tweet|facebook|twitter|whatsapp|telegram|pinterest|linkedin|email|print|x))*",
        rf"(?:طباعة|نسخ الرابط|حفظ|{_NETWORKS})(?:[ ,،|/]+(?:طباعة|نسخ الرابط|حفظ|{_NETWORKS}))*",
        r"(?:معجب بهذه|أعجبني|[إا]عجاب|جاري التحميل|جار التحميل)[. …]*(?:تحميل)?",
        r"تابعونا (?:على|عبر) .{0,60}",
        r"تابع(?:وا|نا)? (?:صفحتنا|قناتنا|حسابنا).{0,60}",
    ),
    "read_also": _line(
        r"(?:[إا]قرأ|[إا]قرأوا|طالع|شاهد|شاهدوا|للمزيد|[إا]قرئي) (?:أيضا|ايضا|أيضًا|المزيد|كذلك)\s*(?:[:.…].{0,160})?",
        r"(?:مواضيع|أخبار|مقالات|موضوعات|اخبار) (?:ذات صلة|متعلقة|مشابهة|مرتبطة)",
        r"قد (?:يعجبك|يهمك|تعجبك) ?(?:أيضا|ايضا)?",
        r"(?:الأكثر|الاكثر) (?:قراءة|مشاهدة|تعليقا|مشاركة)",
        r"(?:related|read more|see also).{0,60}",
        r"[إا]ضغط هنا.{0,80}",
        r"للمزيد.{0,10}|المزيد(?: من الأخبار)?",
    ),
    "subscribe": _line(
        r"[إا]شترك(?:وا)? (?:في|الآن|مجانا|بال).{0,80}",
        r"(?:النشرة|نشرتنا) (?:البريدية|الإخبارية|ال[إا]لكترونية).{0,60}",
        r"حمل(?:وا)? (?:ال)?تطبيق.{0,60}",
        r"subscribe.{0,60}",
        r"[إا]علان(?:ات)?|advertisement",
    ),
    "tags": _line(
        r"(?:الوسوم|كلمات (?:مفتاحية|دلالية|البحث)|الكلمات (?:المفتاحية|الدلالية)|وسوم|التصنيفات|tags)\s*:?.{0,200}",
    ),
    "copyright": _line(
        r"(?:جميع|كل|كافة) (?:ال)?حقوق .{0,20}محفوظة.{0,60}",
        r"(?:©|copyright|\(c\)).{0,90}",
        r"all rights reserved.{0,60}",
        rf"(?:{_PAGES})(?:[ |،,/]+(?:{_PAGES}))*",
    ),
    "navigation": _line(
        r"(?:الرئيسية|الصفحة الرئيسية|home)(?:\s*[/|»>›\\].{0,100})?",
        r"(?:السابق|التالي|الصفحة التالية|الصفحة السابقة|أعلى الصفحة|العودة إلى الأعلى)",
        r"(?:عدد )?(?:المشاهدات|القراءات|مشاهدة|قراءة|views?)\s*:?\s*\d*|\d+ (?:مشاهدة|قراءة|views?)",
    ),
    "counter": re.compile(r"\s*\d{1,6}\s*"),
}

# A heading that opens what stands below an article for good: after it, short lines that are no sentences go too.
_TAIL = _line(
    r"[أا]?ترك (?:رد|تعليق|ردا|تعليقا|تعليقك)\S*(?: [إا]لغاء ال?رد)?",
    r"(?:أ|ا)?ضف تعليقا?ك?",
    r"leave a (?:reply|comment)(?: cancel reply)?",
    r"(?:مواضيع|أخبار|مقالات|موضوعات|اخبار) (?:ذات صلة|متعلقة|مشابهة|مرتبطة)",
)
_TAIL_WORDS = 16  # a line of so many words or fewer, without a full stop, is no sentence of the article there
_MARKS = re.compile("[\u064b-\u0652\u0640\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_NEWLINE = re.compile(r"[^\r\n]+")
_HTML = re.compile(r"<\s*(?:html|body|article|p|div|br|h[1-6]|!doctype)\b[^>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class Cleaned:
    """A text and what in it to pass over.

    Attributes:
        text: the text that offsets point into: as sent, unless it was HTML.
        cut: spans of ``text`` that are not the article, in order.
        warnings: codes such as ``cut_comment_form`` or ``html_extracted``, each once.
    """

    text: str
    cut: tuple[Span, ...]
    warnings: tuple[str, ...]


def clean(text: str) -> Cleaned:
    """Find what is not the article. Never cuts everything: a text that is boilerplate alone is left whole."""
    warnings: list[str] = []
    if looks_like_html(text):
        extracted = extract_html(text)
        if extracted:
            text = extracted
            warnings.append("html_extracted")
    cut: list[Span] = []
    kept = tail = False
    lines = [m for m in _NEWLINE.finditer(text) if m.group().strip()]
    for line in lines:
        plain = _MARKS.sub("", line.group()).strip()
        kind = _kind(plain)
        # a heading of a comment form above the article opens nothing: what follows is still to come
        tail = tail or (kept and _TAIL.fullmatch(plain) is not None)
        if kind is None and tail and _is_scrap(plain):
            kind = "after_article"
        if kind is None or (kind == "counter" and kept and not tail):
            kept = True
        else:
            cut.append(line.span())
            if f"cut_{kind}" not in warnings:
                warnings.append(f"cut_{kind}")
    if not kept:
        return Cleaned(text, (), tuple(w for w in warnings if not w.startswith("cut_")))
    return Cleaned(text, tuple(cut), tuple(warnings))


def looks_like_html(text: str) -> bool:
    """Does ``text`` carry at least two block tags?"""
    found = _HTML.finditer(text[:200_000])
    return next(found, None) is not None and next(found, None) is not None


def extract_html(page: str) -> str:
    """The article's text in a web page, or an empty string where trafilatura finds none."""
    import trafilatura  # takes a second to import, and only pages need it

    return trafilatura.extract(page, include_comments=False, include_tables=False, favor_recall=True) or ""


def _kind(plain: str) -> str | None:
    if len(plain) > 260:
        return None
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(plain)), None)


def _is_scrap(plain: str) -> bool:
    return len(plain.split()) <= _TAIL_WORDS and not plain.rstrip('»"”)').endswith((".", "؟", "!", "؛", ":"))
