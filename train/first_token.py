"""The usual classifier as a baseline: the same encoder, a linear head on its first token ([CLS]), no label attention.

Same articles, windows, loop and calibration as ours. An article in several windows gets the mean of their logits. It
shows no evidence, so there is no evidence loss. It is measured in torch, not through a checkpoint: it is never served.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from data.article import LabelledArticle
from models.contract import Calibration, Contract, Windows
from models.decision import relevance_probability, softmax
from models.encoding import Encoder
from models.network import LabelAttention
from train.base import fitting_windows, prepare
from train.batches import Example, collate, make_examples
from train.calibrate import calibrate
from train.config import Config
from train.corpus import Corpus
from train.masking import mask_token
from train.metrics import measure
from train.scores import Scores, gold_of, units_of
from train.trainings import fit_mean

NAME = "the same encoder, head on [CLS]"


class FirstToken(LabelAttention):
    """Pools an article as the mean, over its windows, of the values at the first token."""

    def pool(
        self, heads: torch.Tensor, counted: torch.Tensor, owner: torch.Tensor, articles: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As ``LabelAttention.pool``; the attention is zero everywhere, for there is none."""
        first = heads[:, 0, :, 1:].float()
        total = torch.zeros(articles, *first.shape[1:], device=first.device).index_add(0, owner, first)
        rows = torch.bincount(owner, minlength=articles)
        return total / rows[:, None, None], torch.zeros(int(counted.sum()), self.topics, device=first.device)


def measure_first_token(config: Config, corpus: Corpus, state: Path) -> dict[str, dict[str, Any]]:
    """Train and calibrate; returns the figures of ``train.metrics`` for each body of articles.

    Args:
        state: folder of an interrupted run, gone on with where there is one.
    """
    config = dataclasses.replace(config, loss=dataclasses.replace(config.loss, evidence=0.0))
    taxonomy = corpus.taxonomy
    contract = Contract(
        taxonomy,
        Windows(config.encoder.window, config.encoder.overlap),
        tuple(Calibration() for _ in taxonomy.topics),
    )
    with tempfile.TemporaryDirectory() as scratch:
        ours = prepare(config, contract, Path(scratch))
        contract = fitting_windows(contract, ours)
        tokenizer = Tokenizer.from_file(str(Path(scratch) / "tokenizer.json"))
        encoder = Encoder(tokenizer, contract)
    network = FirstToken(
        ours.encoder,
        hidden=ours.heads.in_features,
        topics=ours.topics,
        stances=ours.stances,
        dropout=config.optimizer.dropout,
    )
    fit_mean(network, make_examples(corpus.seen, encoder, taxonomy), config, state, mask_id=mask_token(tokenizer))
    development = [*corpus.dev, *corpus.held_out]
    logits = _logits(network, make_examples(development, encoder, taxonomy))
    calibration = calibrate(logits, gold_of(development, taxonomy)) if development else contract.calibration
    bodies = {"test": corpus.test, "dev": corpus.dev, "held_out": corpus.held_out}
    found = {
        name: _figures(_logits(network, make_examples(body, encoder, taxonomy)), calibration, body, corpus)
        for name, body in bodies.items()
        if body
    }
    shutil.rmtree(state, ignore_errors=True)  # only now: the figures are what is kept
    return found


def _logits(network: FirstToken, examples: Sequence[Example]) -> Scores:
    network.eval()
    device = next(network.parameters()).device
    found = [np.zeros((0, network.topics, 1 + network.stances))]
    with torch.inference_mode():
        for first in range(0, len(examples), 8):
            batch = {name: value.to(device) for name, value in collate(examples[first : first + 8]).items()}
            heads = network(batch["input_ids"], batch["attention_mask"])
            logits, _ = network.pool(heads, batch["counted"], batch["owner"], len(batch["relevance"]))
            found.append(logits.double().cpu().numpy())
    whole = np.concatenate(found)
    return Scores(whole[..., 0], whole[..., 1:])


def _figures(
    logits: Scores, calibration: Sequence[Calibration], articles: Sequence[LabelledArticle], corpus: Corpus
) -> dict[str, Any]:
    columns = [relevance_probability(logits.relevance[:, k], c) for k, c in enumerate(calibration)]
    relevance = np.stack(columns, axis=1)
    stance = logits.stance
    if corpus.taxonomy.stances:
        stance = softmax(stance / np.array([c.stance_temperature for c in calibration])[:, None])
    predicted = relevance >= np.array([c.threshold for c in calibration])
    gold = gold_of(articles, corpus.taxonomy)
    return measure(Scores(relevance, stance), predicted, gold, corpus.taxonomy, units=units_of(articles))
