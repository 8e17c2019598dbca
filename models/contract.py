"""All that can change a score, in one frozen object that travels inside the checkpoint.

How a model was learnt lives in the training configuration; speed, limits and addresses in the server's settings.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from data.errors import CheckpointError
from data.taxonomy import Taxonomy, Topic


@dataclass(frozen=True)
class Windows:
    """How a long article is cut into windows.

    Attributes:
        length: tokens a window, its two special tokens included.
        overlap: tokens that neighbours share, so that each token sees text on both sides. A shared token is
            counted once, in the window where it stands further from the edge.
    """

    length: int = 256
    overlap: int = 32


@dataclass(frozen=True)
class Calibration:
    """Logits to decisions for one topic.

    Attributes:
        relevance_temperature: the relevance logit is divided by it before the sigmoid.
        stance_temperature: likewise for the stance logits before the softmax.
        threshold: relevant at this probability or above.
        relevance_bias: added to the relevance logit after the division; it undoes what is relevant more often, or less,
            among the articles trained on than in the news (Platt 1999).
    """

    relevance_temperature: float = 1.0
    stance_temperature: float = 1.0
    threshold: float = 0.5
    relevance_bias: float = 0.0


@dataclass(frozen=True)
class Abstention:
    """How sure an answer must be to be given (selective classification, Geifman & El-Yaniv 2017).

    Attributes:
        relevance: least calibrated probability that "relevant" (or "not relevant") is right; 0 answers always.
        stance: least calibrated probability of the likeliest stance; 0 answers always.
    """

    relevance: float = 0.0
    stance: float = 0.0


@dataclass(frozen=True)
class EvidenceRule:
    """Which sentences are shown.

    Attributes:
        most: at the most so many a topic.
        least_share: only sentences with at least this share, but always the first.
    """

    most: int = 4
    least_share: float = 0.08


@dataclass(frozen=True)
class Contract:
    """What a checkpoint promises; see the parts.

    Attributes:
        calibration: one for each topic of ``taxonomy``, in its order.
        abstention: below which confidence no answer is given; a checkpoint that doesn't say always answers.
        least_arabic: below this share of Arabic letters the answer carries the warning ``not_arabic``.
        least_words: a text with fewer words is answered with the warning ``very_short``.
    """

    taxonomy: Taxonomy
    windows: Windows
    calibration: tuple[Calibration, ...]
    evidence: EvidenceRule = EvidenceRule()
    abstention: Abstention = Abstention()
    least_arabic: float = 0.5
    least_words: int = 15

    def to_json(self) -> dict[str, Any]:
        """As plain values, for ``checkpoint.json``."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Any) -> Contract:
        """The inverse of ``to_json``.

        Raises:
            CheckpointError: ``bad_contract`` where a part is missing, unknown, of the wrong length or impossible.
        """
        try:
            taxonomy = Taxonomy(
                tuple(Topic(**t) for t in values["taxonomy"]["topics"]), tuple(values["taxonomy"]["stances"])
            )
            contract = cls(
                taxonomy=taxonomy,
                windows=Windows(**values["windows"]),
                calibration=tuple(Calibration(**c) for c in values["calibration"]),
                evidence=EvidenceRule(**values["evidence"]),
                abstention=Abstention(**values.get("abstention", {})),
                least_arabic=float(values["least_arabic"]),
                least_words=int(values["least_words"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError("bad_contract", f"not a contract of this format: {error}") from error
        if len(contract.calibration) != len(taxonomy.topics):
            raise CheckpointError("bad_contract", "one calibration for each topic is wanted")
        windows = contract.windows
        if not (isinstance(windows.length, int) and isinstance(windows.overlap, int)):
            raise CheckpointError("bad_contract", "windows are whole numbers of tokens")
        if not 0 <= windows.overlap < windows.length - 2:
            raise CheckpointError("bad_contract", f"windows of {windows.length} can't overlap by {windows.overlap}")
        return contract
