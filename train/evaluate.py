"""Evaluation of a saved checkpoint, through the same ``Classifier`` that serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from data.article import LabelledArticle
from data.errors import ArticleError
from models.classifier import Answer, Classifier
from models.encoding import TEXT
from models.evidence import Evidence
from train.metrics import interval, measure
from train.scores import Scores, gold_of


def score(classifier: Classifier, articles: Sequence[LabelledArticle]) -> list[Answer]:
    """Answers to ``articles``.

    Raises:
        ArticleError: for an article that cannot be scored: a labelled corpus has none.
    """
    answers = []
    for answer in classifier.classify([item.article for item in articles]):
        if isinstance(answer, ArticleError):
            raise answer
        answers.append(answer)
    return answers


def logits_of(answers: Sequence[Answer]) -> Scores:
    """Uncalibrated."""
    return Scores(np.stack([a.pooled.relevance for a in answers]), np.stack([a.pooled.stance for a in answers]))


def probabilities_of(answers: Sequence[Answer]) -> Scores:
    """Calibrated."""
    return Scores(
        np.array([[t.decision.probability for t in a.topics] for a in answers]),
        np.array([[t.decision.stances for t in a.topics] for a in answers]),
    )


def evaluate(classifier: Classifier, articles: Sequence[LabelledArticle]) -> dict[str, Any]:
    """Every figure of ``train.metrics`` on ``articles``, and how good the evidence is."""
    taxonomy = classifier.contract.taxonomy
    answers = score(classifier, articles)
    predicted = np.array([[t.decision.relevant for t in a.topics] for a in answers])
    result = measure(probabilities_of(answers), predicted, gold_of(articles, taxonomy), taxonomy)
    result["evidence"] = evidence_quality(answers, articles)
    return result


def evidence_quality(
    answers: Sequence[Answer], articles: Sequence[LabelledArticle], *, seed: int = 0
) -> dict[str, Any]:
    """Evidence against marked sentences, over pairs found relevant by both.

    Returns:
        ``pairs``; ``first``: share of first-ranked sentences that are marked; ``precision`` and ``recall`` of all
        shown sentences, averaged over pairs; ``chance``: the share of the article's sentences that are marked, which
        is what ``first`` would be by drawing lots.
    """
    rows: list[tuple[int, float, float, float, float]] = []
    for a, (answer, item) in enumerate(zip(answers, articles, strict=True)):
        for topic in answer.topics:
            label = item.labels.get(topic.topic)
            if label is None or not label.evidence or not topic.evidence:
                continue
            hits = [any(_overlap(shown, span) for span in label.evidence) for shown in topic.evidence]
            found = [any(_overlap(shown, span) for shown in topic.evidence) for span in label.evidence]
            rows.append(
                (a, float(hits[0]), float(np.mean(hits)), float(np.mean(found)), _chance(answer, label.evidence))
            )
    if not rows:
        return {"pairs": 0}
    table = np.array(rows)
    owner = table[:, 0].astype(int)
    rng = np.random.default_rng(seed)
    # resampled by article: two topics of one article are not independent
    samples = [
        np.concatenate([np.flatnonzero(owner == a) for a in rng.choice(np.unique(owner), size=len(set(owner)))])
        for _ in range(1000)
    ]
    figures = {
        name: interval(lambda i, c=column: float(table[i, c].mean()), samples, len(table))  # type: ignore[misc]  # default binds the loop's column
        for column, name in enumerate(("first", "precision", "recall"), start=1)
    }
    return {"pairs": len(rows), **figures, "chance": round(float(table[:, 4].mean()), 4)}


def _overlap(shown: Evidence, span: tuple[int, int]) -> bool:
    """Half of the shorter one, at least."""
    common = min(shown.end, span[1]) - max(shown.start, span[0])
    return common * 2 >= min(shown.end - shown.start, span[1] - span[0])


def _chance(answer: Answer, spans: Sequence[tuple[int, int]]) -> float:
    from data.sentences import split_sentences

    sentences = split_sentences(answer.text)
    marked = [any(_overlap(Evidence(s, e, TEXT, 0.0), span) for span in spans) for s, e in sentences]
    return float(np.mean(marked))
