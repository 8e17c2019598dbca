"""What the labels give away without reading: the best classifier that looks at one word, the genre or the length.

Each is chosen on ``train`` and measured on the rest (F1 of "relevant"; macro-F1 of stance given relevance, where the
genre says its most frequent stance, which need not be the best by macro-F1). A corpus
where one of these comes near a model measures the shortcut, not the reading.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from data.article import LabelledArticle
from data.corpus import words
from data.taxonomy import Taxonomy

_LEAST = 3  # training articles a word must stand in

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def shortcuts(articles: Sequence[LabelledArticle], taxonomy: Taxonomy) -> dict[str, Any]:
    """For each topic, relevance and stance: what always saying one thing, one word, genre and length reach."""
    train = np.array([item.split in ("train", "") for item in articles], dtype=bool)
    if train.all() or not train.any():
        return {}
    names = sorted({w for i, item in enumerate(articles) if train[i] for w in words(_text(item))})
    place = {name: n for n, name in enumerate(names)}
    present = np.zeros((len(articles), len(names)), dtype=bool)
    for i, item in enumerate(articles):
        for word in set(words(_text(item))):
            if word in place:
                present[i, place[word]] = True
    genres = [item.genre for item in articles]
    lengths = np.array([len(item.article.text.split()) for item in articles])
    answer = {}
    for topic in taxonomy.ids:
        labels = [item.labels.get(topic) for item in articles]
        known = np.array([label is not None for label in labels])
        relevant = np.array([int(bool(label and label.relevant)) for label in labels])
        stanced = np.array([bool(label and label.stance) for label in labels])
        stance = np.array(
            [taxonomy.stances.index(label.stance) if label and label.stance else 0 for label in labels], dtype=np.int64
        )
        answer[topic] = {
            "relevance": _all(present, names, genres, lengths, relevant, known, train, classes=2),
            "stance": _all(present, names, genres, lengths, stance, stanced, train, classes=len(taxonomy.stances)),
        }
    return answer


def _all(
    present: Bools,
    names: Sequence[str],
    genres: Sequence[str],
    lengths: Ints,
    y: Ints,
    used: Bools,
    train: Bools,
    *,
    classes: int,
) -> dict[str, Any]:
    fit, rest = used & train, used & ~train
    if not fit.any() or not rest.any():
        return {}
    constant = max(range(classes), key=lambda c: _score(np.full(int(fit.sum()), c), y[fit], classes))
    word, when, otherwise = _best_split(present[fit], y[fit], classes)
    cuts = np.unique(np.quantile(lengths[fit], np.linspace(0.05, 0.95, 19)))
    cut, above, below = _best_split(lengths[fit][:, None] >= cuts[None, :], y[fit], classes, least=1)
    by_genre = _by_genre(genres, y, fit, classes, default=constant)

    def measured(guess: Ints) -> float:
        return round(_score(guess[rest], y[rest], classes), 3)

    return {
        "n": int(rest.sum()),
        "constant": measured(np.full(len(y), constant)),
        "word": measured(np.where(present[:, word], when, otherwise)),
        "which": names[word],
        "genre": measured(np.array([by_genre.get(g, constant) for g in genres])),
        "length": measured(np.where(lengths >= cuts[cut], above, below)),
    }


def _best_split(present: Bools, y: Ints, classes: int, *, least: int = _LEAST) -> tuple[int, int, int]:
    """Column, and what to say where it is true and where it is not, with the best score on ``y``."""
    totals = np.bincount(y, minlength=classes).astype(float)
    inside = np.stack([present[y == c].sum(axis=0) for c in range(classes)]).astype(float)
    allowed = (inside.sum(axis=0) >= least) & (inside.sum(axis=0) <= len(y) - least)
    best = (-1.0, 0, 0, 0)
    for when in range(classes):
        for otherwise in range(classes):
            if when == otherwise:
                continue
            score = np.where(allowed, _split_scores(inside, totals, when, otherwise, classes), -1.0)
            column = int(score.argmax())
            best = max(best, (float(score[column]), column, when, otherwise))
    return best[1], best[2], best[3]


def _split_scores(
    inside: npt.NDArray[np.float64], totals: npt.NDArray[np.float64], when: int, otherwise: int, classes: int
) -> npt.NDArray[np.float64]:
    said_in, said_out = inside.sum(axis=0), totals.sum() - inside.sum(axis=0)
    f1 = {
        when: 2 * inside[when] / np.maximum(said_in + totals[when], 1.0),
        otherwise: 2 * (totals[otherwise] - inside[otherwise]) / np.maximum(said_out + totals[otherwise], 1.0),
    }
    if classes == 2:
        return np.asarray(f1[1])
    return np.asarray(sum(f1.values()) / max(int((totals > 0).sum()), 1))


def _by_genre(genres: Sequence[str], y: Ints, fit: Bools, classes: int, *, default: int) -> Mapping[Hashable, int]:
    """What to say for each genre: of several classes the most frequent; of two, what is best by F1 on ``fit``."""
    named = np.array(genres)
    counts = {genre: np.bincount(y[fit & (named == genre)], minlength=classes) for genre in sorted(set(genres))}
    seen = {genre: n for genre, n in counts.items() if n.any()}
    answer: dict[Hashable, int] = dict.fromkeys(counts, default)
    if classes != 2:
        return answer | {genre: int(n.argmax()) for genre, n in seen.items()}
    # F1 is best where "relevant" is said down to some share of relevant articles
    order = sorted(seen, key=lambda genre: -float(seen[genre][1] / seen[genre].sum()))
    said = [np.isin(named, order[:k]).astype(np.int64) for k in range(len(order) + 1)]
    best = max(range(len(said)), key=lambda k: _score(said[k][fit], y[fit], classes))
    return answer | {genre: int(place < best) for place, genre in enumerate(order)}


def _score(guess: Ints, y: Ints, classes: int) -> float:
    """F1 of class 1 where there are two classes, else macro-F1 over the classes that occur."""
    wanted = [1] if classes == 2 else [c for c in range(classes) if (y == c).any()]
    scores = []
    for c in wanted:
        hit = float(((guess == c) & (y == c)).sum())
        scores.append(2 * hit / max(float((guess == c).sum() + (y == c).sum()), 1.0))
    return float(np.mean(scores)) if scores else 0.0


def _text(item: LabelledArticle) -> str:
    return f"{item.article.title}\n{item.article.text}"
