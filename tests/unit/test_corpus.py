import dataclasses
from collections import Counter

from data.corpus import fingerprint, groups, near_duplicates, split
from data.taxonomy import Taxonomy
from tests.conftest import labelled

WORDS = [f"كلمة{i}" for i in range(200)]


def test_a_copy_with_marks_and_other_alefs_is_found() -> None:
    a = "أكّد المتحدث باسم الحكومة إن المباحثات ستستأنف الأسبوع المقبل في جنيف برعاية أممية"
    b = "اكد المتحدث باسم الحكومه ان المباحثات ستستأنف الاسبوع المقبل في جنيف برعايه اممية " + " ".join(WORDS[:3])
    assert [(i, j) for i, j, _ in near_duplicates([a, " ".join(WORDS[50:90]), b])] == [(0, 2)]


def test_different_texts_are_not_copies() -> None:
    assert near_duplicates([" ".join(WORDS[:60]), " ".join(WORDS[60:120]), ""]) == []


def test_copies_are_no_formula_however_many() -> None:
    copy = " ".join(WORDS[:30])
    nearly = f"{copy} {WORDS[40]}"
    texts = [copy, *[nearly] * 60, *[copy] * 60, " ".join(WORDS[60:90])]
    pairs = near_duplicates(texts)
    assert all(i < j for i, j, _ in pairs)
    assert [(i, j) for i, j, _ in pairs if i == 0] == [(0, j) for j in range(1, 121)]
    assert len(pairs) < 4 * len(texts)
    assert not any(121 in pair for pair in pairs)


def test_events_outlets_and_copies_hold_together(taxonomy: Taxonomy) -> None:
    items = [dataclasses.replace(labelled(i, taxonomy), event="same" if i < 3 else f"e{i}") for i in range(8)]
    for i, item in enumerate(items):
        text = " ".join(WORDS[i * 20 : i * 20 + 20])
        items[i] = dataclasses.replace(item, article=dataclasses.replace(item.article, text=text))
    items[7] = dataclasses.replace(items[7], article=items[6].article)
    assert sorted(map(tuple, groups(items))) == [(0, 1, 2), (3,), (4,), (5,), (6, 7)]
    by_outlet = groups(items, by_outlet=True)
    for part in by_outlet:
        outlets = {items[i].outlet for i in part}
        assert not any(items[j].outlet in outlets for other in by_outlet if other is not part for j in other)


def test_splits_share_no_event_and_every_label_in_proportion(taxonomy: Taxonomy) -> None:
    items = []
    for i in range(120):
        text = " ".join(f"{word}{i}" for word in WORDS[:20])
        item = labelled(i, taxonomy)
        items.append(
            dataclasses.replace(item, event=f"e{i // 2}", article=dataclasses.replace(item.article, text=text))
        )
    names = split(items, {"train": 0.7, "dev": 0.15, "test": 0.15}, seed=1)
    assert names == split(items, {"train": 0.7, "dev": 0.15, "test": 0.15}, seed=1)
    by_event: dict[str, set[str]] = {}
    for item, name in zip(items, names, strict=True):
        by_event.setdefault(item.event, set()).add(name)
    assert all(len(found) == 1 for found in by_event.values())
    counts = Counter(names)
    assert abs(counts["train"] - 84) <= 3
    assert abs(counts["dev"] - 18) <= 3
    favor = Counter(n for n, item in zip(names, items, strict=True) if item.labels["diplomacy"].stance == "favor")
    assert favor["dev"] >= 2
    assert favor["test"] >= 2


def test_a_split_with_no_share_gets_nothing(taxonomy: Taxonomy) -> None:
    items = [labelled(i, taxonomy) for i in range(10)]
    for i, item in enumerate(items):
        text = " ".join(WORDS[i * 20 : i * 20 + 20])
        items[i] = dataclasses.replace(item, article=dataclasses.replace(item.article, text=text))
    assert set(split(items, {"train": 0.8, "dev": 0.2, "test": 0.0}, seed=1)) == {"train", "dev"}


def test_the_fingerprint_knows_content_not_order(taxonomy: Taxonomy) -> None:
    items = [labelled(i, taxonomy) for i in range(3)]
    assert fingerprint(items) == fingerprint(items[::-1])
    assert fingerprint(items) != fingerprint([*items[:2], dataclasses.replace(items[2], split="dev")])
