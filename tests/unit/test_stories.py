"""One story for near copies: what counts as a copy, whose id it is, and that it is the same each time."""

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from data.errors import ConfigError
from data.sentences import split_sentences
from serve.stories import _SIZE, LEAST, find_stories, group, sign, story_id

BUNDLED = sorted((Path(__file__).parents[2] / "data" / "articles").glob("*.jsonl"))
FOOTER = (
    "\nتابعوا آخر الأخبار على موقعنا. جميع الحقوق محفوظة لصحيفة الساحل ٢٠٢٤، ولا يجوز النقل إلا بإذن مكتوب من "
    "إدارة التحرير. للتواصل مع هيئة التحرير يرجى الكتابة إلى البريد المذكور أعلاه."
)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    found = [json.loads(line)["text"] for path in BUNDLED for line in path.read_text(encoding="utf-8").splitlines()]
    return [text for text in found if len(text.split()) > 80][:200]


def without_lead(text: str) -> str:
    return text[split_sentences(text)[1][0] :]


def other_names(text: str) -> str:
    parts = text.split(" ")
    for i in random.Random(0).sample(range(len(parts)), len(parts) // 40):
        parts[i] = "Reuters"
    return " ".join(parts)


def other_desk(text: str) -> str:
    """As another desk types it: tatweel, harakat, hamza, ya, digits, direction marks."""
    folded = text.replace("أ", "ا").replace("إ", "ا").replace("ى", "ي").replace("ال", "الـ").replace(" ", " \u200f")
    return folded.replace("ر", "رَ").translate({ord(str(d)): chr(0x0660 + d) for d in range(10)})


def copied(text: str) -> str:
    return f"(وكالات) - {other_names(without_lead(text))}{FOOTER}"


def test_copies_share_the_first_ones_place_and_others_do_not(tmp_path: Path, texts: list[str]) -> None:
    n = len(texts)
    found = find_stories([*texts, *map(without_lead, texts), *map(other_desk, texts), *map(copied, texts)], tmp_path)
    own = np.arange(n)
    assert (found[:n] == own).all()  # no two different articles are one story
    assert (found[n : 2 * n] == own).all()
    assert (found[2 * n : 3 * n] == own).all()
    assert (found[3 * n :] == own).mean() >= 0.97
    assert list(tmp_path.iterdir()) == []


def test_another_desks_typing_changes_nothing(texts: list[str]) -> None:
    for (plain, _), (typed, _) in zip(sign(texts[:20]), sign(map(other_desk, texts[:20])), strict=True):
        assert (plain == typed).all()


def test_the_estimate_is_the_overlap() -> None:
    words = [f"كلمة{i}" for i in range(400)]
    for shared in (350, 250):
        (a, _), (b, _) = sign([" ".join(words), " ".join([*words[:shared], *(f"غير{i}" for i in range(400 - shared))])])
        overlap = (shared - 2) / (2 * 398 - (shared - 2))
        assert abs((a == b).mean() - overlap) < 4 * (overlap * (1 - overlap) / _SIZE) ** 0.5


def test_copies_of_copies_are_one_story_and_its_id_is_the_first_ones(tmp_path: Path, texts: list[str]) -> None:
    half = texts[0].split()
    chain = [" ".join([*half[: len(half) - 25 * k], *(f"w{i}" for i in range(25 * k))]) for k in range(4)]
    found = find_stories([texts[1], *chain, texts[2], chain[0]], tmp_path)
    assert found.tolist() == [0, 1, 1, 1, 1, 5, 1]
    assert [story_id(place) for place in (0, 1, -1, 1_234_566)] == ["s000001", "s000002", "", "s1234567"]


def test_what_has_no_words_has_no_story(tmp_path: Path) -> None:
    short = "خبر عاجل"
    assert find_stories(["", short, " \n… ـــ", short, "<html><body></body></html>"], tmp_path).tolist() == [
        -1,
        1,
        -1,
        1,
        -1,
    ]
    assert find_stories([], tmp_path).tolist() == []


def test_a_page_and_its_text_are_one_story(tmp_path: Path, texts: list[str]) -> None:
    page = "<html><body><article>" + "".join(f"<p>{line}</p>" for line in texts[0].splitlines()) + "</article></body>"
    assert find_stories([texts[0], page + "</html>"], tmp_path).tolist() == [0, 0]


def test_grouping_finds_every_copy_among_many() -> None:
    rng = np.random.default_rng(7)
    seeds = rng.integers(0, 2**32, (40, _SIZE), dtype=np.uint32)
    owner = np.sort(rng.integers(0, 40, 1500))
    rng.shuffle(owner)
    changed = rng.random((1500, _SIZE)) < 0.1
    signatures = np.where(changed, rng.integers(0, 2**32, (1500, _SIZE), dtype=np.uint32), seeds[owner])
    firsts = {int(o): int(np.argmax(owner == o)) for o in set(owner.tolist())}
    assert group(signatures).tolist() == [firsts[o] for o in owner.tolist()]
    assert 0.4 < LEAST < 0.7


def test_what_a_page_carries_around_an_article_makes_no_story(tmp_path: Path) -> None:
    around = (
        "\nشارك على فيسبوك\nالرئيسية\nاترك تعليقاً\nلن يتم نشر عنوان بريدك الإلكتروني. الحقول الإلزامية مشار إليها بـ *"
    )
    first, second = "رست سفينة شحن في ميناء الخمس فجر الثلاثاء.", "أعلنت البلدية موعد افتتاح معرض الكتاب في بنغازي."
    assert find_stories([first + around, second + around, first], tmp_path).tolist() == [0, 1, 0]


def test_the_same_words_in_another_order_are_no_copy(tmp_path: Path, texts: list[str]) -> None:
    shuffled = texts[0].split()
    random.Random(0).shuffle(shuffled)
    assert find_stories([texts[0], " ".join(shuffled)], tmp_path).tolist() == [0, 1]


def test_a_stranger_at_the_head_of_a_bucket_parts_no_copies() -> None:
    signatures = np.arange(4 * _SIZE, dtype=np.uint32).reshape(4, _SIZE)
    signatures[2:, :66] = 7  # two copies, 66 of 126 alike
    signatures[0, :60] = signatures[1, 60:66] = 7  # and in each band they share, an article before them that is none
    assert group(signatures).tolist() == [0, 1, 2, 2]


def test_without_the_extra_it_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(ConfigError, match=r"missing_extra.*\[stories\]"):
        find_stories(["خبر"], tmp_path)
