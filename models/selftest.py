"""Articles a checkpoint carries with the probabilities they must get: run before a server says it is ready."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from data.article import Article
from data.errors import ArticleError, CheckpointError
from models.classifier import Answer, Classifier

FILE = "selftest.jsonl"
TOLERANCE = 0.03  # of a probability: what bfloat16 and another processor may move it by


def write_selftest(path: Path, classifier: Classifier, articles: Sequence[Article]) -> None:
    """Record what ``classifier`` says of ``articles``."""
    with path.open("w", encoding="utf-8") as file:
        for article, answer in zip(articles, classifier.classify(articles), strict=True):
            if isinstance(answer, ArticleError):
                raise answer
            row = {"title": article.title, "text": article.text, "probabilities": _probabilities(answer)}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def run_selftest(folder: Path, classifier: Classifier) -> int:
    """Score the folder's articles again; returns how many.

    Raises:
        CheckpointError: ``missing_file``; ``selftest_failed`` where a probability is off by more than ``TOLERANCE``,
            or where there is nothing to score.
    """
    if not (folder / FILE).is_file():
        raise CheckpointError("missing_file", "no self-test", where=str(folder / FILE))
    # not splitlines: it would split inside an article, at U+2028 and the like
    rows = [json.loads(line) for line in (folder / FILE).read_text(encoding="utf-8").split("\n") if line]
    if not rows:
        raise CheckpointError("selftest_failed", "no article to test with", where=str(folder / FILE))
    articles = [Article(str(i), row["title"], row["text"]) for i, row in enumerate(rows)]
    for number, (row, answer) in enumerate(zip(rows, classifier.classify(articles), strict=True), start=1):
        if isinstance(answer, ArticleError):
            raise CheckpointError("selftest_failed", str(answer), where=f"{folder / FILE}:{number}")
        for topic, got in _probabilities(answer).items():
            wanted = row["probabilities"].get(topic)
            if wanted is None or not abs(got - wanted) <= TOLERANCE:  # so that NaN fails too
                message = f"{topic}: probability {got:.4f} where {wanted} was recorded"
                raise CheckpointError("selftest_failed", message, where=f"{folder / FILE}:{number}")
    return len(rows)


def _probabilities(answer: Answer) -> dict[str, float]:
    return {t.topic: round(t.decision.probability, 5) for t in answer.topics}
