"""``python -m train benchmark``: public sets, our network with several seeds, TF-IDF and a linear SVM beside it.

A set is written out as articles and a taxonomy, and trained on as a user's own data would be: ``train.run.run`` with
``configs/benchmark.toml``. The test is read once a seed, through the saved checkpoint; the number of epochs is chosen
on a tenth of train before. Every result is a file of its own, kept beside the page, and one that is there is not made
again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion
from sklearn.svm import LinearSVC

from data.article import LabelledArticle
from data.articles import write_articles
from data.corpus import fingerprint
from data.taxonomy import Taxonomy
from models.classifier import Classifier
from train.base import base_digest
from train.benchmark_sets import EVENTS, IRRELEVANT, SETS, figures_of_set, gold_of_set, read_set
from train.config import Config, read_config
from train.corpus import Corpus, load_corpus
from train.evaluate import predicted_of, probabilities_of, score
from train.results import kept, read_result
from train.run import run

CONFIG = Path(__file__).parent / "configs" / "benchmark.toml"
RANDOM = "random"
EPOCHS = (3.0, 6.0)  # what is chosen from
_COSTS = (0.1, 0.3, 1.0)  # of the linear model, chosen on the same texts
_BASE = "models/base"
_NONE = (False, "", "auto")  # values of a setting that is off
_OFF = {"trainings": (1,)}  # and of one that these are not
_KEYED = ("loss", "optimizer", "encoder", "run")  # the sections of settings that figures depend on


@dataclass(frozen=True)
class Plan:
    """What to do with a set.

    Attributes:
        seeds: numbers of the seeds; none for the linear model alone.
        base: a hub id, a folder, or ``random``: the bundled encoder's layout with random weights.
        epochs: what the number of epochs is chosen from; one is not chosen.
        folder: of the results, figures alone.
        work: folder of the sets as articles, and of the checkpoints.
        trainings: of each seed, whose mean is measured.
    """

    seeds: Sequence[int]
    base: str = _BASE
    epochs: Sequence[float] = EPOCHS
    folder: Path = Path("docs/benchmarks")
    work: Path = Path("runs/benchmarks")
    trainings: int = 1


def benchmark(source: Path, name: str, plan: Plan, said: Callable[[str], None] = print) -> None:
    """Make every result of ``plan`` on set ``name`` that is not there yet.

    Raises:
        DataError, ConfigError: as ``train.benchmark_sets.read_set`` and ``train.run.run``.
    """
    rows, home, work = read_set(source, name), plan.folder / name, plan.work / name
    home.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    write_articles(work / "articles.jsonl", rows.articles)
    (work / "taxonomy.toml").write_text(_taxonomy_file(rows.taxonomy), encoding="utf-8")
    corpus = load_corpus(_config(name, plan, seed=0, epochs=plan.epochs[0]))
    for note in corpus.notes:
        said(f"{name}: {note}")
    counts = {"train": len(corpus.train), "dev": len(corpus.dev), "test": len(corpus.test)}
    key = f"{fingerprint([*corpus.train, *corpus.dev, *corpus.test])} {SETS[name].figures}"
    kept(home / "tfidf.json", key, lambda: {**counts, "figures": linear(name, corpus)}, said)
    if not plan.seeds:
        return
    here = home / (_slug(plan.base) + (f"-mean-of-{plan.trainings}" if plan.trainings > 1 else ""))
    here.mkdir(exist_ok=True)
    epochs = plan.epochs[0]
    if len(plan.epochs) > 1:
        first = SETS[name].figures[0]
        tried = {e: _result(here / f"choice-{e:g}.json", name, plan, corpus, 0, e, said) for e in plan.epochs}
        on_dev = {e: round(result["dev"][first], 4) for e, result in tried.items()}
        epochs = max(plan.epochs, key=lambda e: on_dev[e])
        said(f"{name}: {epochs:g} epochs, by {first} on dev: {on_dev}")
    for path in here.glob("seed-*.json"):  # of other weights or settings: no part of the mean
        config = _config(name, plan, seed=int(path.stem.removeprefix("seed-")), epochs=epochs)
        if read_result(path)["key"] != result_key(name, config, corpus):
            path.unlink()
    for seed in plan.seeds:
        found = _result(here / f"seed-{seed}.json", name, plan, corpus, seed, epochs, said)
        said(f"{name}, {plan.base}, seed {seed}: {found['test']}")


def _result(
    path: Path,
    name: str,
    plan: Plan,
    corpus: Corpus,
    seed: int,
    epochs: float,
    said: Callable[[str], None],
) -> dict[str, Any]:
    config = _config(name, plan, seed=seed, epochs=epochs)

    def made() -> dict[str, Any]:
        checkpoint = plan.work / path.relative_to(plan.folder).with_suffix("")
        classifier = Classifier.load(run(config, checkpoint, baselines=False))
        found: dict[str, Any] = {
            "train": len(corpus.train),
            "n": len(corpus.test),
            "epochs": epochs,
            "base": _shown(plan.base),
            "trainings": plan.trainings,
        }
        bodies = {"dev": corpus.dev} if path.name.startswith("choice") else {"dev": corpus.dev, "test": corpus.test}
        return found | {body: measure_set(name, classifier, items) for body, items in bodies.items()}

    return kept(path, result_key(name, config, corpus), made, said)


def result_key(name: str, config: Config, corpus: Corpus) -> str:
    """Names all that a seed's figures depend on: settings, encoder, texts and labels, and the figures' definition.

    A setting that is off is not named, so that a new one, off, leaves the results as they are.
    """
    resolved = dataclasses.asdict(config)
    settings = {
        section: {key: value for key, value in resolved[section].items() if value not in _OFF.get(key, _NONE)}
        for section in _KEYED
    }
    parts = [
        json.dumps([SETS[name].figures, config.seed, settings]),
        base_digest(config.encoder.base, pretrained=config.encoder.pretrained),
        *(fingerprint(body) for body in (corpus.train, corpus.dev, corpus.test)),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def measure_set(name: str, classifier: Classifier, articles: Sequence[LabelledArticle]) -> dict[str, float]:
    """The set's figures through the path that serves.

    Of several topics that reach their thresholds the likeliest counts; none is "Irrelevant". Toward a target, the
    likeliest stance.
    """
    answers, taxonomy = score(classifier, articles), classifier.contract.taxonomy
    predicted, probabilities = predicted_of(answers), probabilities_of(answers)
    gold, targets = gold_of_set(articles, taxonomy)
    if taxonomy.stances:
        topics = [taxonomy.ids.index(target) for target in targets]
        chosen = probabilities.stance[np.arange(len(topics)), topics].argmax(axis=1)
        guessed = [taxonomy.stances[s] for s in chosen]
    else:
        best = np.where(predicted, probabilities.relevance, -1.0).argmax(axis=1)
        guessed = [EVENTS[k] if any(row) else IRRELEVANT for k, row in zip(best, predicted, strict=True)]
    return figures_of_set(name, guessed, gold, targets)


def linear(name: str, corpus: Corpus) -> dict[str, float]:
    """TF-IDF (words 1-2, characters 2-5) and a linear SVM, one a target; C chosen on dev, fitted on the same train."""
    taxonomy, (gold, targets) = corpus.taxonomy, gold_of_set(corpus.train, corpus.taxonomy)
    features = FeatureUnion(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)),
            ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True)),
        ]
    )
    x = features.fit_transform([item.article.text for item in corpus.train])
    labels, places = np.array(gold), np.array(targets)
    tried = []
    for cost in _COSTS:
        models = {target: _svm(x, labels, places == target, cost) for target in sorted(set(targets))}
        on_dev = _linear_figures(name, features, models, corpus.dev, taxonomy)
        tried.append((on_dev.get(SETS[name].figures[0], 0.0), models))
    _, best = max(tried, key=lambda pair: pair[0])
    return _linear_figures(name, features, best, corpus.test, taxonomy)


def _svm(x: Any, labels: npt.NDArray[np.str_], rows: npt.NDArray[np.bool_], cost: float) -> LinearSVC | str:
    """A model of the rows, or the one class there is."""
    classes = set(labels[rows].tolist())
    if len(classes) == 1:
        return str(classes.pop())
    model: LinearSVC = LinearSVC(C=cost, class_weight="balanced", random_state=0)
    model.fit(x[rows], labels[rows])
    return model


def _linear_figures(
    name: str, features: FeatureUnion, models: dict[str, Any], articles: Sequence[LabelledArticle], taxonomy: Taxonomy
) -> dict[str, float]:
    if not articles:
        return {}
    x, (gold, targets) = features.transform([i.article.text for i in articles]), gold_of_set(articles, taxonomy)
    guessed, places = np.full(len(gold), "", dtype=object), np.array(targets)
    for target in set(targets):
        rows, model = np.flatnonzero(places == target), models.get(target, "")
        guessed[rows] = model if isinstance(model, str) else model.predict(x[rows])
    return figures_of_set(name, guessed.tolist(), gold, targets)


def _config(name: str, plan: Plan, *, seed: int, epochs: float) -> Config:
    home = (plan.work / name).resolve()
    fresh = plan.base == RANDOM
    return read_config(
        CONFIG,
        name=f"benchmark-{name}-{_slug(plan.base)}-{seed}-{epochs:g}",
        seed=seed,
        data={
            "taxonomy": str(home / "taxonomy.toml"),
            "bundled": False,
            "extra": [str(home / "articles.jsonl")],
            "annotations": [],
            "held_out": [],
        },
        encoder={"base": _BASE if fresh else plan.base, "pretrained": not fresh},
        optimizer={"epochs": epochs, "trainings": plan.trainings},
    )


def _slug(base: str) -> str:
    """A folder's name; two folders of one name, as every pretraining's ``encoder`` is, are told apart by content."""
    mark = f"-{hashlib.sha256(base_digest(base).encode()).hexdigest()[:8]}" if Path(base).is_absolute() else ""
    return "".join(c if c.isalnum() else "-" for c in _shown(base)).strip("-") + mark


def _shown(base: str) -> str:
    """Without the folders of this machine."""
    return Path(base).name if Path(base).is_absolute() else base


def _taxonomy_file(taxonomy: Taxonomy) -> str:
    lines = [f"stances = {json.dumps(list(taxonomy.stances))}"]
    for topic in taxonomy.topics:
        names = (json.dumps(value, ensure_ascii=False) for value in (topic.id, topic.ar, topic.en))
        lines += ["", "[[topic]]", *(f"{key} = {name}" for key, name in zip(("id", "ar", "en"), names, strict=True))]
    return "\n".join(lines) + "\n"
