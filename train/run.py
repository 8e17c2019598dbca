"""The whole trip: articles to a sealed checkpoint and its report. ``python -m train run``."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from tokenizers import Tokenizer

from data.article import LabelledArticle
from data.corpus import fingerprint
from data.errors import ConfigError, DataError
from models.card import render_card, render_scores
from models.checkpoint import BUNDLED, MANIFEST, Checkpoint, publish, seal
from models.classifier import Classifier
from models.contract import Calibration, Contract, Windows
from models.encoding import Encoder
from models.network import LabelAttention
from models.selftest import FILE as SELFTEST
from models.selftest import run_selftest, write_selftest
from models.weights import save_weights
from train.base import base_digest, fitting_windows, prepare
from train.baselines import measure_baselines
from train.batches import make_examples
from train.calibrate import calibrate, calibrate_abstention
from train.config import ROOT, Config, read_config
from train.corpus import TRAINED_ON, Corpus, load_corpus, trained_on, without
from train.evaluate import evaluate, logits_of, score
from train.export import WEIGHTS, export_graph
from train.masking import mask_token
from train.parity import choose_precision
from train.scores import gold_of
from train.trainings import fit_mean

_OURS = (MANIFEST, TRAINED_ON)  # one of these lies in a checkpoint, and in one that is being made
_SELFTEST_ARTICLES = 5
_PARITY_ARTICLES = 600  # a share of 0.5 % is not seen in a hundred
LICENCE = "Apache-2.0 for the code; the weights: as the encoder's and the articles' terms allow, see Limits"


def run(config: Config, out: Path | None = None, *, baselines: bool = True, corpus: Corpus | None = None) -> Checkpoint:
    """Train, calibrate, export, evaluate, seal; returns the checkpoint in its place.

    Args:
        out: the checkpoint's folder; default ``models/checkpoints/<name>``.
        baselines: measure them beside it.
        corpus: the articles; default: those that the configuration names.

    Raises:
        ConfigError: ``not_a_checkpoint`` where ``out`` holds something else, which would be lost.
    """
    console, began = Console(), time.monotonic()
    out = (out or BUNDLED / config.name).resolve()
    check_free(out)
    corpus = corpus or load_corpus(config)
    for note in corpus.notes:
        console.print(f"note: {note}")
    console.print(
        f"{len(corpus.train)} articles to train on, {len(corpus.dev)} dev, {len(corpus.test)} test,"
        f" {len(corpus.held_out)} held out by id"
    )
    beside = out.with_name(out.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    contract = Contract(
        corpus.taxonomy,
        Windows(config.encoder.window, config.encoder.overlap),
        tuple(Calibration() for _ in corpus.taxonomy.topics),
    )
    (beside / TRAINED_ON).write_text("".join(f"{i.article.id}\n" for i in corpus.train), encoding="utf-8")
    network = prepare(config, contract, beside)
    contract = fitting_windows(contract, network)
    tokenizer = Tokenizer.from_file(str(beside / "tokenizer.json"))
    examples = make_examples(corpus.seen, Encoder(tokenizer, contract), corpus.taxonomy)
    state = ROOT / "runs" / config.name / _key(config, corpus, contract, network, beside)
    log = fit_mean(network, examples, config, state, mask_id=mask_token(tokenizer))
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
        "base_digest": hashlib.sha256(base_digest(config.encoder.base).encode()).hexdigest()[:16],
        "parameters": sum(p.numel() for p in network.parameters()),
        "trainings": config.optimizer.trainings,
        "licence": LICENCE,
        "weights": "int8 with row scales" if config.run.int8 else "float16",
        "precision": "f32",
        "contract": contract.to_json(),
    }
    if not (corpus.dev or corpus.held_out):
        console.print("note: no dev articles, so probabilities are not calibrated and every threshold is 0.5")
    losses = [e["loss"] for e in log if "loss" in e]
    made = {"bundled": config.data.bundled, "loss": losses, "train_articles": len(corpus.train)}
    metrics = finish(beside, manifest, corpus, config, made, baselines=baselines)
    publish(beside, out)
    shutil.rmtree(state, ignore_errors=True)  # the interrupted-run state; the checkpoint is whole
    print(render_scores(metrics))  # not through rich: it would fold the table
    console.print(f"{out}: ready after {time.monotonic() - began:.0f} s")
    return Checkpoint.open(out)


def recalibrate(folder: Path, config: Config) -> Checkpoint:
    """Choose temperatures, thresholds, abstention and precision of a finished checkpoint anew, and measure it.

    Args:
        config: names the articles and the shares of right answers; the weights stay as they are.

    Raises:
        DataError: ``no_articles`` where there are no dev articles to choose them on.
    """
    folder = folder.resolve()
    opened, corpus = Checkpoint.open(folder), untrained(folder, config)
    if not (corpus.dev or corpus.held_out):
        raise DataError("no_articles", "no dev articles to calibrate on", where=str(folder))
    beside = folder.with_name(folder.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(folder, beside)
    manifest = {key: value for key, value in opened.manifest.items() if key not in ("format", "files")}
    # how the weights were made stays as it was: only what is chosen anew is written
    kept = dataclasses.replace(read_config(folder / "train_config.toml"), abstention=config.abstention)
    (beside / "train_config.toml").write_text(kept.to_toml(), encoding="utf-8")
    before = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    metrics = finish(beside, manifest, corpus, config, before, baselines=same_articles(folder, corpus, before))
    publish(beside, folder)
    print(render_scores(metrics))
    return Checkpoint.open(folder)


def finish(
    folder: Path,
    manifest: dict[str, Any],
    corpus: Corpus,
    config: Config,
    made: dict[str, Any],
    *,
    baselines: bool = True,
) -> dict[str, Any]:
    """Calibrate, choose the precision, write self-test, metrics and card; through the folder, as it will be served."""
    draft = Classifier.load(seal(folder, manifest), precision="f32")  # whatever a finished one was sealed with
    development = [*corpus.dev, *corpus.held_out]
    if development:
        manifest["contract"] = _calibrated(draft, development, config).to_json()
    # no label is looked at here, so articles to train on serve as well as others
    articles = [i.article for i in [*development, *corpus.train][:_PARITY_ARTICLES]]
    parity = choose_precision(seal(folder, manifest), articles, int8=config.run.int8)
    manifest["precision"] = parity["precision"]
    classifier = Classifier.load(seal(folder, manifest))
    write_selftest(folder / SELFTEST, Classifier.load(folder, precision="f32"), _selftest_articles(corpus))
    measured = _measure(classifier, corpus, made, baselines=baselines)
    metrics = _report(folder, manifest, made | {"parity": parity} | measured)
    run_selftest(folder, Classifier.load(folder))
    return metrics


def _calibrated(draft: Classifier, development: Sequence[LabelledArticle], config: Config) -> Contract:
    """The contract of ``draft`` with temperatures, thresholds and abstention by ``development``."""
    logits, gold = logits_of(score(draft, development)), gold_of(development, draft.contract.taxonomy)
    calibration = calibrate(logits, gold)
    abstention = calibrate_abstention(
        logits, gold, calibration, relevance=config.abstention.relevance, stance=config.abstention.stance
    )
    return dataclasses.replace(draft.contract, calibration=calibration, abstention=abstention)


def remeasure(folder: Path, config: Config) -> Checkpoint:
    """Measure a finished checkpoint again and rewrite its report; nothing that can change a score is touched.

    Args:
        config: names the articles; usually the checkpoint's own ``train_config.toml``.
    """
    opened, corpus = Checkpoint.open(folder), untrained(folder, config)
    manifest = {key: value for key, value in opened.manifest.items() if key not in ("format", "files")}
    before = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    again = same_articles(folder, corpus, before)
    metrics = _report(folder, manifest, before | _measure(Classifier.load(opened), corpus, before, baselines=again))
    print(render_scores(metrics))
    return Checkpoint.open(folder)


def _report(folder: Path, manifest: Mapping[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    """``metrics.json`` and the model card, under a new seal; returns ``metrics``."""
    text = json.dumps(metrics, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "metrics.json").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(render_card(manifest, metrics), encoding="utf-8")
    seal(folder, manifest)
    return metrics


def _measure(classifier: Classifier, corpus: Corpus, before: Mapping[str, Any], *, baselines: bool) -> dict[str, Any]:
    """Figures and fingerprints; where no baselines are to be measured, those ``before`` had on the same articles."""
    bodies = {"test": corpus.test, "dev": corpus.dev, "held_out": corpus.held_out}
    bodies = {name: body for name, body in bodies.items() if body}
    fingerprints = {name: fingerprint(body) for name, body in bodies.items()}
    old = before.get("fingerprints", {})
    beside: Mapping[str, Mapping[str, Any]] = (
        measure_baselines(corpus)
        if baselines
        else {name: before["scores"][name] for name in bodies if old.get(name) == fingerprints[name]}
    )
    scores = {
        name: {"wijha": evaluate(classifier, body)} | _others(beside.get(name, {})) for name, body in bodies.items()
    }
    trained = before.get("train_articles", len(corpus.train))
    return {"train_articles": trained, "fingerprints": fingerprints, "scores": scores}


def _others(rows: Mapping[str, Any]) -> dict[str, Any]:
    return {model: row for model, row in rows.items() if model != "wijha"}


def untrained(folder: Path, config: Config) -> Corpus:
    """The articles of ``config`` without any, in dev, test and what is held out, that the checkpoint learnt from."""
    corpus = without(load_corpus(config, to_train=False), trained_on(folder))
    for note in corpus.notes:
        Console().print(f"note: {note}")
    return corpus


def same_articles(folder: Path, corpus: Corpus, before: Mapping[str, Any]) -> bool:
    """Whether the articles to train on are those the checkpoint learnt from: baselines are fitted on no others."""
    ids, known = {item.article.id for item in corpus.train}, trained_on(folder)
    return ids == known if known else len(ids) == before.get("train_articles")


def check_free(out: Path) -> None:
    """Refuse a place where something else than a checkpoint lies, beside it too.

    Raises:
        ConfigError: ``not_a_checkpoint``.
    """
    for folder in (out, out.with_name(out.name + ".old"), out.with_name(out.name + ".part")):
        if folder.is_dir() and any(folder.iterdir()) and not any((folder / name).is_file() for name in _OURS):
            raise ConfigError("not_a_checkpoint", "something else lies there and would be lost", where=str(folder))


def _selftest_articles(corpus: Corpus) -> list[Any]:
    """The first few of what the project itself may carry: never an article held out by id."""
    body = [*corpus.dev, *corpus.test, *corpus.train]
    return [item.article for item in body[:_SELFTEST_ARTICLES]]


def _key(config: Config, corpus: Corpus, contract: Contract, network: LabelAttention, folder: Path) -> str:
    """Names the state of an interrupted run: it is gone on with only from the same settings, data, base and labels."""
    digest = hashlib.sha256((config.to_toml() + fingerprint(corpus.train)).encode())
    digest.update(json.dumps(contract.to_json()).encode())
    digest.update((folder / "tokenizer.json").read_bytes())
    for value in network.state_dict().values():
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()[:16]
