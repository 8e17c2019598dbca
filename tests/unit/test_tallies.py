"""Dates in all their shapes, counts, intervals and what is kept while a scored table is read."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError
from serve.summary.dates import find_order, read_bound, read_date
from serve.summary.figures import ALL, tidy
from serve.summary.scored import Found, Scored
from serve.summary.tallies import FEW, NO, STANCE_UNSURE, UNSURE, Best, Kept, Tally, state, wilson

MARCH = date(2024, 3, 5)


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-05",
        "2024-03-05T23:59:00+03:00",
        "2024/3/5 10:20",
        "٢٠٢٤/٠٣/٠٥",
        "20240305",
        "5/3/2024",
        "05.03.24",
        "\u200f05\u200f/03\u200f/2024",  # as a spreadsheet in Arabic writes it
        "۵/۳/۲۰۲۴",
        "5 مارس 2024",
        "الثلاثاء ٥ آذار/مارس ٢٠٢٤م",
        "الثلاثاء، 5 آذار (مارس) 2024 - 14:30",
        "5 مـــارس 2024م الموافق 24 شعبان 1445هـ",
        "March 5, 2024",
        "Tue, 05 Mar 2024 10:00:00 GMT",
        "1709640000",
        "1709640000000",
        "45356",
    ],
)
def test_one_day_in_many_shapes(text: str) -> None:
    assert read_date(text) == MARCH


@pytest.mark.parametrize(
    "text", ["", "غير معروف", "13/13/2024", "2024-02-31", "24 شعبان 1445هـ", "1445/08/24", "123456"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert read_date(text) is None


@pytest.mark.parametrize(
    ("names", "month"),
    [
        (("كانون الثاني", "كانون ثاني", "كانون الثانى", "يناير", "جانفي", "January", "jan"), 1),
        (("نيسان", "أبريل", "إبريل", "ابريل", "أفريل"), 4),
        (("آب", "أغسطس", "غشت", "أوت"), 8),
        (("تشرين الأول", "أكتوبر", "Oct"), 10),
        (("كانون الأول", "كانون أول", "ديسمبر", "دجنبر"), 12),
    ],
)
def test_every_naming_of_months(names: tuple[str, ...], month: int) -> None:
    assert {read_date(f"7 {name} 2019") for name in names} == {date(2019, month, 7)}
    assert read_date(f"{names[0]} 2019") == date(2019, month, 1)


def test_the_column_shows_which_comes_first() -> None:
    american = find_order(["3/5/2024", "12/31/2024", "4/4/2024", "2024-01-01"])
    assert (american.day_first, american.seen, american.shown, american.against) == (False, 3, 1, 0)
    assert read_date("3/5/2024", day_first=False) == MARCH
    assert read_date("31/12/2024", day_first=False) == date(2024, 12, 31)  # can only be read so
    mixed = find_order(["31/12/2024", "12/31/2024", "30/12/2024"])
    assert (mixed.day_first, mixed.shown, mixed.against) == (True, 2, 1)
    unknown = find_order(["3/5/2024"])
    assert unknown.day_first
    assert unknown.shown == 0


def test_ends_of_a_period() -> None:
    assert read_bound("٢٠٢٤", last=False, where="--from") == date(2024, 1, 1)
    assert read_bound("2024-02", last=True, where="--to") == date(2024, 2, 29)
    assert read_bound("2024-3-5", last=True, where="--to") == MARCH
    for wrong in ("2024-13", "5/3/2024", "2023-02-30", "x"):
        with pytest.raises(ConfigError, match=r"bad_date.*\[--to\]"):
            read_bound(wrong, last=True, where="--to")


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(pair: tuple[int, int]) -> None:
    count, n = pair
    low, high = wilson(count, n)
    assert 0 <= low <= count / n <= high <= 1 or low == pytest.approx(count / n) or high == pytest.approx(count / n)
    assert wilson(n - count, n) == pytest.approx((1 - high, 1 - low))


def test_intervals_as_in_the_literature() -> None:
    # Newcombe 1998, table I, method 3
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0, 1)


def found(its: str, probability: float = 0.9, text: str = "جملة", share: float | None = 0.5) -> Found:
    relevant = {UNSURE: None, NO: False}.get(its, True)
    stance = its if its not in (UNSURE, NO, STANCE_UNSURE) else None
    return Found("t", relevant, probability, 0.5, its in (UNSURE, STANCE_UNSURE), stance, 0.6, [(text, share)])


def row(its: str, number: int = 1, *, outlet: str = "سبق", story: str = "", **about: float | str) -> Scored:
    return Scored(number, "", "", "", outlet, "", story, "m", "", (), [found(its, **about)])  # type: ignore[arg-type]


def shares(tally: Tally) -> dict[tuple[str, str, str], tuple[int, int]]:
    return {(r["stance"], r["outlet"], r["month"]): (r["count"], r["n"]) for r in tidy(tally.counts())}


def test_counts_by_outlet_month_and_answer() -> None:
    tally = Tally()
    for its in ("favor", "favor", "against", STANCE_UNSURE, UNSURE, NO, NO):
        tally.add(row(its), date(2024, 3, 1))
    tally.add(row("favor", outlet="Al-Quds"), None)
    tally.add(row("favor", outlet="AL-QUDS"), date(2024, 4, 1))
    got = shares(tally)
    assert got["relevant", ALL, ALL] == (6, 9)
    assert got[UNSURE, ALL, ALL] == (1, 9)
    assert got["favor", ALL, ALL] == (4, 6)
    assert got[STANCE_UNSURE, "سبق", "2024-03"] == (1, 4)  # of the relevant ones, undecided ones among them
    assert got["favor", "Al-Quds", ALL] == (2, 2)  # one outlet, however it is spelt
    assert got["relevant", ALL, ""] == (1, 1)  # undated


def test_copies_of_a_story_are_one_voice() -> None:
    tally = Tally()
    for outlet in ("أ", "ب", "ج", "د"):
        tally.add(row("against", outlet=outlet, story="وكالة-1"), MARCH)
    tally.add(row("favor", story="وكالة-2"), MARCH)
    tally.add(row("favor"), MARCH)
    tally.add(row("favor"), MARCH)  # without a story: each its own
    rows = {(r["stance"], r["outlet"]): r for r in tidy(tally.counts()) if r["month"] == ALL}
    assert (rows["against", ALL]["count"], rows["against", ALL]["stories"]) == (4, 1)
    assert rows["against", "أ"]["stories"] == 0.25
    assert (rows["favor", ALL]["count"], rows["favor", ALL]["stories"]) == (3, 3)
    assert "stories" not in next(tidy(_tallied("favor").counts()))


def _tallied(*answers: str) -> Tally:
    tally = Tally()
    for its in answers:
        tally.add(row(its), None)
    return tally


def test_errors_are_counted_apart() -> None:
    tally = _tallied("favor")
    tally.add(Scored(2, "", "", "", "", "", "", "m", "empty_text: no text", (), []), None)
    tally.add(Scored(3, "", "", "", "", "", "", "m", "", (), []), None)
    assert dict(tally.errors) == {"empty_text": 1, "not_scored": 1}
    assert shares(tally)["relevant", ALL, ALL] == (1, 1)


def test_the_strongest_sentence_of_each_kind_once() -> None:
    tally = Tally()
    tally.add(row("favor", text="رَفضوا السلاحَ.", share=0.2), None)
    tally.add(row("favor", text="رفضوا السـلاح", share=0.8), None)
    tally.add(row("favor", text="جملة أخرى", share=0.5, probability=0.5), None)
    kept = tally.evidence["t", "favor"].ranked()
    assert [k.number for k in kept] == [2, 3]
    assert [k.score for k in kept] == pytest.approx([0.72, 0.25])


def test_the_nearest_doubts_first() -> None:
    tally = Tally()
    for probability in (0.9, 0.52, 0.3, 0.49):
        tally.add(row(UNSURE, probability=probability), None)
    assert [k.probability for k in tally.doubts["t", UNSURE].ranked()] == [0.49, 0.52, 0.3, 0.9]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 1000)), max_size=300))
def test_the_best_are_the_best_in_bounded_memory(offers: list[tuple[int, int]]) -> None:
    best, highest = Best(5), dict[int, int]()
    for number, (key, score) in enumerate(offers):
        best.offer(str(key), Kept(number, "", "", "", "", "", 0.0, None, None, "", None, score))
        highest[key] = max(score, highest.get(key, 0))
        assert len(best._kept) < 10
    assert [k.score for k in best.ranked()] == sorted(highest.values(), reverse=True)[:5]


def test_states_and_few() -> None:
    assert [state(found(its)) for its in ("favor", STANCE_UNSURE, UNSURE, NO)] == ["favor", STANCE_UNSURE, UNSURE, NO]
    assert FEW == 5
