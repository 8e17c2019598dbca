"""Articles in, answers out: the one path that training's evaluation, CSV scoring, HTTP and tests all take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from data.article import Article
from data.errors import ArticleError, ConfigError
from models.backends.protocol import Backend
from models.checkpoint import Checkpoint
from models.contract import Contract
from models.decision import Decision, Pooled, decide, pool
from models.encoding import Encoded, Encoder
from models.evidence import Evidence, evidence

BACKENDS = ("openvino", "torch")


@dataclass(frozen=True)
class TopicAnswer:
    """One topic's answer for one article.

    ``evidence`` is empty where the topic is not relevant; where the decision was abstained from it is there, for the
    person who decides instead.
    """

    topic: str
    decision: Decision
    threshold: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Answer:
    """One article's answer.

    Attributes:
        topics: in the taxonomy's order.
        windows: how many the article was read in.
        tokens: how many it has.
        warnings: codes, for example ``cut_comment_form``, ``not_arabic``.
        text: what the evidence's offsets point into.
        pooled: the logits behind it all, for calibration and evaluation.
    """

    id: str
    topics: tuple[TopicAnswer, ...]
    windows: int
    tokens: int
    warnings: tuple[str, ...]
    text: str
    pooled: Pooled


class Classifier:
    """A loaded checkpoint. Safe to call from several threads.

    Args:
        encoder: article to windows.
        backend: windows to heads.
        contract: heads to answers.
    """

    def __init__(self, encoder: Encoder, backend: Backend, contract: Contract) -> None:
        self._encoder, self._backend, self.contract = encoder, backend, contract

    @classmethod
    def load(
        cls,
        checkpoint: Checkpoint | Path,
        *,
        backend: str = "openvino",
        precision: str | None = None,
        streams: int | None = None,
    ) -> Classifier:
        """Open a checkpoint folder.

        Args:
            backend: ``openvino`` or ``torch``.
            precision: ``f32``, ``bf16`` or ``int8``; default: the checkpoint's own.

        Raises:
            CheckpointError: what is wrong with the folder.
            ConfigError: ``no_backend`` where the runtime is not installed or not known.
        """
        if isinstance(checkpoint, Path):
            checkpoint = Checkpoint.open(checkpoint)
        contract = checkpoint.contract
        precision = precision or checkpoint.precision
        runtime: Backend
        try:
            if backend == "openvino":
                from models.backends.openvino import OpenVinoBackend

                runtime = OpenVinoBackend(checkpoint.folder, precision=precision, streams=streams)
            elif backend == "torch":
                from models.backends.torch import TorchBackend

                size = len(contract.taxonomy.topics), len(contract.taxonomy.stances)
                runtime = TorchBackend(checkpoint.folder, topics=size[0], stances=size[1], precision=precision)
            else:
                raise ConfigError("no_backend", f"{backend!r} is none of {', '.join(BACKENDS)}", where="backend")
        except ImportError as error:
            raise ConfigError("no_backend", f"{backend} is not installed here: {error}", where="backend") from error
        tokenizer = Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))
        return cls(Encoder(tokenizer, contract), runtime, contract)

    def classify(self, articles: Sequence[Article]) -> list[Answer | ArticleError]:
        """Answer ``articles``: same length, same order; one that can't be read is its error, in its place."""
        encoded = [self._encode(article) for article in articles]
        rows = [window.ids for item in encoded if isinstance(item, Encoded) for window in item.windows]
        heads = self._backend.run(rows) if rows else []
        answers: list[Answer | ArticleError] = []
        place = 0
        for article, item in zip(articles, encoded, strict=True):
            if isinstance(item, ArticleError):
                answers.append(item)
                continue
            count = len(item.windows)
            answers.append(self._answer(article.id, item, heads[place : place + count]))
            place += count
        return answers

    def _encode(self, article: Article) -> Encoded | ArticleError:
        try:
            return self._encoder.encode(article)
        except ArticleError as error:
            return error

    def _answer(self, name: str, encoded: Encoded, heads: Sequence[npt.NDArray[np.float32]]) -> Answer:
        pooled = pool(encoded, heads)
        topics = []
        for k, decision in enumerate(decide(pooled, self.contract)):
            shown = evidence(encoded, pooled.attention[:, k], self.contract.evidence)
            calibration = self.contract.calibration[k]
            kept = () if decision.relevant is False else shown
            topics.append(TopicAnswer(self.contract.taxonomy.ids[k], decision, calibration.threshold, kept))
        return Answer(name, tuple(topics), len(encoded.windows), encoded.tokens, encoded.warnings, encoded.text, pooled)
