"""Evaluation of a saved checkpoint, through the same ``Classifier`` that serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from data.article import LabelledArticle, Span
from data.errors import ArticleError
from data.sentences import split_sentences
from data.taxonomy import Taxonomy
from models.classifier import Answer, Classifier
from models.encoding import TEXT
from models.evidence import Evidence
from train.metrics import interval, measure, resample
from train.scores import Scores, gold_of, units_of


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
    """Every figure of ``train.metrics`` on ``articles``, and how good the evidence is; events are the units."""
    return figures_of(score(classifier, articles), articles, classifier.contract.taxonomy)


def figures_of(answers: Sequence[Answer], articles: Sequence[LabelledArticle], taxonomy: Taxonomy) -> dict[str, Any]:
    """The figures of ``evaluate``, of answers that are there already."""
    gold, units = gold_of(articles, taxonomy), units_of(articles)
    result = measure(probabilities_of(answers), predicted_of(answers), gold, taxonomy, units=units)
    result["evidence"] = evidence_quality(answers, articles)
    return result


def predicted_of(answers: Sequence[Answer]) -> npt.NDArray[np.bool_]:
    """Relevant by the thresholds, (A, K): every pair is measured, those that were abstained from too."""
    return np.array([[t.decision.probability >= t.threshold for t in a.topics] for a in answers])


def evidence_quality(
    answers: Sequence[Answer], articles: Sequence[LabelledArticle], *, seed: int = 0
) -> dict[str, Any]:
    """Evidence against marked sentences, over pairs found relevant by both.

    Web pages take no part: the marks point into the page, the evidence into the text taken out of it.

    Returns:
        ``pairs``; ``first``: share of first-ranked sentences that are marked; ``precision`` and ``recall`` of all
        shown sentences, averaged over pairs; ``chance``: the share of the sentences read that are marked, which is
        what ``first`` would be by drawing lots.
    """
    rows: list[tuple[int, float, float, float, float]] = []
    for unit, answer, item in zip(units_of(articles), answers, articles, strict=True):
        if answer.text != item.article.text:
            continue
        for topic in answer.topics:
            label = item.labels.get(topic.topic)
            likely = topic.decision.probability >= topic.threshold
            if label is None or not label.relevant or not label.evidence or not topic.evidence or not likely:
                continue
            hits = [any(_overlap(shown, span) for span in label.evidence) for shown in topic.evidence]
            found = [any(_overlap(shown, span) for shown in topic.evidence) for span in label.evidence]
            chance = _chance(answer, item, label.evidence)
            rows.append((unit, float(hits[0]), float(np.mean(hits)), float(np.mean(found)), chance))
    if not rows:
        return {"pairs": 0}
    table = np.array(rows)
    samples = resample(table[:, 0].astype(np.int64), seed)
    figures = {
        name: interval(lambda i, c=column: float(table[i, c].mean()), samples, len(table))  # type: ignore[misc]  # default binds the loop's column
        for column, name in enumerate(("first", "precision", "recall"), start=1)
    }
    return {"pairs": len(rows), **figures, "chance": round(float(table[:, 4].mean()), 4)}


def _overlap(shown: Evidence, span: Span) -> bool:
    """Half of the shorter one, at least."""
    common = min(shown.end, span[1]) - max(shown.start, span[0])
    return common * 2 >= min(shown.end - shown.start, span[1] - span[0])


def _chance(answer: Answer, item: LabelledArticle, spans: Sequence[Span]) -> float:
    marked = [
        any(_overlap(Evidence(start, end, TEXT, 0.0), span) for span in spans)
        for start, end in split_sentences(answer.text)
    ]
    # the attention has a row for each sentence read: not for lines cut as boilerplate, but for the headline's
    read = len(answer.pooled.attention) - len(split_sentences(item.article.title))
    return sum(marked) / read
