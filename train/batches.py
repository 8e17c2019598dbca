"""Labelled articles as tensors: whole articles, in as many windows as they have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Sampler

from data.article import LabelledArticle, Span
from data.errors import ArticleError
from data.taxonomy import Taxonomy
from models.encoding import TEXT, Encoded, Encoder

UNKNOWN = -100  # a label nobody gave: masked
_POOL = 50  # batches that are drawn together and sorted by length: enough to fill rows well, few enough to mix


@dataclass(frozen=True)
class Example:
    """One article for training.

    Attributes:
        relevance: int64 (K,), 0, 1 or ``UNKNOWN``.
        stance: int64 (K,), index in the taxonomy's stances or ``UNKNOWN``.
        marked: bool (N, K), tokens of marked sentences.
        body: bool (N,), tokens of the text (not the headline).
    """

    encoded: Encoded
    relevance: npt.NDArray[np.int64]
    stance: npt.NDArray[np.int64]
    marked: npt.NDArray[np.bool_]
    body: npt.NDArray[np.bool_]


def make_examples(articles: Sequence[LabelledArticle], encoder: Encoder, taxonomy: Taxonomy) -> list[Example]:
    """Examples of ``articles``, in order; an article without text is left out."""
    made = (make_example(item, encoder, taxonomy) for item in articles)
    return [example for example in made if example is not None]


def make_example(item: LabelledArticle, encoder: Encoder, taxonomy: Taxonomy) -> Example | None:
    """The example of ``item``, or ``None`` where there is nothing to read."""
    try:
        encoded = encoder.encode(item.article)
    except ArticleError:
        return None
    relevance = np.full(len(taxonomy.topics), UNKNOWN, dtype=np.int64)
    stance = relevance.copy()
    marked = np.zeros((encoded.tokens, len(taxonomy.topics)), dtype=np.bool_)
    for k, topic in enumerate(taxonomy.ids):
        label = item.labels.get(topic)
        if label is None:
            continue
        relevance[k] = int(label.relevant)
        if label.relevant and label.stance is not None:
            stance[k] = taxonomy.stances.index(label.stance)
        if label.relevant and label.evidence:
            # spans point into the text as given; where that was a web page they don't apply to what was read
            marked[:, k] = _tokens_of(label.evidence, encoded) if encoded.text == item.article.text else False
    fields = np.array([s.field == TEXT for s in encoded.sentences])
    return Example(encoded, relevance, stance, marked, fields[encoded.sentence_of])


def _tokens_of(spans: Sequence[Span], encoded: Encoded) -> npt.NDArray[np.bool_]:
    in_text = np.array([s.field == TEXT for s in encoded.sentences])[encoded.sentence_of]
    hit = np.zeros(encoded.tokens, dtype=np.bool_)
    for start, end in spans:
        hit |= in_text & (encoded.starts >= start) & (encoded.starts < end)
    return hit


def collate(examples: Sequence[Example]) -> dict[str, torch.Tensor]:
    """A batch of A articles in R rows of T tokens, with N counted tokens row by row.

    Returns:
        input_ids, attention_mask int64 (R, T); counted bool (R, T); owner int64 (R,); relevance, stance int64
        (A, K); marked bool (N, K); body bool (N,); sentence int64 (N,), numbered through the batch.
    """
    rows = [(a, window) for a, example in enumerate(examples) for window in example.encoded.windows]
    length = max(len(window.ids) for _, window in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.int64)
    mask, counted = torch.zeros_like(ids), torch.zeros(len(rows), length, dtype=torch.bool)
    for r, (_, window) in enumerate(rows):
        ids[r, : len(window.ids)] = torch.from_numpy(window.ids)
        mask[r, : len(window.ids)] = 1
        counted[r, torch.from_numpy(window.counted)] = True
    before = np.cumsum([0, *(len(e.encoded.sentences) for e in examples)])
    sentence = [e.encoded.sentence_of + first for e, first in zip(examples, before[:-1], strict=True)]
    return {
        "input_ids": ids,
        "attention_mask": mask,
        "counted": counted,
        "owner": torch.tensor([a for a, _ in rows]),
        "relevance": torch.from_numpy(np.stack([e.relevance for e in examples])),
        "stance": torch.from_numpy(np.stack([e.stance for e in examples])),
        "marked": torch.from_numpy(np.concatenate([e.marked for e in examples])),
        "body": torch.from_numpy(np.concatenate([e.body for e in examples])),
        "sentence": torch.from_numpy(np.concatenate(sentence)),
    }


class ByLength(Sampler[int]):
    """Places of the examples, so that a batch holds examples of like length; another order each pass.

    Args:
        lengths: of the examples, in tokens.
        batch: examples a batch.
        seed: of the orders; pass n of the same seed is the same whether a run was interrupted or not.
    """

    def __init__(self, lengths: Sequence[int], *, batch: int, seed: int) -> None:
        self._lengths = np.array(lengths)
        self._batch, self._seed, self._epoch = batch, seed, 0

    def __len__(self) -> int:
        return len(self._lengths)

    def set_epoch(self, epoch: int) -> None:
        """Say which pass comes next; the Trainer has accelerate's loader do it."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self._seed, self._epoch))
        order = rng.permutation(len(self))
        pools = (order[start : start + _POOL * self._batch] for start in range(0, len(self), _POOL * self._batch))
        order = np.concatenate([pool[np.argsort(-self._lengths[pool], kind="stable")] for pool in pools])
        batches = [order[start : start + self._batch] for start in range(0, len(self), self._batch)]
        last = batches.pop() if len(self) % self._batch else order[:0]  # a short batch stays the last one
        for b in rng.permutation(len(batches)):
            yield from batches[b].tolist()
        yield from last.tolist()
