"""Several trainings that differ in one thing: ablations, and the learning curve over data size.

Every run is a checkpoint in its own folder and a row beside it; a row that is there is not made again, so that a sweep
that was broken off goes on. All are measured on the same articles: those that the configuration without changes names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data.corpus import fingerprint
from data.errors import ConfigError
from models.classifier import Classifier
from train.base import base_digest
from train.baselines import measure_baselines
from train.config import ROOT, Config, read_config, toml_file
from train.corpus import Corpus, beside, load_corpus
from train.evaluate import evaluate
from train.first_token import NAME as FIRST_TOKEN
from train.first_token import measure_first_token
from train.results import kept
from train.run import run

ABLATIONS = Path(__file__).parent / "configs" / "ablations"
WHOLE = "whole"
SHARES = {"eighth": 0.125, "quarter": 0.25, "half": 0.5, WHOLE: 1.0}
Overlay = Mapping[str, Mapping[str, Any]]


def ablations(names: Sequence[str] = ()) -> dict[str, Overlay]:
    """The overlays of ``configs/ablations`` by name, or those named, after the training as it is.

    Raises:
        ConfigError: ``no_ablation`` for a name that is none.
    """
    found: dict[str, Overlay] = {path.stem: toml_file(path) for path in sorted(ABLATIONS.glob("*.toml"))}
    for name in names:
        if name not in found:
            raise ConfigError("no_ablation", f"known: {', '.join(found)}", where=name)
    return {WHOLE: {}, **{name: overlay for name, overlay in found.items() if not names or name in names}}


def data_sizes() -> dict[str, Overlay]:
    """The overlays of the learning curve: nested parts of the training articles, by whole events."""
    return {name: {"data": {"share": share}} for name, share in SHARES.items()}


def sweep(
    overlays: Mapping[str, Overlay],
    folder: Path,
    *,
    config: Path | None = None,
    data: Sequence[str] = (),
    first_token: bool = False,
    said: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train and measure each; returns and writes ``results.json`` (and ``results.md``) in ``folder``.

    Args:
        config, data: as for ``python -m train run``.
        first_token: train the baseline of ``train.first_token`` as well.

    Returns:
        ``rows``: name, train_articles, scores by body of articles; ``baselines``: figures by body and model.
    """
    whole = _config(f"sweep-{WHOLE}", {}, config, data)
    measured = load_corpus(whole)
    folder.mkdir(parents=True, exist_ok=True)
    rows, seen = [], set[str]()
    for name, overlay in overlays.items():
        settings = _config(f"sweep-{name}", overlay, config, data)
        corpus = beside(load_corpus(settings), measured)
        key = _key(settings, corpus, measured)
        if key in seen:
            said(f"{name}: nothing differs here, left out")
            continue
        seen.add(key)
        made = _train(settings, corpus, measured, folder / name)
        rows.append({"name": name, **kept(folder / f"{name}.json", key, made, said)})
    key = _key(whole, measured, measured)
    baselines = kept(folder / "baselines.json", key, lambda: measure_baselines(measured), said)
    if first_token:
        state = ROOT / "runs" / "sweep-first-token" / key
        models = kept(folder / "first_token.json", key, lambda: measure_first_token(whole, measured, state), said)
        baselines = {body: {FIRST_TOKEN: models[body], **found} for body, found in baselines.items()}
    results = {"rows": rows, "baselines": baselines}
    (folder / "results.json").write_text(json.dumps(results, ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "results.md").write_text(table(results), encoding="utf-8")
    return results


def table(results: Mapping[str, Any]) -> str:
    """The figures as Markdown, body by body."""
    lines = [
        "| articles | model | trained on | topic macro-F1 | stance macro-F1, given relevance | stance end to end |"
        " first evidence sentence is a marked one |",
        "|---|---|---|---|---|---|---|",
    ]
    for body in results["baselines"]:
        for row in results["rows"]:
            lines.append(_line(body, row["name"], str(row["train_articles"]), row["scores"][body]))
        lines += [_line(body, model, "", found) for model, found in results["baselines"][body].items()]
    return "\n".join(lines) + "\n"


def _line(body: str, model: str, trained: str, s: Mapping[str, Any]) -> str:
    figures = [s.get(name) for name in ("topic_macro_f1", "stance_macro_f1", "stance_end_to_end")]
    figures.append((s.get("evidence") or {}).get("first"))
    cells = ["–" if f is None else f"{f['value']:.3f} [{f['low']:.3f}, {f['high']:.3f}]" for f in figures]
    return f"| {body} ({s['articles']}) | {model} | {trained} | {' | '.join(cells)} |"


def _config(name: str, overlay: Overlay, config: Path | None, data: Sequence[str]) -> Config:
    """The configuration with ``data``, then ``overlay`` over it."""
    changes: dict[str, Any] = {"name": name}
    if data:
        changes["data"] = {"extra": [*read_config(config).data.extra, *data]}
    for section, values in overlay.items():
        changes[section] = {**changes.get(section, {}), **values}
    return read_config(config, **changes)


def _key(config: Config, corpus: Corpus, measured: Corpus) -> str:
    """Names what a row depends on: settings but for the name, encoder, training articles, measuring articles."""
    settings = config.to_toml().split("\n", 1)[1]
    bodies = (corpus.train, measured.dev, measured.test, measured.held_out)
    parts = [
        settings,
        base_digest(config.encoder.base, pretrained=config.encoder.pretrained),
        *map(fingerprint, bodies),
    ]
    digest = hashlib.sha256("\n".join(parts).encode())
    return digest.hexdigest()[:16]


def _train(config: Config, corpus: Corpus, measured: Corpus, out: Path) -> Callable[[], dict[str, Any]]:
    def made() -> dict[str, Any]:
        classifier = Classifier.load(run(config, out, baselines=False, corpus=corpus))
        bodies = {"test": measured.test, "dev": measured.dev, "held_out": measured.held_out}
        scores = {name: evaluate(classifier, body) for name, body in bodies.items() if body}
        return {"train_articles": len(corpus.train), "scores": scores}

    return made
