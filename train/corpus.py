"""The articles that a configuration names, by what they are for: training, calibration, measuring."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data import articles as files
from data.article import LabelledArticle
from data.corpus import near_duplicates, split
from data.errors import DataError
from data.taxonomy import BUNDLED, Taxonomy
from train.config import ROOT, Config


@dataclass(frozen=True)
class Corpus:
    """Articles in their places.

    Attributes:
        held_out: articles of other sources that are never trained on (the list of ids of ``data.held_out``).
        notes: what a person should know of how the files were read.
    """

    taxonomy: Taxonomy
    train: tuple[LabelledArticle, ...]
    dev: tuple[LabelledArticle, ...]
    test: tuple[LabelledArticle, ...]
    held_out: tuple[LabelledArticle, ...]
    notes: tuple[str, ...]


def load_corpus(config: Config) -> Corpus:
    """Read, split and check.

    Raises:
        DataError: whatever is wrong with a file; ``no_articles`` where none is left to train on;
            ``duplicate_id`` where two files use the same id.
    """
    taxonomy = Taxonomy.read(_path(config.data.taxonomy) if config.data.taxonomy else BUNDLED)
    paths = [files.FOLDER] if config.data.bundled else []
    paths += [_path(name) for name in config.data.extra]
    held = {line.strip() for name in config.data.held_out for line in _lines(_path(name))}
    places: dict[str, list[LabelledArticle]] = {"train": [], "dev": [], "test": [], "held_out": []}
    notes, seen = [], set[str]()
    for path in paths:
        for source in files.read_articles(path, taxonomy):
            if source.lists_relevant_only:
                notes.append(
                    f"{source.path.name}: labels list relevant topics only;"
                    " a topic that is not listed counts as not relevant"
                )
            rest = []
            labelled, unlabelled = _with_labels(source.articles, config, taxonomy)
            if unlabelled:
                notes.append(f"{source.path.name}: {unlabelled} articles without a label left out")
            for item in labelled:
                if item.article.id in seen:
                    raise DataError(
                        "duplicate_id", f"id {item.article.id!r} stands in two files", where=str(source.path)
                    )
                seen.add(item.article.id)
                if item.article.id in held:
                    places["held_out"].append(item)
                elif item.split:
                    if item.split not in places:
                        raise DataError(
                            "bad_split",
                            f"{item.split!r} is none of train, dev, test",
                            where=f"{source.path}: {item.article.id}",
                        )
                    places[item.split].append(item)
                else:
                    rest.append(item)
            for name, item in zip(_splits(rest, config, has_held=bool(places["held_out"])), rest, strict=True):
                places[name].append(item)
    dropped = _drop_copies(places)
    if dropped:
        notes.append(f"{dropped} training articles left out: near-duplicates of articles held for measuring")
    if not places["train"]:
        raise DataError("no_articles", "no labelled article to train on", where=", ".join(map(str, paths)))
    bodies = {name: tuple(items) for name, items in places.items()}
    return Corpus(taxonomy, bodies["train"], bodies["dev"], bodies["test"], bodies["held_out"], tuple(notes))


def _with_labels(
    articles: Sequence[LabelledArticle], config: Config, taxonomy: Taxonomy
) -> tuple[list[LabelledArticle], int]:
    """Those that are labelled, in their file or by pointer, and how many are not."""
    bare = {item.article.id: item.article for item in articles if not item.labels}
    pointed = {
        item.article.id: item
        for name in (config.data.annotations if bare else ())
        for source in files.read_articles(_path(name), taxonomy, known=bare, partial=True)
        for item in source.articles
    }
    found = [
        dataclasses.replace(item, labels=pointed[item.article.id].labels) if item.article.id in pointed else item
        for item in articles
        if item.labels or item.article.id in pointed
    ]
    return found, len(articles) - len(found)


def _splits(rest: Sequence[LabelledArticle], config: Config, *, has_held: bool) -> list[str]:
    """Files that fix no split: what is not held out by id trains; without such a list, the configured shares."""
    if not rest:
        return []
    if has_held:
        return ["train"] * len(rest)
    return split(rest, config.data.shares, seed=config.seed, by_outlet=config.data.by_outlet)


def _drop_copies(places: dict[str, list[LabelledArticle]]) -> int:
    """Take out of training what nearly repeats an article kept for measuring; returns how many."""
    measured = [item for name in ("dev", "test", "held_out") for item in places[name]]
    texts = [item.article.text for item in [*measured, *places["train"]]]
    copies = {b - len(measured) for a, b, _ in near_duplicates(texts) if a < len(measured) <= b}
    places["train"] = [item for i, item in enumerate(places["train"]) if i not in copies]
    return len(copies)


def _path(name: str) -> Path:
    """As given from the working directory, else from the project's root."""
    return Path(name) if Path(name).exists() or Path(name).is_absolute() else ROOT / name


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError("source_missing", "no such list of ids", where=str(path))
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
