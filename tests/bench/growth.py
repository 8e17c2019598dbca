"""What one article costs by its length, and a table by its rows: measured points, and straight lines through them."""

from __future__ import annotations

import functools
import itertools
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data.article import Article
from data.sentences import split_sentences
from models.checkpoint import Checkpoint
from models.classifier import Answer, Classifier
from serve.scoring import score_table
from tests.bench.apart import apart
from tests.bench.batch import Known, write_table
from tests.bench.line import fit
from tests.bench.performance import Given
from tests.bench.resident import most_since, start_over
from tests.bench.sample import sample
from tests.bench.spread import shown, spread, table

IMAGE = Path(__file__).parents[2] / "docs" / "images" / "growth.png"
WORDS = (100, 300, 1000, 3000, 10_000, 20_000)
ROWS = (100, 300, 1000, 3000)
ROWS_KNOWN = (3000, 10_000, 30_000)
SHORT = 40  # words of an article in a table
KINDS = {
    "length": "one article, by words",
    "rows": "a table, by rows",
    "known": "a table, by rows, the model left out",
}


def measure(given: Given) -> dict[str, Any]:
    """Each round goes through all lengths and sizes; a length is repeated for a twentieth of ``given.seconds``.

    Writes ``IMAGE`` too.
    """
    taken: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    with apart() as process:
        one = functools.partial(_apart, given.checkpoint, given.source)
        process.submit(one, "length", 100, 0.1, 0).result()  # warms up
        for number in range(given.rounds):
            for kind, sizes in (("length", WORDS), ("rows", ROWS), ("known", ROWS_KNOWN)):
                for size in sizes:
                    taken[kind].append(process.submit(one, kind, size, given.seconds / 20, number).result())
    checkpoint = Checkpoint.open(given.checkpoint)
    results: dict[str, Any] = {
        "window": checkpoint.contract.windows.length,
        "precision": checkpoint.precision,
        "points": {kind: _points(values) for kind, values in taken.items()},
    }
    results["lines"] = {
        f"{kind} {clock}": fit([p["size"] for p in points], [p[clock]["median"] for p in points])
        for kind, points in results["points"].items()
        for clock in ("wall", "processor")
    }
    draw(results, IMAGE)
    return results


def _apart(folder: Path, source: Path | None, kind: str, size: int, seconds: float, seed: int) -> dict[str, Any]:
    """One point, in the measuring process. Seconds by the clock and of the processor; megabytes at the most."""
    classifier, sentences = _loaded(folder), _sentences(source)
    start_over()
    if kind == "length":
        point = _length(classifier, sentences, size, seconds, seed)
    else:
        point = _table(Checkpoint.open(folder), classifier, sentences, size, seed, known=kind == "known")
    return {"size": size, "memory": most_since(), **point}


@functools.cache
def _loaded(folder: Path) -> Classifier:
    return Classifier.load(folder)


@functools.cache
def _sentences(source: Path | None) -> list[str]:
    return [item.text[start:end] for item in sample(source, 1000) for start, end in split_sentences(item.text)]


def joined(sentences: Sequence[str], words: int, seed: int) -> str:
    """Sentences in random order, one a line, so many words of them."""
    order = list(sentences)
    random.Random(seed).shuffle(order)
    lines, left = [], words
    for sentence in itertools.cycle(order):
        kept = sentence.split()[:left]
        lines.append(" ".join(kept))
        left -= len(kept)
        if not left:
            return "\n".join(lines)
    raise ValueError("no sentences")


def _length(
    classifier: Classifier, sentences: Sequence[str], words: int, seconds: float, seed: int
) -> dict[str, float]:
    item = Article("", "", joined(sentences, words, seed))
    times, began, busy = 0, time.perf_counter(), time.process_time()
    while not times or time.perf_counter() < began + seconds:
        answer = classifier.classify([item])[0]
        times += 1
    wall, processor = time.perf_counter() - began, time.process_time() - busy
    if not isinstance(answer, Answer):
        raise answer
    return {"wall": wall / times, "processor": processor / times, "windows": answer.windows, "tokens": answer.tokens}


def short(sentences: Sequence[str], rows: int, seed: int) -> Iterator[Article]:
    """Articles of ``SHORT`` words, no two alike."""
    draw_ = random.Random(seed)
    for i in range(rows):
        yield Article(f"r{i}", "", f"{seed} {i} {joined(draw_.choices(sentences, k=8), SHORT - 2, seed)}")


def _table(
    checkpoint: Checkpoint, classifier: Classifier, sentences: Sequence[str], rows: int, seed: int, *, known: bool
) -> dict[str, float]:
    """CSV to CSV. ``known``: every row gets the same ready answer, so that large tables take seconds."""
    scorer: Any = Known(classifier, next(short(sentences, 1, 0))) if known else classifier
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.csv", Path(folder) / "out.csv"
        write_table(source, short(sentences, rows, seed), 1)
        began, busy = time.perf_counter(), time.process_time()
        score_table([source], target, scorer, checkpoint=checkpoint)
        return {"wall": time.perf_counter() - began, "processor": time.process_time() - busy}


def _points(values: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rounds put together, by size."""
    points = []
    for size in dict.fromkeys(value["size"] for value in values):
        same = [value for value in values if value["size"] == size]
        names = [name for name in same[0] if name != "size"]
        points.append({"size": size, **{name: spread(float(value[name]) for value in same) for name in names}})
    return points


def draw(results: Mapping[str, Any], path: Path) -> None:
    """The plot of all points and lines."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (kind, title) in zip(figure.subplots(1, len(KINDS)), KINDS.items(), strict=True):
        points = results["points"][kind]
        sizes = [point["size"] for point in points]
        for clock, name, colour, marker in (
            ("wall", "clock", "#1f5fa8", "o"),
            ("processor", "processor", "#b3541e", "s"),
        ):
            line = results["lines"][f"{kind} {clock}"]
            axes.plot(sizes, [p[clock]["median"] for p in points], marker, color=colour, ms=4, label=name)
            ends = [0, max(sizes)]
            axes.plot(ends, [line["intercept"] + line["slope"] * x for x in ends], color=colour, lw=1)
        axes.set(title=title, xlabel="words" if kind == "length" else "rows", ylabel="seconds", xlim=0, ylim=0)
        axes.title.set_fontsize(10)
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def render(results: Mapping[str, Any]) -> str:
    """The section."""
    longest = results["points"]["length"][-1]
    per_window = longest["size"] / longest["tokens"]["median"] * (results["window"] - 2)
    return "\n\n".join(
        [
            "## Growth",
            f"Texts are sentences of the articles in random order. Precision: {results['precision']}. "
            f"Rows are articles of {SHORT} words, all different, from CSV to CSV with `score_table`; for many rows the "
            "model is left out (each gets a ready answer), which leaves reading, hashing, storing and writing.",
            "![Cost by length and by rows](images/growth.png)",
            _lines(results),
            f"A window holds about {per_window:.0f} words. Within one, attention grows with the square of the length, "
            "and a text below it takes one core only; from two windows on all cores are at work. So neither line is "
            "straight at the short end: the clock goes in steps, and processor time bends within the first window.",
            *(_points_table(kind, title, results["points"][kind], results["lines"]) for kind, title in KINDS.items()),
        ]
    )


def _lines(results: Mapping[str, Any]) -> str:
    rows = []
    for name, line in results["lines"].items():
        kind, clock = name.split()
        unit = "ms a 1,000 words" if kind == "length" else "ms a row"
        slope = line["slope"] * (1e6 if kind == "length" else 1e3)
        away = f"{1e3 * line['deviation']:+,.0f} ms at {line['furthest']:,.0f}"
        cells = (f"{slope:,.2f} {unit}", f"{1e3 * line['intercept']:,.0f}", f"{line['r2']:.4f}", away)
        rows.append((f"{KINDS[kind]}; {'by the clock' if clock == 'wall' else 'processor time'}", *cells))
    return table(("line", "slope", "intercept, ms", "R²", "furthest point from the line"), rows)


def _points_table(kind: str, title: str, points: Sequence[Mapping[str, Any]], lines: Mapping[str, Any]) -> str:
    thousand = {"median": 1e3, "least": 1e3, "most": 1e3}
    rows = []
    for point in points:
        clocks = [{key: point[clock][key] * by for key, by in thousand.items()} for clock in ("wall", "processor")]
        line = lines[f"{kind} processor"]
        off = point["processor"]["median"] / (line["intercept"] + line["slope"] * point["size"]) - 1
        windows = [f"{point['windows']['median']:.0f}"] if "windows" in point else []
        memory = f"{point['memory']['most']:.0f}" if point["memory"]["most"] else "–"
        rows.append((f"{point['size']:,}", *windows, *(shown(clock) for clock in clocks), f"{off:+.0%}", memory))
    head = ("words", "windows") if kind == "length" else ("rows",)
    columns = (*head, "clock, ms", "processor, ms", "off the line", "peak memory, MB")
    return f"**{title[0].upper()}{title[1:]}**\n\n{table(columns, rows)}"
