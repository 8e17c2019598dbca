"""What is wrong with a body of labelled articles, and what a lazy classifier could learn from it.

``inspect`` counts and measures; ``problems`` says what must not stay. ``python -m data check``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from data.article import LabelledArticle, Span
from data.corpus import SPLITS, near_duplicates, words
from data.sentences import split_sentences
from data.shortcuts import shortcuts
from data.taxonomy import Taxonomy

RUN = 6  # words in a row that make a pattern
_MOST = 3  # articles that a pattern may stand in


def problems(articles: Sequence[LabelledArticle], taxonomy: Taxonomy) -> list[str]:
    """One line for each fault, with its place; empty where there is none."""
    found = []
    ids = Counter(item.article.id for item in articles)
    found += [f"{name}: id stands {n} times" for name, n in ids.items() if n > 1]
    for a, b, share in near_duplicates([item.article.text for item in articles]):
        found.append(f"{articles[a].article.id}, {articles[b].article.id}: near-duplicates ({share:.0%} in common)")
    for run, names in repeated_runs(articles):
        found.append(f"{', '.join(names)}: all hold «{run}»")
    for item in articles:
        found += _faults(item, taxonomy)
    splits: dict[str, set[str]] = defaultdict(set)
    for item in articles:
        if item.event:
            splits[item.event].add(item.split)
    found += [f"event {event}: stands in {', '.join(sorted(s))}" for event, s in splits.items() if len(s) > 1]
    return found


def repeated_runs(articles: Sequence[LabelledArticle]) -> list[tuple[str, tuple[str, ...]]]:
    """Runs of six words that stand in more than three articles, and the ids of these."""
    where: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for item in articles:
        tokens = words(f"{item.article.title} . {item.article.text}")
        for i in range(len(tokens) - RUN + 1):
            where[tuple(tokens[i : i + RUN])].add(item.article.id)
    return [(" ".join(run), tuple(sorted(names))) for run, names in where.items() if len(names) > _MOST]


def _faults(item: LabelledArticle, taxonomy: Taxonomy) -> list[str]:
    name, text, found = item.article.id, item.article.text, []
    sentences = set(split_sentences(text))
    if item.split not in (*SPLITS, ""):
        found.append(f"{name}: split {item.split!r} is none of {', '.join(SPLITS)}")
    for topic, label in item.labels.items():
        if label.relevant and label.stance is None and taxonomy.stances:
            found.append(f"{name}: {topic}: relevant, but no stance")
        for span in label.evidence or ():
            if span not in sentences:
                found.append(f"{name}: {topic}: evidence {_show(span)} is no whole sentence")
        if not label.relevant and (label.stance or label.evidence):
            found.append(f"{name}: {topic}: not relevant, but has a stance or evidence")
    for voice in item.voices:
        place = f"{name}: voice {voice.actor}"
        about = item.labels.get(voice.topic)
        if about is None or not about.relevant:
            found.append(f"{place}: topic {voice.topic!r} is not relevant here")
        if voice.stance not in taxonomy.stances:
            found.append(f"{place}: no stance {voice.stance!r}")
        if voice.sentence not in sentences:
            found.append(f"{place}: {_show(voice.sentence)} is no whole sentence")
        elif voice.actor not in text[slice(*voice.sentence)]:
            found.append(f"{place}: does not stand in its sentence")
    return found


def _show(span: Span) -> str:
    return f"[{span[0]}, {span[1]}]"


def inspect(articles: Sequence[LabelledArticle], taxonomy: Taxonomy) -> dict[str, Any]:
    """Counts, lengths, and the best one-word, genre-only and length-only classifiers."""
    lengths = sorted(len(item.article.text.split()) for item in articles)
    topics = {
        topic: {
            "relevant": sum(bool(i.labels.get(topic) and i.labels[topic].relevant) for i in articles),
            **{
                stance: sum(bool(i.labels.get(topic) and i.labels[topic].stance == stance) for i in articles)
                for stance in taxonomy.stances
            },
        }
        for topic in taxonomy.ids
    }
    together = Counter(tuple(t for t in taxonomy.ids if i.labels.get(t) and i.labels[t].relevant) for i in articles)
    return {
        "articles": len(articles),
        "splits": dict(Counter(i.split or "none" for i in articles)),
        "words": {
            "total": sum(lengths),
            "least": lengths[0] if lengths else 0,
            "median": lengths[len(lengths) // 2] if lengths else 0,
            "most": lengths[-1] if lengths else 0,
            "over_400": sum(n > 400 for n in lengths),
        },
        "topics": topics,
        "together": {" + ".join(key) or "none": n for key, n in sorted(together.items(), key=lambda kv: -kv[1])},
        "genres": dict(Counter(i.genre or "none" for i in articles).most_common()),
        "events": len({i.event for i in articles if i.event}),
        "voices": sum(len(i.voices) for i in articles),
        "shortcuts": shortcuts(articles, taxonomy),
    }
