"""Articles a second, and seconds of processor an article, of the Ray engine beside the local engine, in one run.

    python tests/bench/scaling.py [--articles 240] [--parts 12] [--checkpoint FOLDER]

Each engine scores the same bundled articles, every text once. Prints a Markdown table and the figures that the
projection in docs/scaling.md is made of. Where others use the machine too, processor time is the figure to trust.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, cast

import typer

from data.article import Article
from data.errors import ArticleError
from models.checkpoint import DEFAULT, Checkpoint
from models.classifier import Classifier
from serve.cluster import Cluster, connect
from serve.ray_engine import score_on_ray
from serve.scoring import Options, score_table
from serve.stories import sign

ROOT = Path(__file__).parents[2]


class Nobody:
    """Stands in for the model: reading, hashing, storing and writing are all that is left."""

    def __init__(self, classifier: Classifier) -> None:
        self.contract = classifier.contract

    def classify(self, articles: Sequence[Article]) -> list[ArticleError]:
        return [ArticleError("not_asked", "the model was left out", where="text") for _ in articles]


def main(
    articles: Annotated[int, typer.Option(help="How many.")] = 240,
    parts: Annotated[int, typer.Option(help="In how many files.")] = 12,
    checkpoint: Annotated[Path, typer.Option(help="Checkpoint folder.")] = DEFAULT,
) -> None:
    """Measure and print."""
    began = time.monotonic()
    opened = Checkpoint.open(checkpoint)
    one, two = (Classifier.load(opened, streams=streams) for streams in (1, 2))
    figures = {"model load, s": round((time.monotonic() - began) / 2, 2)}
    with tempfile.TemporaryDirectory() as folder:
        source = write_parts(Path(folder) / "in", articles, parts)

        def local(classifier: Classifier, name: str) -> Timing:
            start, used = time.monotonic(), time.process_time()
            score_table([source], Path(folder, name), classifier, checkpoint=opened, options=Options())
            return Timing(time.monotonic() - start, time.process_time() - used)

        def ray(actors: int) -> Timing:
            start, first, used = time.monotonic(), 0.0, dict[int, float]()

            def progress(_: int) -> None:
                nonlocal first
                first = first or time.monotonic() - start
                used.update(actor_seconds())

            score_on_ray(
                [str(source)],
                str(Path(folder, f"ray-{actors}")),
                checkpoint=opened,
                options=Options(),
                cluster=Cluster(actors=actors),
                progress=progress,
            )
            return Timing(time.monotonic() - start, sum(used.values()), first)

        rows = [
            ("local engine, 1 stream", 1, local(one, "1.jsonl")),
            ("local engine, 2 streams", 2, local(two, "2.jsonl")),
        ]
        left = local(cast(Classifier, Nobody(one)), "0.jsonl")
        figures["read and write, ms of processor an article"] = round(1000 * left.processor / articles, 2)
        texts = [json.loads(line)["text"] for path in sorted(source.iterdir()) for line in path.open(encoding="utf-8")]
        next(sign([""]))  # its import
        used = time.process_time()
        signed = sum(1 for _ in sign(texts))
        figures["story signature, ms of processor an article"] = round(1000 * (time.process_time() - used) / signed, 2)
        start = time.monotonic()
        connect(Cluster())
        figures["Ray's own start, s"] = round(time.monotonic() - start, 1)
        rows += [("Ray, 1 actor of 1 core", 1, ray(1)), ("Ray, 2 actors of 1 core", 2, ray(2))]
    print(f"{articles} articles in {parts} parts; {cpu()}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| engine | cores | wall s | articles/s | ms of processor an article | first part after, s |")
    print("|---|---|---|---|---|---|")
    for name, cores, timing in rows:
        cells = [name, cores, f"{timing.wall:.1f}", f"{articles / timing.wall:.1f}"]
        cells += [f"{1000 * timing.processor / articles:.0f}", f"{timing.first:.1f}" if timing.first else "–"]
        print(f"| {' | '.join(map(str, cells))} |")
    print(f"\n{json.dumps(figures, ensure_ascii=False)}")


class Timing(NamedTuple):
    """Seconds: by the clock, of the processor, and until the first part was done (Ray)."""

    wall: float
    processor: float
    first: float = 0.0


def actor_seconds() -> dict[int, float]:
    """Processor time of each actor, its start and loading the model included: process to seconds."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"PartScorer" in (folder / "cmdline").read_bytes():
                user, system = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
                found[int(folder.name)] = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        except OSError:  # it has just ended
            continue
    return found


def write_parts(folder: Path, articles: int, parts: int) -> Path:
    """Bundled articles over files of JSON Lines; from the second round on a text has its round's number behind it."""
    bundled = [
        json.loads(line)
        for path in sorted((ROOT / "data" / "articles").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    rows = [
        {"id": f"{row['id']}-{n}", "title": row["title"], "text": row["text"] + (f"\n{n}" if n >= len(bundled) else "")}
        for n, row in enumerate(itertools.islice(itertools.cycle(bundled), articles))
    ]
    folder.mkdir()
    for place in range(parts):
        lines = [json.dumps(row, ensure_ascii=False) for row in rows[place::parts]]
        (folder / f"part-{place:04d}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def cpu() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


if __name__ == "__main__":
    typer.run(main)
