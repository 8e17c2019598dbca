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
from data.sentences import LINE

# A rule says a whole line, by closed lists: what may follow a keyword is spelt out, for «اشترك في» opens sentences too.
# Only behind words that no article would use may anything stand, and even there no full stop with more after it.
_START = r"[\s•·|»«\-–—*#>\[(]*"
_END = r"[\s:…»)\]*]*(?:\.{2,}[\s»)\]]*)?"
_ANY = r"(?:[^.]|\.(?=\S)|(?<=\.)\.)"
_NETWORKS = (
    "فيسبوك|فيس بوك|تويتر|واتساب|واتس اب|تيليجرام|تيليغرام|تلغرام|تليغرام|لينكد[إا]ن|[إا]نستغرام|[إا]نستجرام|يوتيوب|"
    "facebook|twitter|whatsapp|telegram|linkedin|instagram|youtube|x"
)
_ACCOUNTS = rf"{_NETWORKS}|wordpress(?:\.com)?|google\+?|جوجل|غوغل|البريد ال[إا]لكتروني"
_SHARES = "share|tweet|facebook|twitter|whatsapp|telegram|pinterest|linkedin|email|print|instagram|youtube|rss|x"
_BUTTONS = f"طباعة|نسخ الرابط|حفظ|مشاركة|{_NETWORKS}"
_PAGES = "سياسة الخصوصية|شروط الاستخدام|اتصل بنا|من نحن|خريطة الموقع"
_BY = r"(?:على|عبر|في|بواسطة|من خلال|ب[إا]ستخدام)"
_OURS = (
    r"(?:صفحتنا|صفحاتنا|قناتنا|قنواتنا|حسابنا|حساباتنا|(?:مواقع|وسائل|شبكات|منصات) التواصل)"
    r"(?: (?:الرسمية?|الاجتماعي))*"
)
_SERVICE = (
    r"(?:نشرتنا|النشرة|قناتنا|القناة|خدمتنا|الخدمة|قائمتنا|القائمة|صفحتنا|المدونة|خدمة (?:الإشعارات|التنبيهات))"
    rf"(?: (?:البريدية|ال[إا]خبارية|ال[إا]لكترونية|اليومية|الأسبوعية|المجانية|على (?:{_NETWORKS})))*"
)
_NEWS = (
    r"(?: (?:ليصلكم?|لتصلكم?|لمتابعة|لمعرفة|لتلقي|للحصول على|واحصل على)"
    r" (?:كل جديد|كل الأخبار|جديدنا|(?:آخر|أحدث|أهم) (?:الأخبار|الأنباء|المستجدات|المقالات))"
    r"(?: أولا بأول| على بريدك(?: ال[إا]لكتروني)?)*)?[.!]?"
)
_MORE = r"(?:من |على )?(?:المزيد|الأخبار|المعلومات|التفاصيل|الخبر|المقال|الموضوع|الفيديو|التطبيق)"
_OUTLET = r"ل(?:موقع|صحيفة|جريدة|شبكة|وكالة|قناة|مؤسسة|شركة|بوابة|مجلة)? "
_SIGNED = r"(?:\*|\(?(?:مطلوب|[إا]لزامي)\)?)"
_MANDATORY = (
    r"الحقول (?:ال[إا]لزامية|المطلوبة)"
    r"(?: (?:مشار [إا]ليها|محددة|معلمة|مميزة)(?: (?:ب|بعلامة|بالعلامة|بالرمز)(?: ?\*)?)?)?"
)
# Headings that open what stands below an article for good: after them, short lines that are no sentences go too.
_FORM = (
    r"[أا]?ترك (?:رد|تعليق)[اك]?(?: [إا]لغاء ال?رد)?",
    r"[أا]?ضف تعليق[اك]?",
    r"leave a (?:reply|comment)(?: cancel reply)?",
)


def _line(*patterns: str) -> re.Pattern[str]:
    return re.compile(f"{_START}(?:{'|'.join(patterns)}){_END}", re.IGNORECASE)


# Kinds of line, by what the whole line says after diacritics and tatweel are taken off.
_KINDS: dict[str, re.Pattern[str]] = {
    "comment_form": _line(
        *_FORM,
        r"[إا]لغاء ال?رد",
        r"(?:ال)?تعليقات \(?\d+\)?|\d+ تعليق(?:ا|ات)?",
        r"لا (?:يوجد|توجد) تعليقات",
        r"[إا]ملأ الحقول أدناه(?: بالمعلومات المناسبة)?(?: أو [إا]ضغط على [إا]حدى ال[أا]يقونات)?(?: لتسجيل الدخول)?",
        rf"لن يتم نشر (?:عنوان )?بريدك ال[إا]لكتروني\.?(?: {_MANDATORY})?",
        _MANDATORY,
        rf"البريد ال[إا]لكتروني ?{_SIGNED}(?: ?\((?:العنوان )?لن (?:يتم نشره|ينشر)\)?)?",
        rf"(?:الاسم|الموقع ال[إا]لكتروني) ?{_SIGNED}",
        r"[أا]علمني (?:بالمشاركات|بالمواضيع|بالتعليقات|بمتابعة التعليقات)(?: الجديدة)?"
        r"(?: (?:بواسطة|عبر|عن طريق|على) (?:البريد|بريدي)(?: ال[إا]لكتروني)?)?\.?",
        rf"[أا]حفظ اسمي(?:{_ANY}{{0,60}} في هذا المتصفح{_ANY}{{0,60}}\.?)?",
        r"post comment",
        r"notify me of new (?:posts|comments)(?: (?:by|via) email)?\.?",
        rf"[أا]نت تعلق ب[إا]?ستخدام حسابك?(?: (?:في |على )?(?:{_ACCOUNTS}))?\.?"
        r"(?:[\s(]*تسجيل (?:ال)?خروج)?(?:[\s/]*تغيير)?",
        r"صورة (?:تويتر|فيسبوك|جوجل)",
        r"(?:wordpress(?:\.com)?|facebook|twitter|google\+?|gravatar) (?:logo|photo)",
        r"connecting to %s",
        r"تغيير\s*\)",
    ),
    "log_in": _line(
        r"(?:تسجيل|سجل) (?:ال)?(?:دخول|خروج)"
        rf"(?: {_BY} (?:حسابك?(?: (?:في|على))? ?)?(?:{_ACCOUNTS})?| بحسابك?(?: (?:{_ACCOUNTS}))?| [إا]لى حسابك| للتعليق"
        r"|[\s/|]+(?:تغيير|التسجيل|[إا]نشاء حساب(?: جديد)?|(?:تسجيل )?الخروج))?",
        rf"(?:log ?in|log ?out|sign (?:in|up))(?: (?:with|via) (?:{_ACCOUNTS}|email)| to (?:comment|your account))?",
        r"[إا]نشاء حساب(?: جديد)?",
        r"(?:هل )?نسيت كلمة (?:السر|المرور)\s*؟?",
    ),
    "share": _line(
        r"شارك(?:ها|ه)|[أا]رسل لصديق|(?:شارك|مشاركة|انشر) (?:على|عبر|هذا)",
        rf"(?:شارك|مشاركة|انشر)(?: (?:هذا )?(?:المقال|الموضوع|الخبر))(?: (?:على|عبر))?(?:[ ,،|/:]+(?:{_NETWORKS}))*",
        rf"(?:شارك|شاركها|شاركه|مشاركة|انشر)(?: (?:على|عبر|في|[إا]لى))?(?:[ ,،|/:]+(?:{_NETWORKS}|البريد|الأصدقاء))+",
        rf"(?:{_SHARES})(?:[ ,|/]+(?:on|this|{_SHARES}))*",
        rf"نسخ الرابط|(?:{_BUTTONS})(?:[ ,،|/]+(?:{_BUTTONS}))+",
        r"معجب بهذه|(?:أعجبني|[إا]عجاب)[. …]*تحميل|جاري? التحميل",
        rf"تابع(?:ونا|وا|نا)?(?:[ ,،|/:]+و?(?:على|عبر|في|{_OURS}|{_NETWORKS}))+{_NEWS}",
    ),
    "read_also": _line(
        r"(?:[إا]قرأ|[إا]قرأوا|طالع|شاهد|شاهدوا|للمزيد|[إا]قرئي) (?:أيضا|ايضا|المزيد|كذلك)"
        rf"(?:\s*[:…]{_ANY}{{0,160}})?",
        r"(?:مواضيع|أخبار|مقالات|موضوعات|اخبار) (?:ذات صلة|متعلقة|مشابهة|مرتبطة)",
        r"قد (?:يعجبك|يهمك|تعجبك) ?(?:أيضا|ايضا)?",
        r"(?:الأكثر|الاكثر) (?:قراءة|مشاهدة|تعليقا|مشاركة)",
        rf"(?:related(?: (?:posts|articles|news|stories))?|read more|see also)(?:\s*:{_ANY}{{0,60}})?",
        rf"[إا]ضغط هنا(?: (?:ل(?:قراءة|مشاهدة|متابعة|معرفة|تحميل|لاطلاع|لمزيد) ?{_MORE}|للمزيد|للاشتراك|للتسجيل))?",
        rf"(?:للمزيد|المزيد) {_MORE}(?: [إا]ضغط هنا)?|المزيد\s*[»›>]",
    ),
    "subscribe": _line(
        rf"[إا]شترك(?:وا)?(?: الآن| مجانا)+(?: (?:في |ب){_SERVICE})?{_NEWS}",
        rf"[إا]شترك(?:وا)? (?:في |ب){_SERVICE}(?: الآن| مجانا)*{_NEWS}",
        r"(?:النشرة|نشرتنا) (?:البريدية|ال[إا]خبارية|ال[إا]لكترونية)",
        r"حمل(?:وا)? (?:التطبيق|تطبيقنا|تطبيق (?:الهاتف|الجوال|الموبايل|الموقع|الآن|مجانا))"
        r"(?: الآن| مجانا| على (?:هاتفك|جوالك|[آا]يفون|[أا]ندرويد|android|ios|google play|app store))*",
        r"subscribe(?: now)?(?: to (?:our |the |this )?(?:newsletter|channel|mailing list|blog))?(?: via email)?",
        r"[إا]علانات|advertisement",
    ),
    "tags": _line(
        r"(?:الوسوم|وسوم|التصنيفات|(?:ال)?كلمات (?:ال)?(?:مفتاحية|دلالية)|كلمات البحث|tags)"
        rf"\s*[:|#]{_ANY}{{0,200}}",
        r"(?:ال)?كلمات (?:ال)?(?:مفتاحية|دلالية)|كلمات البحث|tags",
    ),
    "copyright": _line(
        r"(?:جميع|كل|كافة) (?:ال)?حقوق(?: (?:النشر|الطبع|الملكية)(?: و(?:النشر|الطبع|التوزيع)| الفكرية)?)? محفوظة\.?"
        rf"(?:[\s,،|(\-–]*(?:©|\(c\)|\d{{4}}|for ){_ANY}{{0,60}}| {_OUTLET}{_ANY}{{0,40}})?\.?",
        rf"(?:©|(?:copyright|\(c\))[\s©]*(?:\(c\) ?)?\d{{4}}){_ANY}{{0,90}}\.?(?: all rights reserved\.?)?",
        r"all rights reserved\.?(?:[\s©|,\-–]*\d{4})?|copyright",
        rf"(?:{_PAGES})(?:[ |،,/]+(?:{_PAGES}))+",
    ),
    "navigation": _line(
        rf"(?:الرئيسية|الصفحة الرئيسية|home)(?:\s*[/|>›\\]|\s+»\s){_ANY}{{0,100}}",
        r"الصفحة (?:الرئيسية|التالية|السابقة)|home|أعلى الصفحة|العودة [إا]لى الأعلى",
        r"(?:عدد )?(?:(?:ال)?مشاهدات|القراءات|مشاهدة|قراءة|views?)\s*:?\s*\d+|\d+ (?:مشاهدة|قراءة|views?)",
        r"عدد (?:المشاهدات|القراءات)|views?",
    ),
    "counter": re.compile(r"\s*\d{1,6}\s*"),
}
# Words that are boilerplate in its company or at the edge of the page, and a subheading between two paragraphs.
_LONE: dict[str, re.Pattern[str]] = {
    "comment_form": _line(r"الاسم|(?:البريد|الموقع) ال[إا]لكتروني|(?:ال)?تعليقات|تغيير"),
    "share": _line(rf"شارك|انشر|[إا]عجاب|أعجبني|{_BUTTONS}"),
    "read_also": _line("للمزيد|المزيد"),
    "subscribe": _line("[إا]علان"),
    "tags": _line("الوسوم|وسوم|التصنيفات"),
    "copyright": _line(_PAGES),
    "navigation": _line("الرئيسية|السابق|التالي|المشاهدات|القراءات|مشاهدة|قراءة"),
}
_TAIL = _line(*_FORM)
_TAIL_WORDS = 16  # a line of so many words or fewer, without a full stop, is no sentence of the article there
_MARKS = re.compile("[\u064b-\u0652\u0640\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# a tag in quotation marks is spoken of
_TAG = re.compile(r"(?<![«“\"`])</?(?:html|body|article|p|div|br|h[1-6]|!doctype)(?:\s[^<>]*)?/?>", re.IGNORECASE)
_PAGE = re.compile(r"<(?:html|body)\b", re.IGNORECASE)


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
        text = extract_html(text)
        warnings.append("html_extracted")
    cut: list[Span] = []
    kept = tail = False
    lines = [m for m in LINE.finditer(text) if m.group().strip()]
    plains = [_MARKS.sub("", line.group()).strip() for line in lines]
    kinds = [_kind(plain, _KINDS) for plain in plains]
    lone = [_kind(plain, _LONE) for plain in plains]
    # at its edges the page itself is company
    scraps = [True, *(k not in (None, "counter") or w is not None for k, w in zip(kinds, lone, strict=True)), True]
    for place, (line, plain, kind) in enumerate(zip(lines, plains, kinds, strict=True)):
        # a heading of a comment form above the article opens nothing: what follows is still to come
        tail = tail or (kept and _TAIL.fullmatch(plain) is not None)
        if kind is None and (not kept or tail or scraps[place] or scraps[place + 2]):
            kind = lone[place]
        if kind is None and tail and _is_scrap(plain):
            kind = "after_article"
        if kind is None or (kind == "counter" and kept and not tail):
            kept = True
            tail = False  # a whole sentence: the form stood above or within the article after all
        else:
            cut.append(line.span())
            if f"cut_{kind}" not in warnings:
                warnings.append(f"cut_{kind}")
    if not kept:
        return Cleaned(text, (), tuple(w for w in warnings if not w.startswith("cut_")))
    return Cleaned(text, tuple(cut), tuple(warnings))


def looks_like_html(text: str) -> bool:
    """Does ``text`` carry two block tags, opening or closing?"""
    found = _TAG.finditer(text[:200_000])
    return next(found, None) is not None and next(found, None) is not None


def extract_html(page: str) -> str:
    """The article's text in a web page, or all its text where trafilatura finds no article; empty where it has none."""
    import trafilatura  # takes a second to import, and only pages need it

    if not _PAGE.search(page):  # in a fragment, trafilatura passes over the text before the first tag
        page = f"<html><body><article>{page}</article></body></html>"
    article = trafilatura.extract(page, include_comments=False, include_tables=False, favor_recall=True)
    return article or trafilatura.html2txt(page)


def _kind(plain: str, kinds: dict[str, re.Pattern[str]]) -> str | None:
    if len(plain) > 260:
        return None
    return next((kind for kind, pattern in kinds.items() if pattern.fullmatch(plain)), None)


def _is_scrap(plain: str) -> bool:
    return len(plain.split()) <= _TAIL_WORDS and not plain.rstrip("»\"”’')").endswith(tuple(".؟?!…؛:،"))
