"""Public benchmarks as labelled articles and a taxonomy of their own: other topics are data, not code.

The files are the user's to fetch (see each ``source``). A folder holds, for each set, ``<set>/train.jsonl`` and
``<set>/test.jsonl`` (or ``dev.jsonl``): one object a line with ``id``, ``text`` and either ``label`` or ``target`` and
``stance``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.article import Article, Label, LabelledArticle
from data.errors import ConfigError, DataError
from data.taxonomy import Taxonomy, Topic
from train.metrics import f1

STANCES = ("Favor", "Against", "None")
IRRELEVANT = "Irrelevant"
EVENTS = ("MatConf", "MatCoop", "VerConf", "VerCoop")
_DEV = 0.1  # of the training texts: what epochs, thresholds and the linear model's C are chosen on
Figures = Mapping[str, float]
THREE = "macro-F1 of all three"
BY_TARGET, POOLED = (f"F1 of favor and against, {over}" for over in ("mean over targets", "all texts at once"))


@dataclass(frozen=True)
class Published:
    """Figures of another system, as published."""

    system: str
    figures: Figures
    note: str = ""


@dataclass(frozen=True)
class Benchmark:
    """What a set is.

    Attributes:
        figures: names of its figures, the one that choices are made by first.
        labels: the classes of one text each; none where it is stance toward a target.
    """

    name: str
    task: str
    source: str
    test: str
    figures: tuple[str, ...]
    published: tuple[Published, ...]
    labels: tuple[str, ...] = ()


SETS: Mapping[str, Benchmark] = {
    "un_plover_quad": Benchmark(
        "un_plover_quad",
        "a sentence of a UN document: no event, or material or verbal conflict or cooperation",
        "https://github.com/eventdata/ConfliBERT_lifecycle",
        "our split of the published rows (the authors' is not published)",
        ("macro-F1", "accuracy"),
        (
            Published("ConfliBERT-Arabic", {"macro-F1": 0.685, "accuracy": 0.779}, "11,161 rows, 10 seeds, best epoch"),
            Published("ConfliBERT (from mBERT)", {"macro-F1": 0.639}, "subset of 5,979 rows"),
            Published("ConfliBERT (from AraBERT)", {"macro-F1": 0.636}, "subset of 5,979 rows"),
            Published("mBERT", {"macro-F1": 0.588}, "subset of 5,979 rows"),
            Published("AraBERT", {"macro-F1": 0.547}, "subset of 5,979 rows"),
        ),
        (IRRELEVANT, *EVENTS),
    ),
    "arabicstancex": Benchmark(
        "arabicstancex",
        "stance of a tweet toward one of 17 targets",
        "https://github.com/AliAlkhathlan/ArabicStanceX",
        "official test",
        (BY_TARGET, f"{THREE}, mean over targets", POOLED, f"{THREE}, all texts at once"),
        (
            Published(
                "MARBERTv2",
                {BY_TARGET: 0.74, f"{THREE}, mean over targets": 0.67},
                "we do not know whether by target or at once",
            ),
        ),
    ),
    "mawqif": Benchmark(
        "mawqif",
        "stance of a tweet toward one of 3 targets",
        "https://github.com/NoraAlt/Mawqif-Arabic-Stance",
        "blind test of StanceEval 2024",
        (BY_TARGET,),
        (
            Published("StanceEval 2024, first place", {BY_TARGET: 0.8438}),
            Published("the set's own paper", {BY_TARGET: 0.7889}, "its own test"),
        ),
    ),
}


@dataclass(frozen=True)
class Rows:
    """A set as read: labelled articles with their splits, and the taxonomy they are labelled by."""

    taxonomy: Taxonomy
    articles: tuple[LabelledArticle, ...]


def read_set(folder: Path, name: str) -> Rows:
    """Read a set.

    Raises:
        ConfigError: ``no_benchmark`` for a name that is none.
        DataError: ``source_missing``; ``bad_line`` with file and line.
    """
    if name not in SETS:
        raise ConfigError("no_benchmark", f"known: {', '.join(SETS)}", where=name)
    labels = SETS[name].labels
    train, test = (_read_file(_find(folder / name, names), labels) for names in (("train",), ("test", "dev")))
    if labels:
        taxonomy = _taxonomy(EVENTS, ())
    else:
        taxonomy = _taxonomy(sorted({row["target"] for row in [*train, *test]}), STANCES)
    articles = [_article(row, number, "train", taxonomy) for number, row in enumerate(train)]
    articles += [_article(row, number, "test", taxonomy) for number, row in enumerate(test)]
    return Rows(taxonomy, tuple(articles))


def _taxonomy(topics: Sequence[str], stances: Sequence[str]) -> Taxonomy:
    return Taxonomy(tuple(Topic(topic_id(t), t, t) for t in topics), tuple(s.lower() for s in stances))


def topic_id(target: str) -> str:
    """A target's name as the id of a topic: ``Covid Vaccine`` is ``covid_vaccine``."""
    return "_".join(target.lower().split())


def _find(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        if (folder / f"{name}.jsonl").is_file():
            return folder / f"{name}.jsonl"
    raise DataError("source_missing", f"no {' or '.join(names)}.jsonl there", where=str(folder))


def _read_file(path: Path, labels: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a set that has ``labels``, or else stances toward targets; a line ends with a line feed alone."""
    rows, (key, known) = [], ("label", labels) if labels else ("stance", STANCES)
    for number, line in enumerate(path.read_bytes().rstrip(b"\n").split(b"\n"), start=1):
        where = f"{path}:{number}"
        try:
            row = json.loads(line.decode("utf-8"))
            right = row[key] in known and isinstance(row["text"], str) and (labels or isinstance(row["target"], str))
        except (ValueError, KeyError, TypeError) as error:
            wanted = "text and label" if labels else "text, target and stance"
            raise DataError("bad_line", f"{wanted} are wanted: {error!r}", where=where) from error
        if not right:
            raise DataError("bad_line", f"text, and a {key} among {', '.join(known)}, are wanted", where=where)
        rows.append(row)
    return rows


def _article(row: Mapping[str, Any], number: int, split: str, taxonomy: Taxonomy) -> LabelledArticle:
    if not taxonomy.stances:
        labels = {topic: Label(name == row["label"]) for topic, name in zip(taxonomy.ids, EVENTS, strict=True)}
    else:  # of the other targets nobody said anything: masked
        labels = {topic_id(row["target"]): Label(True, row["stance"].lower())}
    if split == "train" and int(hashlib.sha256(row["text"].encode()).hexdigest()[:8], 16) < _DEV * 16**8:
        split = "dev"
    return LabelledArticle(Article(f"{split}-{number}", "", row["text"]), labels, split=split)


def gold_of_set(articles: Sequence[LabelledArticle], taxonomy: Taxonomy) -> tuple[list[str], list[str]]:
    """The class of each text, and the topic it is about (all one where there are no targets)."""
    if not taxonomy.stances:
        return [_event(item, taxonomy) for item in articles], [""] * len(articles)
    found = [next(iter(item.labels.items())) for item in articles]
    return [str(label.stance) for _, label in found], [topic for topic, _ in found]


def _event(item: LabelledArticle, taxonomy: Taxonomy) -> str:
    said = [name for topic, name in zip(taxonomy.ids, EVENTS, strict=True) if item.labels[topic].relevant]
    return said[0] if said else IRRELEVANT


def figures_of_set(name: str, guessed: Sequence[str], gold: Sequence[str], targets: Sequence[str]) -> dict[str, float]:
    """The set's figures as published: macro-averages over classes, of all texts or target by target."""
    g, y, t = np.array(guessed), np.array(gold), np.array(targets)
    if SETS[name].labels:
        return {"macro-F1": _macro(g, y, SETS[name].labels), "accuracy": float((g == y).mean())}
    favor, against, neither = (s.lower() for s in STANCES)
    parts = [t == target for target in sorted(set(targets))]
    found = {}
    for said, classes in (("F1 of favor and against", (favor, against)), (THREE, (favor, against, neither))):
        by_target = [_macro(g[part], y[part], classes) for part in parts]
        found[f"{said}, mean over targets"] = float(np.mean(by_target))
        found[f"{said}, all texts at once"] = _macro(g, y, classes)
    return {figure: found[figure] for figure in SETS[name].figures}


def _macro(guessed: npt.NDArray[np.str_], gold: npt.NDArray[np.str_], classes: Sequence[str]) -> float:
    return float(np.mean([f1(guessed == c, gold == c) for c in classes]))
