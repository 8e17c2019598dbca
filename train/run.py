"""The whole trip: articles to a sealed checkpoint and its report. ``python -m train run``."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from tokenizers import Tokenizer
from transformers import AutoTokenizer, set_seed
from transformers.utils import logging

from data.article import LabelledArticle
from data.corpus import fingerprint
from data.errors import ConfigError
from models.card import render_card, render_scores
from models.checkpoint import BUNDLED, Checkpoint, publish, seal
from models.classifier import Classifier
from models.contract import Calibration, Contract, Windows
from models.encoding import Encoder
from models.network import LabelAttention, build_network
from models.selftest import FILE as SELFTEST
from models.selftest import run_selftest, write_selftest
from models.weights import save_weights
from train.baselines import majority, tfidf
from train.batches import make_examples
from train.calibrate import calibrate
from train.config import ROOT, Config
from train.corpus import Corpus, load_corpus
from train.evaluate import evaluate, logits_of, score
from train.export import WEIGHTS, export_graph
from train.loop import fit
from train.parity import choose_precision
from train.scores import gold_of

_SELFTEST_ARTICLES = 5
LICENCE = "Apache-2.0 for the code; weights for research, see Limits"


def run(config: Config, out: Path | None = None) -> Checkpoint:
    """Train, calibrate, export, evaluate, seal; returns the checkpoint in its place.

    Args:
        out: the checkpoint's folder; default ``models/checkpoints/<name>``.
    """
    console, began = Console(), time.monotonic()
    out = out or BUNDLED / config.name
    corpus = load_corpus(config)
    for note in corpus.notes:
        console.print(f"note: {note}")
    console.print(
        f"{len(corpus.train)} articles to train on, {len(corpus.dev)} dev, {len(corpus.test)} test,"
        f" {len(corpus.held_out)} held out by id"
    )
    beside, state = out.with_name(out.name + ".part"), ROOT / "runs" / config.name / _key(config, corpus)
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    contract = Contract(
        corpus.taxonomy,
        Windows(config.encoder.window, config.encoder.overlap),
        tuple(Calibration() for _ in corpus.taxonomy.topics),
    )
    network = _prepare(config, contract, beside)
    contract = _fitting_window(contract, network)
    encoder = Encoder(Tokenizer.from_file(str(beside / "tokenizer.json")), contract)
    log = fit(network, make_examples(corpus.train, encoder, corpus.taxonomy), config, state)
    weights = {name: value.detach().float().cpu().numpy() for name, value in network.state_dict().items()}
    save_weights(beside / WEIGHTS, weights, int8=config.run.int8)
    (beside / "train_config.toml").write_text(config.to_toml(), encoding="utf-8")
    size = len(contract.taxonomy.topics), len(contract.taxonomy.stances)
    export_graph(beside, topics=size[0], stances=size[1])
    console.print(f"trained and exported after {time.monotonic() - began:.0f} s")

    manifest = {
        "name": config.name,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "base": Path(config.encoder.base).name if Path(config.encoder.base).is_absolute() else config.encoder.base,
        "parameters": sum(p.numel() for p in network.parameters()),
        "licence": LICENCE,
        "weights": "int8 with row scales" if config.run.int8 else "float16",
        "precision": "f32",
        "contract": contract.to_json(),
    }
    # Calibration and everything after it read the folder on disk, through the path that serves.
    development = [*corpus.dev, *corpus.held_out] or list(corpus.train)
    draft = Classifier.load(seal(beside, manifest))
    calibration = calibrate(logits_of(score(draft, development)), gold_of(development, corpus.taxonomy))
    contract = dataclasses.replace(contract, calibration=calibration)
    manifest["contract"] = contract.to_json()
    parity = choose_precision(seal(beside, manifest), [item.article for item in development])
    manifest["precision"] = parity["precision"]
    classifier = Classifier.load(seal(beside, manifest))
    metrics = _measure(classifier, corpus) | {"parity": parity, "loss": [e["loss"] for e in log if "loss" in e]}
    write_selftest(beside / SELFTEST, Classifier.load(beside, precision="f32"), _selftest_articles(corpus))
    (beside / "metrics.json").write_text(json.dumps(metrics, ensure_ascii=False, indent=1), encoding="utf-8")
    (beside / "README.md").write_text(render_card(manifest, metrics), encoding="utf-8")
    seal(beside, manifest)
    publish(beside, out)
    run_selftest(out, Classifier.load(out))
    shutil.rmtree(state, ignore_errors=True)  # the interrupted-run state; the checkpoint is whole
    print(render_scores(metrics))  # not through rich: it would fold the table
    console.print(f"{out}: ready after {time.monotonic() - began:.0f} s")
    return Checkpoint.open(out)


def _prepare(config: Config, contract: Contract, folder: Path) -> LabelAttention:
    """The network with fresh heads; its configuration and tokenizer written to ``folder``."""
    base = _base(config.encoder.base)
    set_seed(config.seed)
    logging.set_verbosity_error()  # a base's own head is left out on purpose: no report of unused weights
    try:
        network = build_network(
            base,
            topics=len(contract.taxonomy.topics),
            stances=len(contract.taxonomy.stances),
            dropout=config.optimizer.dropout,
        )
        tokenizer = load_tokenizer(base)
    except (OSError, ValueError) as error:
        raise ConfigError("no_encoder", f"not an encoder that can be loaded: {error}", where=base) from error
    network.encoder.config.save_pretrained(folder)  # type: ignore[union-attr,operator]  # a transformers model
    tokenizer.save(str(folder / "tokenizer.json"))
    return network


def load_tokenizer(base: str) -> Tokenizer:
    """The fast tokenizer of a hub id or folder; for encoders that are not ours, our normaliser runs first."""
    from tokenizers import normalizers

    from train.tokenizer import arabic_marks

    file = Path(base) / "tokenizer.json"
    if file.is_file():
        tokenizer = Tokenizer.from_file(str(file))
    else:
        tokenizer = AutoTokenizer.from_pretrained(base).backend_tokenizer
    if '"\\u0640' not in tokenizer.to_str() and "\u0640" not in tokenizer.to_str():
        # tatweel, harakat and direction marks go; letters stay as the encoder learnt them
        own = [tokenizer.normalizer] if tokenizer.normalizer else []
        tokenizer.normalizer = normalizers.Sequence([arabic_marks(), *own])
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _base(name: str) -> str:
    return name if Path(name).exists() else str(ROOT / name) if (ROOT / name).exists() else name


def _fitting_window(contract: Contract, network: LabelAttention) -> Contract:
    """No longer than the encoder has positions for."""
    positions = int(getattr(network.encoder.config, "max_position_embeddings", 512))
    if getattr(network.encoder.config, "model_type", "") in ("roberta", "xlm-roberta", "camembert"):
        positions -= 2  # their positions start behind the padding index
    length = min(contract.windows.length, positions)
    overlap = min(contract.windows.overlap, length // 8)
    return dataclasses.replace(contract, windows=Windows(length, overlap))


def _measure(classifier: Classifier, corpus: Corpus) -> dict[str, Any]:
    baseline, gold = tfidf(corpus.train, corpus.taxonomy), gold_of(corpus.train, corpus.taxonomy)
    bodies: dict[str, Sequence[LabelledArticle]] = {
        "test": corpus.test,
        "dev": corpus.dev,
        "held_out": corpus.held_out,
    }
    return {
        "train_articles": len(corpus.train),
        "fingerprints": {name: fingerprint(body) for name, body in bodies.items() if body},
        "scores": {
            name: {
                "wijha": evaluate(classifier, body),
                "TF-IDF + logistic regression": baseline.evaluate(body),
                "majority": majority(gold, body, corpus.taxonomy),
            }
            for name, body in bodies.items()
            if body
        },
    }


def _selftest_articles(corpus: Corpus) -> list[Any]:
    """The first few of what the project itself may carry: never an article held out by id."""
    body = [*corpus.dev, *corpus.test, *corpus.train]
    return [item.article for item in body[:_SELFTEST_ARTICLES]]


def _key(config: Config, corpus: Corpus) -> str:
    """Names the state of an interrupted run: it is gone on with only under the same settings and data."""
    import hashlib

    return hashlib.sha256((config.to_toml() + fingerprint(corpus.train)).encode()).hexdigest()[:16]
