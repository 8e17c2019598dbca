"""A table in, the same table with labels out: streamed, in order, no row lost, and gone on with after a kill.

A run reads its input from the start each time. What was scored before, in this run or one that was cut off, is taken
from the store of answers (``serve/answers.py``); since an answer depends on its headline and text alone, the output
comes out the same to the byte however often the run was cut off.
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from data.errors import DataError
from data.sources import PARQUET, find_sources
from data.tables import open_table
from data.writers import Writer, check_ending
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from serve.inputs import Input, Item, open_inputs
from serve.pipeline import scored_items
from serve.rows import NESTED_NAMES, Plan, flat_columns, flat_names, make_plan, nested_columns, nested_fields
from serve.stories import check_installed, find_stories, story_id
from serve.tally import Summary
from serve.work import Work

FORMAT = 1  # of the work folder; another number when the same input would be written otherwise


class Stopped(Exception):  # noqa: N818 - no error: the run was asked to end, and the same call goes on with it
    """The run ended early at a safe point."""


@dataclass(frozen=True)
class Options:
    """What may be chosen about a run.

    Attributes:
        text_column, title_column: default: by their usual names, in each file.
        excel: CSV for a spreadsheet, see ``data.writers.Writer``.
        stories: a column ``story``, the same for near copies; see ``serve.stories``.
        max_characters: of headline and text together; a longer article is an error in its row.
        backend, precision: what ``classifier`` was loaded with; precision empty for the checkpoint's own.
        fresh: forget what an earlier run toward the same output left.
    """

    text_column: str | None = None
    title_column: str | None = None
    excel: bool = False
    stories: bool = False
    max_characters: int = 400_000
    backend: str = "openvino"
    precision: str = ""
    fresh: bool = field(default=False, metadata={"sealed": False})


def score_table(
    sources: Sequence[Path],
    target: Path,
    classifier: Classifier,
    *,
    checkpoint: Checkpoint,
    options: Options = Options(),
    said: Callable[[str], None] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
    sized: Callable[[int], None] = lambda _: None,
    meter: Callable[[int], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> Summary:
    """Score ``sources`` into ``target``. Called again with the same arguments after a kill, it goes on.

    Args:
        sources: files, folders, globs; see ``data.sources.find_sources``.
        target: its ending says what is written; it appears when it is whole.
        checkpoint: the one that ``classifier`` was loaded from; names the model in every row.
        said: gets what a person should know: columns, encoding, collisions.
        progress: gets the number of rows just written.
        sized: gets the size of all files in bytes, once.
        meter: gets the number of bytes just read of them.
        stop: set: the run ends early.

    Raises:
        DataError: before anything is scored, where a table as a whole can't be read (see ``open_table``) or has no
            column of text (``no_text_column``), where ``target`` can't be written (``same_file``, ``bad_target``),
            where another run is at it (``busy``), or was cut off and had another model, settings or input
            (``other_run``). While it runs, where a packed file turns out to be broken.
        StoreError, OSError: the disk is full; the same call goes on when it is not.
        Stopped: ``stop`` was set.
    """
    check_target(sources, target, options)
    inputs = open_inputs(sources, target, options.text_column, options.title_column)
    plan = plan_output(inputs, target, classifier, options)
    for line in itertools.chain.from_iterable(one.notes for one in inputs):
        said(line)
    for note in plan.notes:
        said(note)
    if options.stories:
        said("stories: all texts are read once before the first is scored")
    sized(sum({one.table.source.path: one.table.source.path.stat().st_size for one in inputs}.values()))
    with Work(target, seal(inputs, checkpoint, options), fresh=options.fresh) as work:
        if work.kept:
            said(f"going on with a run that was cut off: {work.kept} answers are there")
        try:
            summary = _run(inputs, plan, classifier, checkpoint, options, work, progress, meter, stop)
        except DataError:  # the input is broken, so there is nothing to go on with
            work.discard()
            raise
        for one in inputs:
            one.check_unchanged()
        work.publish()
    return summary


def _run(
    inputs: Sequence[Input],
    plan: Plan,
    classifier: Classifier,
    checkpoint: Checkpoint,
    options: Options,
    work: Work,
    progress: Callable[[int], None],
    meter: Callable[[int], None],
    stop: threading.Event | None,
) -> Summary:
    summary = Summary()
    model = f"{checkpoint.name}@{checkpoint.digest[:12]}"
    nested = check_ending(work.target) == PARQUET
    columns_of = nested_columns if nested else flat_columns
    types = {plan.added[name]: kind for name, kind in nested_fields().items() if name in plan.added} if nested else {}
    story_of = _stories(inputs, work) if options.stories else None
    items = read_items(inputs, meter)
    with ExitStack() as stack:
        writer = stack.enter_context(Writer(work.part, plan.names, nested=types, excel=options.excel))
        for chunk in stack.enter_context(scored_items(items, classifier, work.answers, options.max_characters)):
            for item, record, repeated in chunk:
                ours = columns_of(record, model)
                if "source" in plan.added:
                    ours["source"] = item.source
                if story_of is not None:
                    ours["story"] = story_of(summary.rows)
                summary.add(record, repeated=repeated)
                writer.write(plan.row(item.row.values, ours))
            progress(len(chunk))
            if stop is not None and stop.is_set():
                raise Stopped
    return summary


def read_items(inputs: Sequence[Input], meter: Callable[[int], None] = lambda _: None) -> Iterator[Item]:
    """The rows of all inputs, one after the other."""
    for one in inputs:
        yield from one.items(meter)


def count_rows(source: Path) -> int:
    """How many rows ``score_table`` would write for a file, folder or glob.

    Raises:
        DataError: see ``open_table``.
    """
    return sum(1 for found in find_sources([source]) for _ in open_table(found).rows())


def check_target(sources: Sequence[Path], target: Path, options: Options) -> None:
    """Whether ``target`` can be written.

    Raises:
        DataError: ``same_file``, ``bad_target``.
    """
    if any(target.resolve() == source.resolve() for source in sources):
        raise DataError("same_file", "the output would overwrite the input", where=str(target))
    if target.is_dir():
        raise DataError("bad_target", "a folder; the name of a file is wanted", where=str(target))
    if not target.parent.is_dir():
        raise DataError("bad_target", f"there is no folder {target.parent}", where=str(target))
    check_ending(target, excel=options.excel)


def plan_output(inputs: Sequence[Input], target: Path, classifier: Classifier, options: Options) -> Plan:
    """The columns of the output: the union of the inputs', in the order met, then ours."""
    columns = dict.fromkeys(name for one in inputs for name in one.table.columns)
    nested = check_ending(target) == PARQUET
    ours = [*NESTED_NAMES] if nested else flat_names(classifier.contract.taxonomy)
    if options.stories:
        check_installed()
        ours.append("story")
    if len(inputs) > 1:
        ours.append("source")
    return make_plan(list(columns), ours)


def seal(inputs: Sequence[Input], checkpoint: Checkpoint, options: Options) -> dict[str, object]:
    """All that the bytes of the output depend on, in plain values."""
    chosen = {f.name: getattr(options, f.name) for f in dataclasses.fields(Options) if f.metadata.get("sealed", True)}
    chosen["precision"] = options.precision or checkpoint.precision
    return {
        "format": FORMAT,
        "checkpoint": checkpoint.digest,
        "options": chosen,
        "input": {one.name: one.seal for one in inputs},
    }


def _stories(inputs: Sequence[Input], work: Work) -> Callable[[int], str]:
    """Row to the id of its story: all texts are read once for it, before any is scored."""
    texts = ("" if item.row.error else item.text for item in read_items(inputs))
    places = find_stories(texts, work.folder)
    return lambda row: story_id(int(places[row]))
