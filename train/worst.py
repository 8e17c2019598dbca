"""The surest mistakes: where the model was wrong and did not know it. Ids and labels alone, never an article's text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from data.article import LabelledArticle
from models.classifier import Answer, TopicAnswer
from models.decision import confidence


def worst(
    answers: Sequence[Answer], articles: Sequence[LabelledArticle], stances: Sequence[str], *, most: int = 20
) -> list[dict[str, Any]]:
    """At most ``most`` mistakes, surest first.

    A relevance that is wrong, or the wrong stance of a pair that is relevant by both; ``probability`` is the calibrated
    one of what was said. What the checkpoint abstained from counts as well, and says so (``abstained``).

    Returns:
        ``id``, ``topic``, ``gold`` and ``predicted`` (a stance, or "not relevant", or "relevant"), ``probability``,
        ``abstained``, ``genre``.
    """
    found: list[dict[str, Any]] = []
    for answer, item in zip(answers, articles, strict=True):
        for topic in answer.topics:
            label = item.labels.get(topic.topic)
            if label is None:
                continue
            mistake = _mistake(topic, label.relevant, label.stance, stances)
            if mistake is not None:
                gold, predicted, probability = mistake
                found.append(
                    {
                        "id": item.article.id,
                        "topic": topic.topic,
                        "gold": gold,
                        "predicted": predicted,
                        "probability": round(probability, 4),
                        "abstained": topic.decision.abstained,
                        "genre": item.genre,
                    }
                )
    return sorted(found, key=lambda row: (-row["probability"], row["id"], row["topic"]))[:most]


def _mistake(
    answer: TopicAnswer, relevant: bool, stance: str | None, stances: Sequence[str]
) -> tuple[str, str, float] | None:
    """Gold, predicted and the probability of what was predicted; ``None`` where nothing is wrong."""
    decision = answer.decision
    said = decision.probability >= answer.threshold
    if said != relevant:
        names = ("not relevant", "relevant")
        return names[relevant], names[said], confidence(decision.probability, said)
    if not relevant or stance is None:
        return None
    chance = max(decision.stances)
    guessed = stances[decision.stances.index(chance)]
    return None if guessed == stance else (stance, guessed, chance)
