"""Which sentences weighed most in a decision.

A sentence's share is its part of the attention that weighs the decision, relevance and stance alike: exact, not a
second model's guess, and over the whole article (headline included) the shares sum to one. It says how much the
sentence weighed, not which way: it is not the part of the decision that the sentence brought about.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.contract import EvidenceRule
from models.encoding import TEXT, Encoded


@dataclass(frozen=True)
class Evidence:
    """A sentence of the text: ``text[start:end]``, and its share of the attention that weighs the decision."""

    start: int
    end: int
    text: str
    share: float


def evidence(encoded: Encoded, attention: npt.NDArray[np.float64], rule: EvidenceRule) -> tuple[Evidence, ...]:
    """The strongest sentences of the text for one topic, strongest first.

    Args:
        attention: (M,), the shares of the article's sentences.

    The headline takes part in the decision but is never shown: the reader sees it anyway.
    """
    body = [i for i, sentence in enumerate(encoded.sentences) if sentence.field == TEXT]
    ranked = sorted(body, key=lambda i: -attention[i])[: rule.most]
    kept = [i for place, i in enumerate(ranked) if place == 0 or attention[i] >= rule.least_share]
    return tuple(
        Evidence(s.start, s.end, encoded.text[s.start : s.end], float(attention[i]))
        for i, s in ((i, encoded.sentences[i]) for i in kept)
    )
