"""How far two readers agree: Cohen's kappa and Krippendorff's alpha on relevance and stance, and on evidence.

Kappa after Cohen 1960; alpha for nominal data after Krippendorff 2011 (values that only one reader gave are left out).
Stance is compared where both readers found the topic relevant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from data.article import Label, LabelledArticle, Span
from data.taxonomy import Taxonomy

Pair = tuple[Hashable, Hashable]
_SAMPLES = 1000


def cohen_kappa(pairs: Sequence[Pair]) -> float:
    """Agreement of two readers beyond chance; NaN where chance leaves nothing to agree on."""
    n = len(pairs)
    if not n:
        return float("nan")
    observed = sum(a == b for a, b in pairs) / n
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    chance = sum(first[value] * second[value] for value in first) / n**2
    return float("nan") if chance == 1 else (observed - chance) / (1 - chance)


def krippendorff_alpha(units: Sequence[Sequence[Hashable]]) -> float:
    """Nominal alpha over ``units``, each the values it was given (one reader or many); NaN where nothing varies."""
    units = [unit for unit in units if len(unit) > 1]
    totals = Counter(value for unit in units for value in unit)
    n = sum(totals.values())
    if n < 2:
        return float("nan")
    differing = sum(
        sum(count * (len(unit) - count) for count in Counter(unit).values()) / (len(unit) - 1) for unit in units
    )
    expected = sum(count * (n - count) for count in totals.values()) / (n - 1)
    return float("nan") if expected == 0 else 1 - differing / expected


def compare(
    first: Sequence[LabelledArticle], second: Sequence[LabelledArticle], taxonomy: Taxonomy, *, seed: int = 0
) -> dict[str, Any]:
    """Agreement over the articles that both readers labelled, by id.

    Returns:
        ``articles``; ``topics``: for each, ``relevance`` and ``stance`` with n, share of equal answers, kappa and its
        95 % interval (bootstrap), ``evidence``: over pairs of marked evidence, the mean F1 of the spans in common,
        and ``alpha`` over its answers (relevance and stance as one value); ``alpha``: the mean of these. (Over all
        topics at once, readers would seem to agree on what they never chose: which topic was asked about.)
        ``None`` where nothing varies.
    """
    other = {item.article.id: item for item in second}
    both = [(item.labels, other[item.article.id].labels) for item in first if item.article.id in other]
    topics: dict[str, Any] = {}
    alphas: list[float] = []
    for topic in taxonomy.ids:
        pairs = [(a[topic], b[topic]) for a, b in both if topic in a and topic in b]
        agreed = [(a, b) for a, b in pairs if a.relevant and b.relevant]
        overlaps = [_f1(a.evidence, b.evidence) for a, b in agreed if a.evidence and b.evidence]
        alpha = krippendorff_alpha([(_answer(a), _answer(b)) for a, b in pairs])
        if not np.isnan(alpha):
            alphas.append(alpha)
        topics[topic] = {
            "relevance": _figures([(a.relevant, b.relevant) for a, b in pairs], seed),
            "stance": _figures([(a.stance, b.stance) for a, b in agreed if a.stance and b.stance], seed),
            "evidence": {"n": len(overlaps), "f1": round(float(np.mean(overlaps)), 3) if overlaps else None},
            "alpha": _rounded(alpha),
        }
    return {"articles": len(both), "topics": topics, "alpha": _rounded(float(np.mean(alphas))) if alphas else None}


def _answer(label: Label) -> tuple[bool, str | None]:
    return label.relevant, label.stance


def _figures(pairs: Sequence[Pair], seed: int) -> dict[str, Any]:
    if not pairs:
        return {"n": 0}
    rng = np.random.default_rng(seed)
    samples = rng.integers(len(pairs), size=(_SAMPLES, len(pairs)))
    kappas = np.array([cohen_kappa([pairs[i] for i in sample]) for sample in samples])
    low, high = (float("nan"),) * 2 if np.isnan(kappas).all() else np.nanpercentile(kappas, [2.5, 97.5])
    return {
        "n": len(pairs),
        "equal": round(sum(a == b for a, b in pairs) / len(pairs), 3),
        "kappa": _rounded(cohen_kappa(pairs)),
        "low": _rounded(float(low)),
        "high": _rounded(float(high)),
    }


def _rounded(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else round(value, 3)


def _f1(first: Sequence[Span], second: Sequence[Span]) -> float:
    """Of spans, by the characters in common."""
    a = {i for start, end in first for i in range(start, end)}
    b = {i for start, end in second for i in range(start, end)}
    return 2 * len(a & b) / (len(a) + len(b))
