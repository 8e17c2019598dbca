"""The report of a checkpoint, measured through the path that serves, on one page. ``python -m train report``.

Baselines are those of the checkpoint's ``metrics.json``: they were fitted on the articles it was trained on, which
need not be here. They are shown for a body of articles only where its fingerprint is the one they were measured on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.article import LabelledArticle
from data.corpus import fingerprint
from data.errors import DataError
from models.checkpoint import Checkpoint
from models.classifier import Answer, Classifier
from models.contract import Contract
from train.config import Config, read_config
from train.corpus import Corpus, load_corpus, locate, trained_on, without
from train.evaluate import figures_of, predicted_of, probabilities_of, score
from train.metrics import confusion, interval, precision_recall_f1, reliability, resample
from train.report_page import render
from train.results import read_sweep
from train.scores import gold_of, units_of
from train.selective import judge, risk_coverage, selective
from train.slices import slices
from train.worst import worst


def report(
    folder: Path, out: Path, *, data: Sequence[str] = (), curve: Path | None = None, ablations: Path | None = None
) -> dict[str, Any]:
    """Measure the checkpoint of ``folder``, write the page to ``out``; returns the findings.

    Args:
        data: further files of labelled articles; those of the checkpoint's configuration are read where they are here.
        curve, ablations: what ``python -m train curve`` and ``ablate`` wrote.

    Raises:
        DataError: ``no_articles`` where there is nothing to measure on; ``bad_results`` for a file of results that is
            none.
    """
    checkpoint = Checkpoint.open(folder)
    corpus, missing = measured_corpus(folder, data)
    found = findings(checkpoint, corpus) | {"missing": missing}
    for name, path in (("curve", curve), ("ablations", ablations)):
        if path is not None:
            found[name] = read_sweep(path)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(render(found), encoding="utf-8")
    return found


def measured_corpus(folder: Path, data: Sequence[str] = ()) -> tuple[Corpus, list[str]]:
    """The articles that the checkpoint's own configuration names, with ``data``; and the files that are not here."""
    config = _config(folder)
    missing = [name for name in config.data.extra if not locate(name).exists()] if not data else []
    extra = list(data) or [name for name in config.data.extra if name not in missing]
    corpus = load_corpus(_config(folder, data={"extra": extra}), to_train=False)
    return without(corpus, trained_on(folder)), missing


def _config(folder: Path, **changes: Mapping[str, Any]) -> Config:
    path = folder / "train_config.toml"
    return read_config(path if path.is_file() else None, **changes)


def findings(checkpoint: Checkpoint, corpus: Corpus) -> dict[str, Any]:
    """Everything the page shows, as plain values.

    Raises:
        DataError: ``no_articles``.
    """
    bodies = {"test": corpus.test, "dev": corpus.dev, "held_out": corpus.held_out}
    bodies = {name: body for name, body in bodies.items() if body}
    if not bodies:
        raise DataError("no_articles", "no labelled article to measure on", where=str(checkpoint.folder))
    classifier = Classifier.load(checkpoint)
    before = _metrics(checkpoint)
    return {
        "checkpoint": {
            "name": checkpoint.name,
            "digest": checkpoint.digest,
            **{key: checkpoint.manifest.get(key) for key in ("made", "base", "parameters", "weights", "precision")},
            "train_articles": before.get("train_articles"),
        },
        "topics": [{"id": t.id, "ar": t.ar, "en": t.en} for t in checkpoint.contract.taxonomy.topics],
        "stances": list(checkpoint.contract.taxonomy.stances),
        "abstention": {
            "relevance": checkpoint.contract.abstention.relevance,
            "stance": checkpoint.contract.abstention.stance,
        },
        "bodies": {name: _body(name, body, classifier, before) for name, body in bodies.items()},
    }


def _metrics(checkpoint: Checkpoint) -> dict[str, Any]:
    path = checkpoint.folder / "metrics.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def _body(
    name: str, articles: Sequence[LabelledArticle], classifier: Classifier, before: Mapping[str, Any]
) -> dict[str, Any]:
    contract, answers = classifier.contract, score(classifier, articles)
    digest = fingerprint(articles)
    same = before.get("fingerprints", {}).get(name) == digest
    rows = before["scores"][name] if same else {}
    baselines = {model: row for model, row in rows.items() if model != "wijha"}
    return {
        "fingerprint": digest,
        "measured_before": same,
        "figures": figures_of(answers, articles, contract.taxonomy),
        "baselines": baselines,
        **_details(answers, articles, contract),
    }


def _details(answers: Sequence[Answer], articles: Sequence[LabelledArticle], contract: Contract) -> dict[str, Any]:
    taxonomy = contract.taxonomy
    gold, units, classes = gold_of(articles, taxonomy), units_of(articles), len(taxonomy.stances)
    predicted, probabilities = predicted_of(answers), probabilities_of(answers)
    guessed = probabilities.stance.argmax(axis=-1) if classes else np.zeros_like(gold.stance)
    samples = resample(units, 0)
    judged = judge(answers, gold, units, contract)
    tables = {"all topics": confusion(guessed, gold.stance, classes).tolist()} if classes else {}
    topics = {}
    for k, topic in enumerate(taxonomy.ids):
        if classes:
            tables[topic] = confusion(guessed[:, k], gold.stance[:, k], classes).tolist()
        topics[topic] = {
            figure: interval(
                lambda i, k=k, place=place: precision_recall_f1(predicted[i, k], gold.relevance[i, k])[place],  # type: ignore[misc]  # defaults bind the loops' variables
                samples,
                len(articles),
            )
            for place, figure in enumerate(("precision", "recall", "f1"))
        }
    return {
        "topics": topics,
        "selective": {question: selective(j) for question, j in judged.items()},
        "curves": {question: risk_coverage(j) for question, j in judged.items()},
        "confusion": tables,
        "reliability": reliability(probabilities.relevance, gold.relevance),
        "slices": slices(articles, predicted, guessed, gold, units),
        "worst": worst(answers, articles, taxonomy.stances),
    }
