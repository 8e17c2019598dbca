"""The articles that a configuration names, by what they are for: training, calibration, measuring."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import articles as files
from data.article import LabelledArticle
from data.clean import clean
from data.corpus import SPLITS, near_duplicates, split
from data.errors import DataError
from data.taxonomy import BUNDLED, Taxonomy
from train.config import ROOT, Config

TRAINED_ON = "trained_on.txt"  # of a checkpoint: ids, one a line


@dataclass(frozen=True)
class Corpus:
    """Articles in their places.

    Attributes:
        repeated: those of ``train`` that a pass reads more than once, as often as it does so beyond the first time.
        held_out: articles of other sources that are never trained on (the list of ids of ``data.held_out``).
        notes: what a person should know of how the files were read.
    """

    taxonomy: Taxonomy
    train: tuple[LabelledArticle, ...]
    repeated: tuple[LabelledArticle, ...]
    dev: tuple[LabelledArticle, ...]
    test: tuple[LabelledArticle, ...]
    held_out: tuple[LabelledArticle, ...]
    notes: tuple[str, ...]

    @property
    def seen(self) -> tuple[LabelledArticle, ...]:
        """What a pass over the training articles reads."""
        return self.train + self.repeated


def load_corpus(config: Config, *, to_train: bool = True) -> Corpus:
    """Read, split and check.

    Those that ``data.set_aside`` lists take no part: neither training nor calibration nor a choice sees them.
    Articles that fix no split are trained on where any article is held out by id, and split by the configured shares
    where none is. No article is trained on that nearly repeats one kept for measuring or tells of its event; nor does
    one like that stand in dev beside test and what is held out, nor there, for calibration reads it, beside test.

    Args:
        to_train: whether articles to train on have to be there.

    Raises:
        DataError: whatever is wrong with a file; ``no_articles`` where none is left to train on;
            ``duplicate_id`` where two files use the same id; ``bad_split``.
    """
    taxonomy = Taxonomy.read(locate(config.data.taxonomy) if config.data.taxonomy else BUNDLED)
    paths = [files.FOLDER] if config.data.bundled else []
    paths += [locate(name) for name in config.data.extra]
    held, aside = (
        {name for path in paths for name in read_ids(locate(path))}
        for paths in (config.data.held_out, config.data.set_aside)
    )
    labelled, notes = read_labelled(paths, [locate(name) for name in config.data.annotations], taxonomy)
    places: dict[str, list[LabelledArticle]] = {"train": [], "dev": [], "test": [], "held_out": [], "set_aside": []}
    rest = []
    for item in labelled:
        if item.article.id in aside:
            places["set_aside"].append(item)
        elif item.article.id in held:
            places["held_out"].append(item)
        elif not item.split:
            rest.append(item)
        elif item.split in SPLITS:
            places[item.split].append(item)
        else:
            raise DataError("bad_split", f"{item.split!r} is none of {', '.join(SPLITS)}", where=item.article.id)
    if places["held_out"]:
        places["train"] += rest
    else:
        rest.sort(key=lambda item: item.article.id)  # the same splits in whatever order the files are named
        names = split(rest, config.data.shares, seed=config.seed, by_outlet=config.data.by_outlet)
        for name, item in zip(names, rest, strict=True):
            places[name].append(item)
    notes += _keep_apart(places, "held_out", ("test", "set_aside"))
    notes += _keep_apart(places, "dev", ("test", "held_out", "set_aside"))
    notes += _keep_apart(places, "train", ("dev", "test", "held_out", "set_aside"))
    del places["set_aside"]  # for `evaluate` alone
    places["train"] = _part(places["train"], config.data.share, config.seed)
    if to_train and not places["train"]:
        raise DataError("no_articles", "no labelled article to train on", where=", ".join(map(str, paths)))
    own = {item.article.id for item in read_labelled(paths[:1], (), taxonomy)[0]} if config.data.bundled else set()
    again = [item for item in places["train"] if item.article.id in own] * (config.data.repeats - 1)
    bodies = {name: tuple(items) for name, items in places.items()}
    return Corpus(**bodies, taxonomy=taxonomy, repeated=tuple(again), notes=tuple(notes))


def read_labelled(
    paths: Iterable[Path], annotations: Sequence[Path], taxonomy: Taxonomy
) -> tuple[list[LabelledArticle], list[str]]:
    """The labelled articles of files and folders, in their order, and what a person should know of the reading.

    Args:
        annotations: files of labels by pointer, for articles that bring none.

    Raises:
        DataError: see ``data.articles.read_articles``; ``duplicate_id`` where two files use the same id.
    """
    found: dict[str, LabelledArticle] = {}
    notes = []
    for path in paths:
        for source in files.read_articles(path, taxonomy):
            name = source.path.name
            if source.lists_relevant_only:
                notes.append(
                    f"{name}: labels list relevant topics only; a topic that is not listed counts as not relevant"
                )
            labelled, unlabelled = _with_labels(source.articles, annotations, taxonomy)
            if unlabelled:
                notes.append(f"{name}: {unlabelled} articles without a label left out")
            # an encoder would refuse them, after hours of training
            readable = [item for item in labelled if any(map(str.isalnum, clean(item.article.text).text))]
            if len(readable) < len(labelled):
                notes.append(f"{name}: {len(labelled) - len(readable)} labelled articles without a word left out")
            for item in readable:
                if item.article.id in found:
                    raise DataError(
                        "duplicate_id", f"id {item.article.id!r} stands in two files", where=str(source.path)
                    )
                found[item.article.id] = item
    return list(found.values()), notes


def _with_labels(
    articles: Sequence[LabelledArticle], annotations: Sequence[Path], taxonomy: Taxonomy
) -> tuple[list[LabelledArticle], int]:
    """Those that are labelled, in their file or by pointer, and how many are not."""
    bare = {item.article.id: item.article for item in articles if not item.labels}
    pointed = {
        item.article.id: item
        for path in (annotations if bare else ())
        for source in files.read_articles(path, taxonomy, known=bare, partial=True)
        for item in source.articles
    }
    found = [
        dataclasses.replace(item, labels=pointed[item.article.id].labels) if item.article.id in pointed else item
        for item in articles
        if item.labels or item.article.id in pointed
    ]
    return found, len(articles) - len(found)


def _keep_apart(places: dict[str, list[LabelledArticle]], name: str, kept: Sequence[str]) -> list[str]:
    """Take out of ``name`` what nearly repeats an article of ``kept`` or tells of its event; returns notes."""
    measured = [item for other in kept for item in places[other]]
    events = {item.event for item in measured if item.event}
    texts = [item.article.text for item in [*measured, *places[name]]]
    copies = {b - len(measured) for a, b, _ in near_duplicates(texts) if a < len(measured) <= b}
    same = {i for i, item in enumerate(places[name]) if item.event in events} - copies
    places[name] = [item for i, item in enumerate(places[name]) if i not in copies | same]
    return [
        f"{len(found)} {name} articles left out: {reason} of {', '.join(kept)}"
        for found, reason in ((copies, "near-duplicates of articles"), (same, "of one event with articles"))
        if found
    ]


def _part(articles: Sequence[LabelledArticle], share: float, seed: int) -> list[LabelledArticle]:
    """``share`` of ``articles`` or little more, in their order, by whole events; a larger share holds the smaller."""
    if share == 1:
        return list(articles)
    events = [item.event or item.article.id for item in articles]
    drawn, kept = Counter(events), set[str]()
    for event in sorted(drawn, key=lambda event: hashlib.sha256(f"{seed} {event}".encode()).digest()):
        if sum(drawn[e] for e in kept) >= share * len(articles):
            break
        kept.add(event)
    return [item for item, event in zip(articles, events, strict=True) if event in kept]


def without(corpus: Corpus, trained_on: Set[str]) -> Corpus:
    """``corpus`` with nothing left to measure on of what ``trained_on``, ids, names; a note says how many went.

    Articles that fix no split are split as a whole: a file more or less, and one of train would be one of test.
    """
    bodies: dict[str, Any] = {}
    gone = 0
    for name in ("dev", "test", "held_out"):
        body: tuple[LabelledArticle, ...] = getattr(corpus, name)
        bodies[name] = tuple(item for item in body if item.article.id not in trained_on)
        gone += len(body) - len(bodies[name])
    note = (f"{gone} articles left out: this checkpoint was trained on them",) if gone else ()
    return dataclasses.replace(corpus, **bodies, notes=corpus.notes + note)


def beside(corpus: Corpus, measured: Corpus) -> Corpus:
    """``corpus`` with the articles of ``measured`` to be measured on, and kept apart from them."""
    clear = {item.article.id for item in measured.train}
    left: dict[str, Any] = {
        name: tuple(i for i in getattr(corpus, name) if i.article.id in clear) for name in ("train", "repeated")
    }
    left |= {name: getattr(measured, name) for name in ("dev", "test", "held_out")}
    return dataclasses.replace(corpus, **left)


def trained_on(checkpoint: Path) -> set[str]:
    """Ids of the articles that a checkpoint folder says it learnt from; none where it doesn't say."""
    path = checkpoint / TRAINED_ON
    return set(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else set()


def locate(name: str) -> Path:
    """As given from the working directory, else from the project's root."""
    return Path(name) if Path(name).exists() or Path(name).is_absolute() else ROOT / name


def read_ids(path: Path) -> set[str]:
    """A list of ids, one a line; lines that begin with # are remarks.

    Raises:
        DataError: ``source_missing``; ``bad_line`` where the file is not UTF-8.
    """
    if not path.is_file():
        raise DataError("source_missing", "no such list of ids", where=str(path))
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError("bad_line", f"not UTF-8: {error}", where=str(path)) from error
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}
