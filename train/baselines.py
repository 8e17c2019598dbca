"""What a good afternoon's work without a network reaches: TF-IDF and logistic regression, and a constant answer.

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
from train.calibrate import best_threshold
from train.corpus import Corpus
from train.metrics import measure
from train.scores import UNKNOWN, Gold, Scores, gold_of, units_of


def measure_baselines(corpus: Corpus) -> dict[str, dict[str, Any]]:
    """For each body of articles that is measured on, the figures of each baseline by its name."""
    bodies = {"test": corpus.test, "dev": corpus.dev, "held_out": corpus.held_out}
    bodies = {name: body for name, body in bodies.items() if body}
    linear = tfidf(corpus.seen, corpus.taxonomy, [*corpus.dev, *corpus.held_out]) if bodies else None
    gold, found = gold_of(corpus.train, corpus.taxonomy), {}
    for name, body in bodies.items():
        found[name] = {"constant": constant(gold, body, corpus.taxonomy)}
        if linear is not None:
            found[name] = {
                "TF-IDF + logistic regression": linear.evaluate(body),
                "TF-IDF + logistic regression, thresholds of 0.5": linear.evaluate(body, threshold=0.5),
                **found[name],
            }
    return found


def tfidf(
    train: Sequence[LabelledArticle], taxonomy: Taxonomy, dev: Sequence[LabelledArticle] = ()
) -> TfidfBaseline | None:
    """Fit on ``train``, thresholds on ``dev`` as a checkpoint's are; ``None`` where ``train`` has no words.

    Args:
        train: an article may stand there more than once.
    """
    texts = [_text(item) for item in train]
    distinct = list(dict.fromkeys(texts))  # an article that is repeated weighs more, but its n-grams are of one article
    least = min(2, len(distinct))  # an n-gram of one article tells nothing, unless there is but one
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=least, sublinear_tf=True, max_features=100_000)
    characters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), min_df=least, sublinear_tf=True, max_features=200_000
    )
    features = FeatureUnion([("words", words), ("characters", characters)])
    try:
        x = features.fit(distinct).transform(texts)
    except ValueError:  # scikit-learn's word for an empty vocabulary
        return None
    return TfidfBaseline(features, x, gold_of(train, taxonomy), taxonomy, dev)


class TfidfBaseline:
    """Logistic regression on the features, fitted.

    Args:
        features: fitted.
        x: the features of the training articles.
        gold: their labels.
        dev: articles to choose each topic's threshold on; 0.5 where they have not both a yes and a no.
    """

    def __init__(
        self, features: FeatureUnion, x: Any, gold: Gold, taxonomy: Taxonomy, dev: Sequence[LabelledArticle]
    ) -> None:
        self._features, self._taxonomy = features, taxonomy
        self._relevance = [_fit(x, column) for column in gold.relevance.T]
        self._stance = [_fit(x, column) for column in gold.stance.T]
        self.thresholds = np.full(len(taxonomy.topics), 0.5)
        if dev:
            relevance, columns = self._probabilities(dev).relevance, gold_of(dev, taxonomy).relevance
            for k, column in enumerate(columns.T):
                known = column != UNKNOWN
                if len(set(column[known].tolist())) == 2:
                    self.thresholds[k] = best_threshold(relevance[known, k], column[known])

    def evaluate(self, articles: Sequence[LabelledArticle], *, threshold: float | None = None) -> dict[str, Any]:
        """The figures of ``train.metrics`` on ``articles``; events are the sampling units.

        Args:
            threshold: one for all topics instead of those chosen on dev.
        """
        scores, gold = self._probabilities(articles), gold_of(articles, self._taxonomy)
        predicted = scores.relevance >= (self.thresholds if threshold is None else threshold)
        return measure(scores, predicted, gold, self._taxonomy, units=units_of(articles))

    def _probabilities(self, articles: Sequence[LabelledArticle]) -> Scores:
        x = self._features.transform([_text(item) for item in articles])
        relevance = np.stack([_predict(m, x, 2)[:, 1] for m in self._relevance], axis=1)
        stance = np.stack([_predict(m, x, len(self._taxonomy.stances)) for m in self._stance], axis=1)
        return Scores(relevance, stance)


def constant(train: Gold, articles: Sequence[LabelledArticle], taxonomy: Taxonomy) -> dict[str, Any]:
    """Without reading: for each topic whichever of yes and no has the better F1 on ``train``, and its commonest stance.

    That is yes wherever ``train`` has a relevant article: "no" never finds one, and its F1 is 0. The probability is
    the share of relevant articles.
    """
    shape = len(articles), len(taxonomy.topics)
    relevant, known = (train.relevance == 1).sum(axis=0), (train.relevance != UNKNOWN).sum(axis=0)
    stance = np.zeros((*shape, len(taxonomy.stances)))
    for s in range(len(taxonomy.stances)):
        stance[:, :, s] = (train.stance == s).sum(axis=0) / np.maximum((train.stance != UNKNOWN).sum(axis=0), 1)
    return measure(
        Scores(np.broadcast_to(relevant / np.maximum(known, 1), shape), stance),
        np.broadcast_to(relevant > 0, shape),
        gold_of(articles, taxonomy),
        taxonomy,
        units=units_of(articles),
    )


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
    """Probabilities (A, ``classes``), where there may be no class at all: a taxonomy without stances."""
    answer = np.zeros((x.shape[0], classes))
    if not isinstance(model, int):
        answer[:, model.classes_] = model.predict_proba(x)
    elif classes:
        answer[:, model] = 1.0
    return answer
