"""What must hold for any input, searched by hypothesis."""

import csv
import dataclasses
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.article import Article
from data.clean import clean
from data.errors import ArticleError
from data.sentences import LINE, split_sentences
from data.tables import open_table
from models.classifier import Answer, Classifier
from models.contract import Windows
from models.encoding import cut_windows
from tests.conftest import SENTENCES, article

WORDS = st.sampled_from(
    [
        *" ".join(SENTENCES).split(),
        "قال.",
        "؟",
        "..",
        "…",
        "\n",
        "\r\n",
        "\u200f",
        "«",
        "»",
        "F-16",
        "3.5",
        "د.",
        "اترك رد",
        "\n310\n",
        "ـ",
        "<p>",
    ]
)
TEXT = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=60).map(" ".join))


@given(TEXT)
def test_sentences_cover_every_visible_character_once(text: str) -> None:
    spans = split_sentences(text)
    assert all(start < end for start, end in spans)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))
    inside = np.zeros(len(text), dtype=bool)
    for start, end in spans:
        inside[start:end] = True
    assert all(inside[i] or c.isspace() for i, c in enumerate(text))


@given(TEXT)
@settings(deadline=None)  # the first page imports trafilatura
def test_cleaning_cuts_whole_lines_in_order_and_leaves_something(text: str) -> None:
    cleaned = clean(text)
    if "html_extracted" in cleaned.warnings:
        return
    assert cleaned.text == text
    assert all(left[1] <= right[0] for left, right in zip(cleaned.cut, cleaned.cut[1:], strict=False))
    for start, end in cleaned.cut:
        assert start == 0 or not LINE.match(text, start - 1)
        assert end == len(text) or not LINE.match(text, end)
    left_over = "".join(
        text[a:b]
        for a, b in zip([0, *(e for _, e in cleaned.cut)], [*(s for s, _ in cleaned.cut), len(text)], strict=True)
    )
    assert bool(left_over.strip()) == bool(text.strip())


@given(st.integers(1, 3000), st.integers(8, 200), st.integers(0, 60))
def test_any_window_counts_each_token_once(count: int, length: int, overlap: int) -> None:
    windows = Windows(length, min(overlap, (length - 2) // 2))
    ids = np.arange(10, 10 + count)
    cut = cut_windows(ids, windows, 2, 3)
    assert np.concatenate([w.ids[w.counted] for w in cut]).tolist() == ids.tolist()
    assert max(len(w.ids) for w in cut) <= length


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).filter(lambda s: "\0" not in s)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.sampled_from(",;\t"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tables_give_back_their_cells(tmp_path: Path, rows: list[tuple[str, str]], separator: str) -> None:
    path = tmp_path / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator).writerows([("id", "text"), *rows])
    read = [(row.values["id"], row.values["text"], row.error) for row in open_table(path).rows()]
    assert read == [(a, b, "") for a, b in rows]


@pytest.fixture(scope="module")
def alone(classifier: Classifier) -> Callable[[Article], Answer | ArticleError]:
    return lambda item: classifier.classify([item])[0]


ARTICLE = st.builds(
    lambda n, k, extra: dataclasses.replace(article(n, k), text=article(n, k).text + extra),
    st.integers(0, 20),
    st.integers(0, 30),
    TEXT,
)


@given(st.lists(ARTICLE, min_size=1, max_size=5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_answer_does_not_depend_on_neighbours(
    classifier: Classifier, alone: Callable[[Article], Answer | ArticleError], items: list[Article]
) -> None:
    together = classifier.classify(items)
    assert len(together) == len(items)
    for item, answer in zip(items, together, strict=True):
        assert_same(answer, alone(item))
        if isinstance(answer, Answer):
            for topic in answer.topics:
                for shown in topic.evidence:
                    assert answer.text[shown.start : shown.end] == shown.text


def test_nor_on_concurrency(classifier: Classifier) -> None:
    items = [article(i, 1 + i % 20) for i in range(24)]
    wanted = classifier.classify(items)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda item: classifier.classify([item])[0], items))
    for one, other in zip(wanted, got, strict=True):
        assert_same(one, other)


def assert_same(one: Answer | ArticleError, other: Answer | ArticleError) -> None:
    assert type(one) is type(other)
    if isinstance(one, ArticleError):
        assert one.args == other.args if isinstance(other, ArticleError) else False
        return
    assert isinstance(other, Answer)
    assert (one.id, one.windows, one.tokens, one.warnings, one.text) == (
        other.id,
        other.windows,
        other.tokens,
        other.warnings,
        other.text,
    )
    np.testing.assert_array_equal(one.pooled.relevance, other.pooled.relevance)
    np.testing.assert_array_equal(one.pooled.stance, other.pooled.stance)
    assert one.topics == other.topics
