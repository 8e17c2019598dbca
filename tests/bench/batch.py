"""What the reader, tokenizer, store and writer cost beside the model, and how much memory the whole takes.

    python -m tests.bench.batch [--rows 200] [--repeats 1] [--checkpoint FOLDER] [--source articles.jsonl] [--rounds 2]
    python -m tests.bench.batch --rows 1000000 --known

Model only: the backend on windows cut beforehand. End to end: ``score_table`` from CSV to CSV on the same articles.
Both are measured in turn in one process. More rows than there are articles are made by editing each one's first line.
``--known`` measures the way of rows that are answered already: a resume, or repeats.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import itertools
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.article import Article
from data.sources import find_sources
from data.tables import TEXT_COLUMNS, TITLE_COLUMNS, open_table
from models.checkpoint import DEFAULT, Checkpoint
from models.classifier import Classifier
from serve.scoring import Stopped, score_table

BUNDLED = Path(__file__).parents[2] / "data" / "articles"
_PIECE = 96  # articles whose windows are given to the backend together


def read(path: Path) -> list[Article]:
    """The articles of a table, or of a folder of them."""
    tables = [open_table(source) for source in find_sources([path])]
    names = [
        (table, table.column(None, TEXT_COLUMNS, what="text"), table.column(None, TITLE_COLUMNS, what="title"))
        for table in tables
    ]
    return [
        Article("", row.values.get(title or "", ""), row.values[text])
        for table, text, title in names
        if text
        for row in table.rows()
    ]


def made(articles: Sequence[Article], rows: int) -> Iterator[Article]:
    """So many articles: those given, then again with a number before the text."""
    for i in range(rows):
        item = articles[i % len(articles)]
        lap = i // len(articles)
        yield Article(f"r{i}", item.title, f"{lap} {item.text}" if lap else item.text)


def write_table(path: Path, articles: Iterator[Article], repeats: int) -> None:
    """CSV; each row so many times, one after the other."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "text"])
        for item in articles:
            for _ in range(repeats):
                writer.writerow([item.id, item.title, item.text])


class Clock:
    """Articles a second, and the processor seconds that each takes on all cores, which other programs disturb less."""

    def __init__(self, articles: int) -> None:
        self._articles, self._began, self._busy = articles, time.perf_counter(), time.process_time()

    def stop(self) -> tuple[float, float]:
        rate = self._articles / (time.perf_counter() - self._began)
        return rate, (time.process_time() - self._busy) / self._articles


def model_only(classifier: Classifier, articles: Sequence[Article]) -> tuple[float, float]:
    """See ``Clock``; the windows are cut before it starts."""
    rows = [[window.ids for window in classifier._encoder.encode(item).windows] for item in articles]
    clock = Clock(len(rows))
    for start in range(0, len(rows), _PIECE):
        classifier._backend.run(list(itertools.chain.from_iterable(rows[start : start + _PIECE])))
    return clock.stop()


class Known:
    """Answers every text with the same: what is left is our own work."""

    def __init__(self, classifier: Classifier, item: Article) -> None:
        self.contract = classifier.contract
        self._answer = classifier.classify([item])[0]

    def classify(self, articles: Sequence[Article]) -> list[Any]:
        return [self._answer] * len(articles)


def end_to_end(source: Path, target: Path, classifier: Any, checkpoint: Checkpoint, rows: int) -> tuple[float, float]:
    """See ``Clock``."""
    clock = Clock(rows)
    score_table([source], target, classifier, checkpoint=checkpoint)
    return clock.stop()


def peak() -> float:
    """Most memory the process has held, in megabytes."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / 2**20 if sys.platform == "darwin" else held / 2**10


def cut_off(source: Path, target: Path, classifier: Any, checkpoint: Checkpoint, rows: int) -> None:
    """Leave a run with its last chunk missing, so that the next one finds all other rows answered."""
    stop, written = threading.Event(), 0

    def progress(count: int) -> None:
        nonlocal written
        written += count
        if written >= rows - 200:
            stop.set()

    with contextlib.suppress(Stopped):
        score_table([source], target, classifier, checkpoint=checkpoint, progress=progress, stop=stop)


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200, help="different articles")
    parser.add_argument("--repeats", type=int, default=1, help="how often each of them stands")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--checkpoint", type=Path, default=DEFAULT)
    parser.add_argument("--source", type=Path, help="a table, or a folder of them; default: the bundled articles")
    parser.add_argument("--known", action="store_true", help="without the model")
    given = parser.parse_args()
    articles = read(given.source or BUNDLED)
    checkpoint = Checkpoint.open(given.checkpoint)
    classifier = Classifier.load(checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.csv", Path(folder) / "out.csv"
        write_table(source, made(articles, given.rows), given.repeats)
        rows = given.rows * given.repeats
        print(f"{rows} rows, {given.rows} different, {source.stat().st_size / 1e6:.1f} MB; {checkpoint.name}")
        print(f"peak memory before: {peak():.0f} MB")
        if given.known:
            known: Any = Known(classifier, articles[0])
            print(f"new rows, no model: {end_to_end(source, target, known, checkpoint, rows)[0]:.0f} rows/s")
            cut_off(source, target, known, checkpoint, rows)
            print(f"answered rows: {end_to_end(source, target, known, checkpoint, rows)[0]:.0f} rows/s")
        else:
            sample = list(made(articles, min(given.rows, 400)))
            classifier.classify(sample[:8])
            for _ in range(given.rounds):
                model, least = model_only(classifier, sample)
                whole, spent = end_to_end(source, target, classifier, checkpoint, given.rows)
                print(f"model only {model:.2f}, end to end {whole:.2f} articles/s: {whole / model:.1%}", end="; ")
                print(f"processor {least * 1e3:.1f} and {spent * 1e3:.1f} ms an article: {least / spent:.1%}")
        print(f"peak memory after: {peak():.0f} MB")


if __name__ == "__main__":
    main()
