"""Scoring tables at the command line: what is said, how far it is, and what was found."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from data.errors import DataError
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from serve.scoring import Options, score_table
from serve.settings import Settings
from serve.tally import Summary


def run_batch(
    sources: Sequence[Path], target: Path, settings: Settings, options: Options, summary: Path | None = None
) -> Summary:
    """Load the checkpoint, score, and say so on standard error.

    Args:
        summary: gets the counts as JSON, with ``seconds``.

    Raises:
        WijhaError: see ``score_table`` and ``Classifier.load``; ``bad_target`` where ``summary`` has no folder.
    """
    check_summary(summary)
    console = Console(stderr=True)
    opened = Checkpoint.open(settings.checkpoint)
    classifier = Classifier.load(
        opened, backend=settings.backend, precision=settings.precision or None, streams=settings.streams or None
    )
    began, rows = time.monotonic(), 0
    columns = (
        TextColumn("{task.fields[rows]} articles, {task.fields[rate]}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )

    def said(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None, rows=0, rate="")

        def progress(written: int) -> None:
            nonlocal rows
            rows += written
            bar.update(task, rows=rows, rate=f"{rows / (time.monotonic() - began):.1f}/s")

        found = score_table(
            sources,
            target,
            classifier,
            checkpoint=opened,
            options=options,
            said=said,
            progress=progress,
            sized=lambda size: bar.update(task, total=size),
            meter=lambda read: bar.update(task, advance=read),
        )
    conclude(found, time.monotonic() - began, summary, said)
    return found


def check_summary(summary: Path | None) -> None:
    """Whether the counts can be written, which is better said before the work than after it.

    Raises:
        DataError: ``bad_target`` where there is no such folder.
    """
    if summary is not None and not summary.parent.is_dir():
        raise DataError("bad_target", f"there is no folder {summary.parent}", where=str(summary))


def conclude(found: Summary, seconds: float, summary: Path | None, said: Callable[[str], None]) -> None:
    """Write the counts to ``summary`` as JSON, with ``seconds``, and say them."""
    if summary is not None:
        counts = {**found.to_json(), "seconds": round(seconds, 1)}
        summary.write_text(json.dumps(counts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for line in told(found, seconds):
        said(line)


def told(found: Summary, seconds: float) -> list[str]:
    """The counts as lines for a person: a topic a line, its stances behind it."""
    lines = [
        f"{found.rows} rows in {seconds:.1f} s ({found.rows / max(seconds, 0.001):.1f}/s), {found.windows} windows; "
        f"{found.errors} errors, {found.skipped} without text, {found.repeated} repeated"
    ]
    counts = found.to_json()
    for topic in sorted({*counts["topics"], *counts["abstained"]}):
        stances = counts["topics"].get(topic, {})
        parts = [f"{stance or 'no stance'} {count}" for stance, count in stances.items()]
        unsure = counts["abstained"].get(topic, 0)
        lines.append(
            f"  {topic}: {sum(stances.values())} ({', '.join(parts) or 'none'})"
            + (f"; {unsure} unsure" if unsure else "")
        )
    if found.codes:
        lines.append("  errors: " + ", ".join(f"{code} {count}" for code, count in sorted(found.codes.items())))
    return lines
