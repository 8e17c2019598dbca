"""The shapes of requests and answers over HTTP."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from data.errors import WijhaError
from models.classifier import Answer, TopicAnswer
from models.contract import Contract

LONGEST_ID = 256  # characters of an article's id, which logs and tables carry


class Name(BaseModel):
    """A topic's name for readers."""

    ar: str
    en: str


class StanceOut(BaseModel):
    """The article's own stance, given that it is about the topic; ``label`` is null where that is too unsure to say.

    ``probability`` is the likeliest one's.
    """

    label: str | None
    probability: float
    probabilities: dict[str, float]


class EvidenceOut(BaseModel):
    """A sentence: ``text[start:end]`` in Unicode code points, and its share of the attention behind the decision."""

    start: int
    end: int
    text: str
    share: float


class TopicOut(BaseModel):
    """One topic's answer; ``relevant`` is null where that is too unsure to say (``abstained``)."""

    id: str
    name: Name
    relevant: bool | None
    probability: float
    threshold: float
    abstained: bool
    stance: StanceOut | None
    evidence: list[EvidenceOut]


class ErrorOut(BaseModel):
    """Why an article was not scored: ``code`` is stable, ``where`` names the field."""

    code: str
    message: str
    where: str


class ResultOut(BaseModel):
    """One article's answer, or its error.

    ``extracted_text`` is there only where the text sent was a web page: offsets then point into it.
    """

    id: str
    topics: list[TopicOut] = []
    windows: int = 0
    tokens: int = 0
    warnings: list[str] = []
    error: ErrorOut | None = None
    extracted_text: str | None = None


class ModelOut(BaseModel):
    """Which checkpoint answered."""

    name: str
    digest: str


class ClassifyOut(BaseModel):
    """Answers in the order of the articles, as many as there were."""

    model: ModelOut
    results: list[ResultOut]


class ArticleIn(BaseModel):
    """An article to score."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str | int | None = Field(
        None, description=f"Comes back in the answer; {LONGEST_ID} characters at most. Default: its place in the list."
    )
    title: str | None = Field(None, description="Headline.")
    text: str = Field(description="Body, as plain text or as a web page.")


class ClassifyIn(BaseModel):
    """Either one ``text`` (with its ``title``), or ``articles``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str | None = None
    title: str | None = None
    articles: list[Any] | None = Field(None, description="Objects with text and optionally id and title.")


class TopicInfo(BaseModel):
    """A topic of the loaded checkpoint."""

    id: str
    name: Name
    target: str
    threshold: float
    stances: list[str]


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    where: str = ""


def result_out(answer: Answer, contract: Contract) -> ResultOut:
    """An answer in its HTTP shape."""
    topics = [_topic(t, contract, k) for k, t in enumerate(answer.topics)]
    return ResultOut(
        id=answer.id,
        topics=topics,
        windows=answer.windows,
        tokens=answer.tokens,
        warnings=list(answer.warnings),
        extracted_text=answer.text if "html_extracted" in answer.warnings else None,
    )


def error_out(name: str, error: WijhaError) -> ResultOut:
    """An article's error in its place."""
    return ResultOut(id=name, error=ErrorOut(code=error.code, message=error.message, where=error.where))


def _topic(answer: TopicAnswer, contract: Contract, place: int) -> TopicOut:
    topic, decision = contract.taxonomy.topics[place], answer.decision
    stance = None
    if decision.relevant and contract.taxonomy.stances:
        chances = dict(zip(contract.taxonomy.stances, (round(p, 6) for p in decision.stances), strict=True))
        stance = StanceOut(label=decision.stance, probability=max(chances.values()), probabilities=chances)
    return TopicOut(
        id=answer.topic,
        name=Name(ar=topic.ar, en=topic.en),
        relevant=decision.relevant,
        probability=round(decision.probability, 6),
        threshold=answer.threshold,
        abstained=decision.abstained,
        stance=stance,
        evidence=[EvidenceOut(start=e.start, end=e.end, text=e.text, share=round(e.share, 6)) for e in answer.evidence],
    )
