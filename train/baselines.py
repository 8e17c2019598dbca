"""What a good afternoon's work without a network reaches: TF-IDF and logistic regression, and the majority.

Words 1-2 and characters 2-5, on headline and text; one model a topic for relevance, one a topic for stance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion

from data.article import LabelledArticle
from data.taxonomy import Taxonomy
from train.metrics import measure
from train.scores import UNKNOWN, Gold, Scores, gold_of


def tfidf(train: Sequence[LabelledArticle], taxonomy: Taxonomy) -> TfidfBaseline:
    """Fit on ``train``."""
    return TfidfBaseline(train, taxonomy)


class TfidfBaseline:
    """TF-IDF and logistic regression, fitted."""

    def __init__(self, train: Sequence[LabelledArticle], taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self._features = FeatureUnion(
            [
                ("words", TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=100_000)),
                (
                    "characters",
                    TfidfVectorizer(
                        analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True, max_features=200_000
                    ),
                ),
            ]
        )
        x = self._features.fit_transform([_text(item) for item in train])
        gold = gold_of(train, taxonomy)
        self._relevance = [_fit(x, gold.relevance[:, k]) for k in range(len(taxonomy.topics))]
        self._stance = [_fit(x, gold.stance[:, k]) for k in range(len(taxonomy.topics))]

    def evaluate(self, articles: Sequence[LabelledArticle]) -> dict[str, Any]:
        """The figures of ``train.metrics`` on ``articles``, thresholds at 0.5."""
        x = self._features.transform([_text(item) for item in articles])
        relevance = np.stack([_predict(m, x, 2)[:, 1] for m in self._relevance], axis=1)
        stances = len(self._taxonomy.stances)
        stance = np.stack([_predict(m, x, stances) for m in self._stance], axis=1)
        return measure(Scores(relevance, stance), relevance >= 0.5, gold_of(articles, self._taxonomy), self._taxonomy)


def majority(train: Gold, articles: Sequence[LabelledArticle], taxonomy: Taxonomy) -> dict[str, Any]:
    """Always the commonest label of ``train``."""
    count = len(articles)
    relevance = np.stack([np.full(count, float((c[c != UNKNOWN] == 1).mean())) for c in train.relevance.T], axis=1)
    stance = np.zeros((count, len(taxonomy.topics), len(taxonomy.stances)))
    for k, column in enumerate(train.stance.T):
        known = column[column != UNKNOWN]
        if len(known):
            stance[:, k] = np.bincount(known, minlength=len(taxonomy.stances)) / len(known)
    return measure(Scores(relevance, stance), relevance >= 0.5, gold_of(articles, taxonomy), taxonomy)


def _text(item: LabelledArticle) -> str:
    return f"{item.article.title}\n{item.article.text}"


def _fit(x: Any, labels: Any) -> LogisticRegression | int:
    """A model, or the one class there is."""
    known = labels != UNKNOWN
    classes = set(labels[known].tolist())
    if len(classes) < 2:
        return int(next(iter(classes), 0))
    model: LogisticRegression = LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000)
    model.fit(x[known], labels[known])
    return model


def _predict(model: LogisticRegression | int, x: Any, classes: int) -> Any:
    answer = np.zeros((x.shape[0], classes))
    if isinstance(model, int):
        answer[:, model] = 1.0
    else:
        answer[:, model.classes_] = model.predict_proba(x)
    return answer
