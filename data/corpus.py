"""Labelled articles as a body: near-duplicates, splits that share no event, and a fingerprint.

Two articles belong together when they share an event or most of their words in a row (agency copy in two papers);
what belongs together never stands in two splits.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from data.article import LabelledArticle
from data.articles import to_row

SPLITS = ("train", "dev", "test")
_SHINGLE = 5  # words
_COMMON = 50  # a run of words in more articles than this is a formula, not a copy
_WORD = re.compile(r"\w+")
_FOLD = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه"})
_MARKS = re.compile("[\u064b-\u0652\u0640]")


def words(text: str) -> list[str]:
    """Words as compared here: no marks, one alef, one ya."""
    return _WORD.findall(_MARKS.sub("", text).translate(_FOLD).casefold())


def near_duplicates(texts: Sequence[str], *, least: float = 0.4) -> list[tuple[int, int, float]]:
    """Pairs (i, j, share) of ``texts``, i < j, whose five-word runs overlap by ``least`` of the shorter one's, or more.

    Texts with the same runs are paired with the first of them, not with one another; between two such bodies, each
    text with the first of the other. So a thousand copies make a thousand pairs, and where the texts to be kept clear
    of come first, every copy of them still stands in a pair with one of them.
    """
    shingles = [_shingles(text) for text in texts]
    # copies count once: fifty of one text are no formula
    equal: dict[frozenset[int], list[int]] = defaultdict(list)
    for i, found in enumerate(shingles):
        equal[found].append(i)
    copies = {same[0]: same for same in equal.values()}
    places: dict[int, list[int]] = defaultdict(list)
    for i in copies:
        for shingle in shingles[i]:
            places[shingle].append(i)
    shared: Counter[tuple[int, int]] = Counter()
    for where in places.values():
        if 1 < len(where) <= _COMMON:
            shared.update((a, b) for n, a in enumerate(where) for b in where[n + 1 :])
    pairs = {(first, i): 1.0 for first, same in copies.items() for i in same[1:]}
    for (a, b), count in shared.items():
        share = count / min(len(shingles[a]), len(shingles[b]))
        if share >= least:
            for i, j in [*((a, j) for j in copies[b]), *((i, b) for i in copies[a])]:
                pairs[min(i, j), max(i, j)] = share
    return sorted((i, j, share) for (i, j), share in pairs.items())


def _shingles(text: str) -> frozenset[int]:
    tokens = words(text)
    if len(tokens) < _SHINGLE:
        return frozenset({hash(tuple(tokens))})
    return frozenset(hash(tuple(tokens[i : i + _SHINGLE])) for i in range(len(tokens) - _SHINGLE + 1))


def groups(articles: Sequence[LabelledArticle], *, by_outlet: bool = False) -> list[list[int]]:
    """Indices of articles that belong together: by event, by copying, and with ``by_outlet`` by outlet too."""
    parent = list(range(len(articles)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def join(key: Iterable[str]) -> None:
        first: dict[str, int] = {}
        for i, name in enumerate(key):
            if name:
                parent[root(i)] = root(first.setdefault(name, i))

    join(item.event for item in articles)
    if by_outlet:
        join(item.outlet for item in articles)
    for a, b, _ in near_duplicates([item.article.text for item in articles]):
        parent[root(a)] = root(b)
    found: dict[int, list[int]] = defaultdict(list)
    for i in range(len(articles)):
        found[root(i)].append(i)
    return list(found.values())


def split(
    articles: Sequence[LabelledArticle], shares: Mapping[str, float], *, seed: int, by_outlet: bool = False
) -> list[str]:
    """A split for each article: groups stay whole, and each split gets its share of every label.

    Greedy: the largest groups first, each to the split that lacks most of the labels it brings (iterative
    stratification after Sechidis et al. 2011, on groups). A split with a share of 0 gets nothing.
    """
    shares = {name: share for name, share in shares.items() if share > 0}
    parts = groups(articles, by_outlet=by_outlet)
    random.Random(seed).shuffle(parts)
    parts.sort(key=len, reverse=True)
    total = Counter(key for item in articles for key in _keys(item))
    lacking = {name: {key: share * n for key, n in total.items()} for name, share in shares.items()}
    room = {name: share * len(articles) for name, share in shares.items()}
    answer = [""] * len(articles)
    for part in parts:
        brings = Counter(key for i in part for key in _keys(articles[i]))
        # a rare label weighs more: its article in the wrong place can't be made good by another
        need = {
            name: sum(n * max(lacking[name][key], 0.0) / total[key] for key, n in brings.items()) / shares[name]
            for name in shares
        }
        best = max(shares, key=lambda name: (room[name] >= len(part) / 2, need[name], room[name]))
        room[best] -= len(part)
        for key, n in brings.items():
            lacking[best][key] -= n
        for i in part:
            answer[i] = best
    return answer


def _keys(item: LabelledArticle) -> list[str]:
    relevant = [f"{topic}:{label.stance}" for topic, label in item.labels.items() if label.relevant]
    return relevant or ["none"]


def fingerprint(articles: Sequence[LabelledArticle]) -> str:
    """sha256 over ids, texts, labels and splits, whatever the order: names a body of data in a report."""
    rows = sorted(json.dumps(to_row(item), ensure_ascii=False, sort_keys=True) for item in articles)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
