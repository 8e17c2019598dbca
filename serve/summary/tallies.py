"""Counts of answers by topic, outlet and month, and the strongest sentences and nearest doubts, kept while reading.

A row costs 20 bytes: four small integers. What it says is kept only where it is among the best of its kind.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from data.corpus import words
from serve.summary.scored import Found, Scored

UNSURE, STANCE_UNSURE, NO_STANCE, NO = "relevance_abstained", "stance_abstained", "no_stance", "not_relevant"
FEW = 5  # a share of fewer is shown, but greyed
_USUAL = ("favor", "neutral", "against")
_OUTLETS = 20_000  # names kept apart; the rows of further ones are counted without an outlet's name
_MOST = 40  # sentences kept of a topic and stance
_MOST_OF_OUTLET = 3  # and of an outlet beside these
_WATCHED = 300  # outlets that this is done for: the first ones met
_DOUBTS = 60  # abstentions kept of a topic, and of the stance toward it
_Z = 1.959964

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Kept:
    """A sentence or doubt worth showing, with the row it is from.

    Attributes:
        day: ISO, or empty.
        text: the sentence; of a doubt the strongest one, if there is any.
        probability: that the article is about the topic; ``stance_probability`` is the likeliest stance's.
        score: the higher, the earlier it is shown.
    """

    number: int
    id: str
    title: str
    outlet: str
    day: str
    url: str
    probability: float
    stance_probability: float | None
    threshold: float | None
    text: str
    share: float | None
    score: float


class Best:
    """The ``size`` highest of all that was offered, one of a key; never more than twice as many in memory."""

    def __init__(self, size: int) -> None:
        self._size, self._kept, self._floor = size, dict[str, Kept](), -math.inf

    def wants(self, score: float) -> bool:
        return score > self._floor

    def offer(self, key: str, kept: Kept) -> None:
        if not self.wants(kept.score) or (key in self._kept and self._kept[key].score >= kept.score):
            return
        self._kept[key] = kept
        if len(self._kept) >= 2 * self._size:
            self._kept = dict(heapq.nlargest(self._size, self._kept.items(), key=lambda item: item[1].score))
            self._floor = min(kept.score for kept in self._kept.values())

    def ranked(self) -> list[Kept]:
        return sorted(self._kept.values(), key=lambda kept: (-kept.score, kept.number))[: self._size]


@dataclass(frozen=True)
class Counts:
    """How many, by outlet, month, topic and state.

    Attributes:
        outlets, months: names; an empty one stands for rows without.
        states: stances, then the other things an answer can be.
        cells: (N, 2), the places of outlet and month of each pair that occurs.
        articles: (N, T, S), rows.
        stories: (N, T, S), rows weighed by one over the number of copies of their story, so that a story counts once;
            ``None`` where the tables name no stories.
    """

    outlets: Sequence[str]
    months: Sequence[str]
    topics: Sequence[str]
    states: Sequence[str]
    cells: npt.NDArray[np.int64]
    articles: Array
    stories: Array | None

    @property
    def stances(self) -> tuple[str, ...]:
        return tuple(s for s in self.states if s not in (UNSURE, STANCE_UNSURE, NO_STANCE, NO))


class Tally:
    """What is kept of the rows while they are read.

    Args:
        thresholds: of topics, for tables that don't hold them; 0.5 for a topic that is not there either.
    """

    def __init__(self, thresholds: Mapping[str, float] | None = None) -> None:
        self._thresholds = thresholds or {}
        self._outlet, self._month, self._answers, self._story = array("I"), array("I"), array("I"), array("Q")
        self._outlets, self._months = {"": 0}, {"": 0}
        self._spelt: dict[str, str] = {}
        self._combinations: dict[tuple[tuple[str, str], ...], int] = {}
        self._storied = False
        self.folded = 0
        self.rows = 0
        self.unshared = False
        self.models, self.errors, self.warnings = Counter[str](), Counter[str](), Counter[str]()
        self.evidence: dict[tuple[str, str], Best] = {}
        self.evidence_of: dict[tuple[str, str, str], Best] = {}
        self.doubts: dict[tuple[str, str], Best] = {}

    def add(self, row: Scored, day: date | None) -> None:
        """Count a row; one with an error only among the errors."""
        self.rows += 1
        if row.error or not row.topics:
            self.errors[row.error.split(":", 1)[0].strip() or "not_scored"] += 1
            return
        self.models[row.model] += 1
        self.warnings.update(row.warnings)
        outlet = self._name(row.outlet)
        month = day.isoformat()[:7] if day else ""
        states = tuple((found.topic, state(found)) for found in row.topics)
        self._outlet.append(self._outlets[outlet])
        self._month.append(self._months.setdefault(month, len(self._months)))
        self._answers.append(self._combinations.setdefault(states, len(self._combinations)))
        self._storied = self._storied or bool(row.story)
        # a row without a story is one of its own: its number, where a digest is of 63 bits
        self._story.append(_digest(row.story) if row.story else 1 << 63 | self.rows)
        for found, (_, its) in zip(row.topics, states, strict=True):
            self._keep(row, found, its, outlet, day.isoformat() if day else "")

    def _name(self, outlet: str) -> str:
        """The first spelling met of an outlet's name."""
        name = self._spelt.setdefault(outlet.casefold(), outlet) if len(self._outlets) < _OUTLETS else outlet
        if name not in self._outlets and len(self._outlets) >= _OUTLETS:
            name = self._spelt.get(outlet.casefold(), "")
            self.folded += not name
        self._outlets.setdefault(name, len(self._outlets))
        return name

    def _keep(self, row: Scored, found: Found, its: str, outlet: str, day: str) -> None:
        def kept(text: str, share: float | None, score: float) -> Kept:
            about = (self.rows, row.id, row.title, outlet, day, row.url)
            return Kept(*about, found.probability, found.stance_probability, threshold, text, share, score)

        threshold = self._thresholds.get(found.topic) if found.threshold is None else found.threshold
        if its in (UNSURE, STANCE_UNSURE):
            doubts = self.doubts.setdefault((found.topic, its), Best(_DOUBTS))
            away = abs(found.probability - (0.5 if threshold is None else threshold))
            score = -away if its == UNSURE else found.stance_probability or 0.0
            if doubts.wants(score):
                doubts.offer(str(self.rows), kept(*(found.evidence[0] if found.evidence else ("", None)), score))
            return
        if its == NO:
            return
        places = [self.evidence.setdefault((found.topic, its), Best(_MOST))]
        if 0 < self._outlets[outlet] <= _WATCHED:
            places.append(self.evidence_of.setdefault((found.topic, its, outlet), Best(_MOST_OF_OUTLET)))
        for text, share in found.evidence:
            self.unshared |= share is None
            score = found.probability * (1.0 if share is None else share)
            wanting = [best for best in places if best.wants(score)]
            if wanting:
                key, entry = " ".join(words(text)) or text, kept(text, share, score)
                for best in wanting:
                    best.offer(key, entry)
            if share is None:
                break  # the first is the strongest; nothing says how strong the others are

    def counts(self) -> Counts:
        """All rows added so far, counted."""
        topics = list(dict.fromkeys(topic for answers in self._combinations for topic, _ in answers))
        met = {its for answers in self._combinations for _, its in answers}
        rest = (NO_STANCE, STANCE_UNSURE, UNSURE, NO)
        stances = [s for s in _USUAL if s in met] + sorted(met - {*_USUAL, *rest})
        states = [*stances, *(s for s in rest if s in met or s != NO_STANCE)]
        member = np.zeros((len(self._combinations), len(topics), len(states)))
        for place, answers in enumerate(self._combinations):
            for topic, its in answers:
                member[place, topics.index(topic), states.index(its)] = 1.0
        outlet, month, answer = (
            np.frombuffer(a, dtype=np.uint32).astype(np.int64) for a in (self._outlet, self._month, self._answers)
        )
        cells, cell = np.unique(outlet * len(self._months) + month, return_inverse=True)
        pairs, pair = np.unique(cell * max(1, len(member)) + answer, return_inverse=True)
        story = np.frombuffer(self._story, dtype=np.uint64)

        def table(weights: Array | None) -> Array:
            many = np.bincount(pair, weights, minlength=len(pairs)).astype(np.float64)
            counted = np.zeros((len(cells), *member.shape[1:]))
            np.add.at(counted, pairs // max(1, len(member)), many[:, None, None] * member[pairs % max(1, len(member))])
            return counted

        stories = None
        if self._storied:
            _, which, copies = np.unique(story, return_inverse=True, return_counts=True)
            stories = table(1.0 / copies[which])
        places = np.stack([cells // len(self._months), cells % len(self._months)], axis=1)
        return Counts([*self._outlets], [*self._months], topics, states, places, table(None), stories)


def state(found: Found) -> str:
    """What an answer is: its stance, or why it has none."""
    if found.relevant is None:
        return UNSURE
    if not found.relevant:
        return NO
    return found.stance or (STANCE_UNSURE if found.abstained else NO_STANCE)


def wilson(count: float, n: float) -> tuple[float, float]:
    """The 95 % interval of a share, ``count`` of ``n`` (Wilson 1927); 0 to 1 where ``n`` is 0."""
    if n <= 0:
        return 0.0, 1.0
    share, z2 = count / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(max(0.0, share * (1 - share)) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 1
