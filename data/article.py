"""What an article is, and what labels on it are.

``None`` always means "not annotated": such a label is masked in training, never taken for a no.
Spans are half-open character offsets into ``Article.text`` as it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Span = tuple[int, int]


@dataclass(frozen=True)
class Article:
    """One article: what is scored.

    Attributes:
        id: the caller's name for it.
        title: headline, may be empty.
        text: body; offsets of evidence point into it.
    """

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Label:
    """What an annotator said about one article and one topic.

    Attributes:
        relevant: is the article about the topic?
        stance: the article's own stance; ``None`` where not relevant or not annotated.
        evidence: spans of the sentences that say so; ``None`` where nobody marked any.
    """

    relevant: bool
    stance: str | None = None
    evidence: tuple[Span, ...] | None = None


@dataclass(frozen=True)
class Voice:
    """A named actor's position inside an article (second layer of the codebook)."""

    actor: str
    topic: str
    stance: str
    sentence: Span


@dataclass(frozen=True)
class LabelledArticle:
    """An article with labels and what is known of its origin.

    Attributes:
        labels: topic id to label; a topic that is absent was not annotated.
        event: what happened, as a slug; articles of one event never stand in two splits.
        outlet: who published it.
        split: ``train``, ``dev``, ``test``, or empty where none is fixed.
    """

    article: Article
    labels: Mapping[str, Label]
    event: str = ""
    outlet: str = ""
    split: str = ""
    date: str = ""
    place: str = ""
    genre: str = ""
    voices: tuple[Voice, ...] = field(default=())
    notes: Mapping[str, str] = field(default_factory=dict)
