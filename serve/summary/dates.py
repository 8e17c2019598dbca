"""Dates as newsrooms and spreadsheets write them.

ISO, ``5/3/2024``, ``5 آذار (مارس) 2024``, ``March 5, 2024``, ``٢٠٢٤/٣/٥``, seconds or milliseconds since 1970 (UTC),
a spreadsheet's day number. The day is the one that is written: no time zone is applied. Hijri years are not read.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from data.errors import ConfigError

_YEARS = range(1850, 2151)
_SURE = 1000  # dates of the shape d/m/Y looked at before the order of a column is settled
_LOOKED = 20_000  # cells without one, after which none is expected
_DIGITS = {ord(c): str(i % 10) for i, c in enumerate("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹")}
_FOLD = _DIGITS | {ord(c): "ا" for c in "أإآٱ"} | {ord("ى"): "ي", ord("ة"): "ه"}
# marks of direction, which a spreadsheet in Arabic writes between the parts of a date; tatweel; vowels
_MARKS = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff\u0640\u064b-\u065f\u0670]")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?!\d|:)")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?![\d:])")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:t?\d{6}z?)?")
_NUMBER = re.compile(r"\d{5,13}(?:\.\d+)?")
_TIME = re.compile(r"\d{1,2}:\d\d(?::\d\d)?")
_DAY = re.compile(r"(?<!\d)\d{1,2}(?!\d)")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_MONTHS = (
    ("يناير", "جانفي", "كانون الثاني", "jan"),
    ("فبراير", "فيفري", "شباط", "feb"),
    ("مارس", "اذار", "mar"),
    ("ابريل", "افريل", "نيسان", "apr"),
    ("مايو", "ماي", "ايار", "may"),
    ("يونيو", "يونيه", "جوان", "حزيران", "jun"),
    ("يوليو", "يوليه", "يوليوز", "جويليه", "تموز", "jul"),
    ("اغسطس", "اوت", "غشت", "اب", "aug"),
    ("سبتمبر", "شتنبر", "ايلول", "sep"),
    ("اكتوبر", "تشرين الاول", "oct"),
    ("نوفمبر", "نونبر", "تشرين الثاني", "nov"),
    ("ديسمبر", "دجنبر", "كانون الاول", "dec"),
)
_NAMES = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names}
_NAME = re.compile(r"(?:كانون|تشرين)\s+(?:ال)?(?:اول|ثاني)|[^\W\d_]+")


@dataclass(frozen=True)
class Order:
    """Which comes first in ``5/3/2024``, by what the column shows.

    Attributes:
        day_first: the day does. So it is taken where nothing shows it.
        seen: dates of this shape looked at.
        shown: those of them that can only be read in this order.
        against: those that can only be read in the other one, and are.
    """

    day_first: bool = True
    seen: int = 0
    shown: int = 0
    against: int = 0


def find_order(cells: Iterable[str]) -> Order:
    """Look at a column until enough of its dates have shown the order."""
    seen = day = month = 0
    for number, cell in enumerate(cells):
        if not (found := _YEAR_LAST.match(_plain(cell))):
            if number >= _LOOKED and not seen:
                break
            continue
        seen += 1
        day += int(found[1]) > 12
        month += int(found[2]) > 12
        if seen >= _SURE and day + month:
            break
    return Order(day >= month, seen, max(day, month), min(day, month))


@lru_cache(maxsize=1 << 16)
def read_date(text: str, *, day_first: bool = True) -> date | None:
    """The day in ``text``, the first of the month where only a month is there; ``None`` where there is none."""
    plain = _plain(text)
    if found := _YEAR_FIRST.match(plain):
        return _date(int(found[1]), int(found[2]), int(found[3] or 1))
    if found := _YEAR_LAST.match(plain):
        first, second, year = int(found[1]), int(found[2]), int(found[3])
        year += (2000 if year < 70 else 1900) * (len(found[3]) == 2)
        day, month = (first, second) if day_first else (second, first)
        return _date(year, day, month) if month > 12 else _date(year, month, day)
    if (found := _COMPACT.fullmatch(plain)) and (day_found := _date(int(found[1]), int(found[2]), int(found[3]))):
        return day_found
    return _counted(float(plain)) if _NUMBER.fullmatch(plain) else _named(plain)


def read_bound(text: str, *, last: bool, where: str) -> date:
    """One end of a period: a year, a month or a day, as ``2024``, ``2024-03`` or ``2024-03-05``.

    Args:
        last: the end: a year or month means its last day.

    Raises:
        ConfigError: ``bad_date``.
    """
    found = re.fullmatch(r"(\d{4})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?", _plain(text))
    if found:
        year, month = int(found[1]), int(found[2] or (12 if last else 1))
        final = calendar.monthrange(year, month)[1] if year in _YEARS and 1 <= month <= 12 else 1
        if day := _date(year, month, int(found[3] or (final if last else 1))):
            return day
    raise ConfigError("bad_date", f"{text!r}: 2024, 2024-03 or 2024-03-05 is wanted", where=where)


def _plain(text: str) -> str:
    return _MARKS.sub("", text).translate(_FOLD).strip().lower()


def _date(year: int, month: int, day: int) -> date | None:
    if year not in _YEARS:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _counted(number: float) -> date | None:
    """Milliseconds or seconds since 1970, or days since the end of 1899."""
    if number < 1e5:
        return (datetime(1899, 12, 30) + timedelta(days=number)).date() if number > 2e4 else None
    seconds = number / 1000 if number > 5e10 else number
    # below, a number of another kind: of an article, for example
    return datetime.fromtimestamp(seconds, UTC).date() if 1e8 < seconds < 4e9 else None


def _named(plain: str) -> date | None:
    """Day, name of a month and year, in any order; of two names for the month the first counts."""
    plain = _TIME.sub(" ", plain)
    month = next((m for found in _NAME.findall(plain) if (m := _month(found))), None)
    year = next((y for found in _YEAR.findall(plain) if (y := int(found)) in _YEARS), None)
    if month is None or year is None:
        return None
    day = _DAY.search(plain)
    return _date(year, month, int(day[0]) if day else 1)


def _month(name: str) -> int | None:
    if name.isascii():
        full = calendar.month_name[number].lower() if (number := _NAMES.get(name[:3])) else ""
        return number if full.startswith(name) or name == "sept" else None
    first, *rest = name.split()
    return _NAMES.get(f"{first} ال{rest[0].removeprefix('ال')}" if rest else first)
