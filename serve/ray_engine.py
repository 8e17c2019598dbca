"""Scoring on many machines with Ray Data: parts go to actors that each hold the model.

Each actor runs the very code of ``serve.scoring`` on its part, so rows come out as on one machine. A part whose actor
or machine is lost goes to another; a run that was cut off passes over the parts that are finished.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import typer

from data.errors import ConfigError, DataError
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from serve.answers import Answers, answer_key
from serve.batch import check_summary, conclude
from serve.cluster import Cluster, score_parts
from serve.inputs import Input, open_inputs
from serve.parts import find_parts, is_file, read_mark
from serve.scoring import Options, check_target, plan_output, read_items, score_table, seal
from serve.settings import Settings
from serve.tally import Summary
from serve.work import Work

_CHUNK = 512  # answers looked up together
_COUNTS = ("rows", "errors", "skipped", "repeated", "windows")


def score_on_ray(
    sources: Sequence[str],
    target: str,
    *,
    checkpoint: Checkpoint,
    options: Options,
    cluster: Cluster,
    said: Callable[[str], None] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Score ``sources`` into ``target``. Called again with the same arguments after a kill, it goes on.

    Args:
        sources: files, folders and globs, as paths that all machines share or as fsspec URLs.
        target: a folder (path or URL): each part as ``score_table`` would write it on its own, under its own name. Or
            the name of a table on this machine, with ``sources`` that are here too: what ``score_table`` would write.
        checkpoint: sent to the actors; they need no folder of their own.
        said: gets a line for each part that is done, or can't be scored.
        progress: gets the number of rows just scored.

    Raises:
        DataError: see ``find_parts`` and ``score_table``; ``parts_failed``, when all others are done.
        ConfigError: ``missing_extra`` without Ray; ``no_cluster``; ``stories_in_parts``.
    """
    run = _Run(checkpoint, options, cluster, said, progress)
    if is_file(target):
        return _into_one(run, [Path(source) for source in sources], Path(target))
    if options.stories:
        raise ConfigError("stories_in_parts", "stories run through all parts: name one table as OUT", where=target)
    summary = Summary()
    want = seal([], checkpoint, options)
    todo = []
    for part in find_parts(sources, target, excel=options.excel):
        mark = None if options.fresh else read_mark(part)
        if mark and mark["want"] == want and mark["source"] == part.stamp:
            _add(summary, mark["summary"])
        else:
            todo.append({"name": part.name, "part": json.dumps(asdict(part)), "want": json.dumps(want)})
    if summary.rows:
        said(f"{summary.rows} rows are in parts that an earlier run finished")
    failed = []
    for name, found in score_parts(cluster, checkpoint, options, todo, ordered=False):
        if "error" in found:
            failed.append(name)
            said(found["error"])
            continue
        _add(summary, found)
        said(f"{name}: {found['rows']} rows")
        progress(found["rows"])
    if failed:
        raise DataError("parts_failed", f"{len(failed)} of {len(todo)} parts can't be scored", where=", ".join(failed))
    return summary


@dataclass(frozen=True)
class _Run:
    checkpoint: Checkpoint
    options: Options
    cluster: Cluster
    said: Callable[[str], None]
    progress: Callable[[int], None]


def _into_one(run: _Run, sources: Sequence[Path], target: Path) -> Summary:
    """Answers come into the store of a local run, which then finds nothing left to score and writes."""
    options = run.options
    check_target(sources, target, options)
    inputs = open_inputs(sources, target, options.text_column, options.title_column)
    classifier = Classifier.load(run.checkpoint, streams=1)
    plan = plan_output(inputs, target, classifier, options)
    for line in [*(note for one in inputs for note in one.notes), *plan.notes]:
        run.said(line)
    files: dict[Path, list[Input]] = {}
    for one in inputs:
        files.setdefault(one.table.source.path, []).append(one)
    with Work(target, seal(inputs, run.checkpoint, options), fresh=options.fresh) as work:
        todo, first = [], 0
        for path, held in files.items():
            rows, whole = _answered(held, work.answers)
            if not whole:
                todo.append({"name": str(path), "path": str(path.resolve()), "first": first})
            first += rows
        for name, found in score_parts(run.cluster, run.checkpoint, options, todo, ordered=True):
            if "error" in found:
                raise DataError("parts_failed", found["error"], where=name)
            work.answers.put((bytes.fromhex(key), record, place) for key, record, place in found["answers"])
            run.said(f"{name}: {found['rows']} rows")
            run.progress(found["rows"])
    return score_table(sources, target, classifier, checkpoint=run.checkpoint, options=replace(options, fresh=False))


def _answered(inputs: Sequence[Input], answers: Answers) -> tuple[int, bool]:
    """How many rows there are, and whether all that can be read have their answer."""
    rows, whole, keys = 0, True, set()
    for item in read_items(inputs):
        rows += 1
        if whole and not item.row.error:
            keys.add(answer_key(item.title, item.text))
        if len(keys) >= _CHUNK:
            whole, keys = len(answers.get(list(keys))) == len(keys), set()
    return rows, whole and len(answers.get(list(keys))) == len(keys)


def run_cluster(
    sources: Sequence[str],
    target: str,
    settings: Settings,
    options: Options,
    cluster: Cluster,
    summary: Path | None = None,
) -> Summary:
    """``score_on_ray`` at the command line: says on standard error what is done, and what was found.

    Args:
        summary: gets the counts as JSON, with ``seconds``.

    Raises:
        WijhaError: as ``score_on_ray``; ``bad_target`` where ``summary`` has no folder.
    """
    check_summary(summary)
    began, rows = time.monotonic(), 0

    def progress(scored: int) -> None:
        nonlocal rows
        rows += scored
        said(f"{rows} articles, {rows / (time.monotonic() - began):.1f}/s")

    def said(line: str) -> None:
        typer.echo(line, err=True)

    opened = Checkpoint.open(settings.checkpoint)
    found = score_on_ray(
        sources, target, checkpoint=opened, options=options, cluster=cluster, said=said, progress=progress
    )
    conclude(found, time.monotonic() - began, summary, said)
    return found


def _add(total: Summary, part: Mapping[str, Any]) -> None:
    """Add a part's ``Summary.to_json`` to ``total``."""
    for name in _COUNTS:
        setattr(total, name, getattr(total, name) + part[name])
    for name in ("abstained", "codes", "warnings"):
        getattr(total, name).update(part[name])
    for topic, stances in part["topics"].items():
        total.topics.update({(topic, stance): count for stance, count in stances.items()})
