"""Arabic sentences with their place in the text.

A sentence ends at a line break, or at . ! ? ؟ … and what closes after it. It does not end at «،» or «؛»,
inside a number (3.5), after an initial or a title (أ. ب.، د. محمد), inside a Latin abbreviation (U.S.), nor
at the two dots «..» by which Arabic desks mark a pause. The number of a list's line (1. رفض) is a sentence of its
own: the bundled articles' evidence begins after it.
"""

from __future__ import annotations

import re

from data.article import Span

_DIRECTIONS = "\u200e\u200f\u202a-\u202e\u2066-\u2069"
_END = re.compile(rf"(?P<mark>[.!?؟…。]+)(?P<close>[\"'”’»)\]}}{_DIRECTIONS}]*)(?=\s|$|[«“\"(\u0621-\u064a])")
LINE = re.compile(r"[^\r\n\x0b\x0c\x85\u2028\u2029]+")
# one letter alone, or a usual title, before the dot: an abbreviation goes on
_ABBREVIATION = re.compile(r"(?:^|[\s(«\"“.])(?:[^\W\d_]|أ\.د|ود|دكتور|ج\.م|ص\.ب|Dr|Mr|Mrs|St|No|vs|etc|Gen|Col)$")
_UNMARK = re.compile(f"[\u064b-\u0652\u0640{_DIRECTIONS}]")


def split_sentences(text: str) -> list[Span]:
    """Spans of the sentences of ``text``, in order, without surrounding white space.

    Every character that is not white space lies in exactly one span.
    """
    spans: list[Span] = []
    for line in LINE.finditer(text):
        start = line.start()
        for mark in _END.finditer(text, line.start(), line.end()):
            # the end of the line ends the sentence anyway
            if mark.end() < line.end() and _ends(text, start, mark):
                _add(spans, text, start, mark.end())
                start = mark.end()
        _add(spans, text, start, line.end())
    return spans


def _ends(text: str, start: int, mark: re.Match[str]) -> bool:
    dots = mark["mark"]
    if dots == "..":
        return False
    if dots != "." or _UNMARK.sub("", mark["close"]):
        return True
    before = _UNMARK.sub("", text[max(start, mark.start() - 12) : mark.start()])
    return not _ABBREVIATION.search(before)


def _add(spans: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))
