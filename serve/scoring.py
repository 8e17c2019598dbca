"""A table in, the same table with labels out: streamed, in order, no row lost."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from data.article import Article
from data.errors import ArticleError, DataError
from data.tables import TEXT_COLUMNS, TITLE_COLUMNS, Row, Writer, open_table
from models.classifier import Answer, Classifier
from models.contract import Contract

_CHUNK = 32  # rows handed to the model together
_AHEAD = 3  # chunks under way: the next is read and tokenised while one is computed


@dataclass
class Summary:
    """What a run found.

    Attributes:
        topics: (topic, stance or "") to number of rows.
    """

    rows: int = 0
    errors: int = 0
    windows: int = 0
    topics: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True)
class Plan:
    """Which columns are read and written.

    Attributes:
        added: our column's plain name to the name it has in this output.
    """

    text: str
    title: str | None
    columns: tuple[str, ...]
    added: Mapping[str, str]
    notes: tuple[str, ...]


def score_table(
    source: Path,
    target: Path,
    classifier: Classifier,
    *,
    model: str,
    text_column: str | None = None,
    title_column: str | None = None,
    excel: bool = False,
    said: Callable[[str], None] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Score ``source`` into ``target``.

    Args:
        model: names the checkpoint in every row.
        said: gets what a person should know: columns, encoding, collisions.
        progress: gets the number of rows just written.

    Raises:
        DataError: before anything is scored, where the table as a whole can't be read (see ``open_table``) or has no
            column of text (``no_text_column``), or where ``target`` can't be written (``same_file``, ``bad_target``).
    """
    _check_target(source, target)
    table = open_table(source)
    text = table.column(text_column, TEXT_COLUMNS, what="text", taken=title_column)
    title = table.column(title_column, TITLE_COLUMNS, what="title", taken=text)
    plan = make_plan(table.columns, classifier.contract, text, title, where=str(source))
    separator = {"\t": "tab"}.get(table.separator, table.separator) or "JSON Lines"
    said(f"{source.name}: {table.encoding}, separator {separator}; text column {plan.text!r}, title {plan.title!r}")
    for name in table.renamed:
        said(f"a header that stood twice or was empty is now {name!r}")
    for note in plan.notes:
        said(note)
    summary = Summary()
    beside = target.with_name(target.name + ".part" + target.suffix)
    try:
        writer = Writer(beside, plan.columns, excel=excel)
    except OSError as error:
        raise DataError("bad_target", f"can't be written: {error.strerror}", where=str(target)) from error
    try:
        with writer, ThreadPoolExecutor(_AHEAD) as pool:
            for rows, answers in _ahead(pool, classifier, table.rows(), plan):
                for row, answer in zip(rows, answers, strict=True):
                    writer.write(_output(row, answer, plan, classifier.contract, model, summary))
                progress(len(rows))
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)  # where something failed; else it has its name by now
    return summary


def _check_target(source: Path, target: Path) -> None:
    if target.resolve() == source.resolve():
        raise DataError("same_file", "the output would overwrite the input", where=str(target))
    if target.is_dir():
        raise DataError("bad_target", "a folder; the name of a file is wanted", where=str(target))
    if not target.parent.is_dir():
        raise DataError("bad_target", f"there is no folder {target.parent}", where=str(target))


def make_plan(columns: Sequence[str], contract: Contract, text: str | None, title: str | None, *, where: str) -> Plan:
    """Columns in and out; ours are renamed where the input uses the same name.

    Raises:
        DataError: ``no_text_column``.
    """
    if text is None:
        known = ", ".join(columns)
        raise DataError("no_text_column", f"name it with --text-column; the table has: {known}", where=where)
    wanted = [
        name
        for topic in contract.taxonomy.ids
        for name in (
            topic,
            *(f"{topic}_{part}" for part in ("probability", "abstained", "stance", "stance_probability", "evidence")),
        )
    ]
    added, notes = {}, []
    for plain in [*wanted, "windows", "warnings", "error", "model"]:
        free = plain
        while free in columns:
            free = f"wijha_{free}"
        if free != plain:
            notes.append(f"the input has a column {plain!r}; ours is {free!r}")
        added[plain] = free
    return Plan(text, title, (*columns, *added.values()), added, tuple(notes))


def _ahead(
    pool: ThreadPoolExecutor, classifier: Classifier, rows: Iterator[Row], plan: Plan
) -> Iterator[tuple[list[Row], list[Answer | ArticleError]]]:
    """Chunks with their answers, in order, a few under way at a time."""
    waiting: deque[tuple[list[Row], Future[list[Answer | ArticleError]]]] = deque()
    chunks = iter(lambda: list(itertools.islice(rows, _CHUNK)), [])
    for chunk in chunks:
        waiting.append((chunk, pool.submit(_score, classifier, chunk, plan)))
        if len(waiting) >= _AHEAD:
            done, future = waiting.popleft()
            yield done, future.result()
    for done, future in waiting:
        yield done, future.result()


def _score(classifier: Classifier, rows: Iterable[Row], plan: Plan) -> list[Answer | ArticleError]:
    rows = list(rows)
    readable = [row for row in rows if not row.error]
    articles = [
        Article(
            str(row.number),
            row.values[plan.title] if plan.title else "",
            row.values[plan.text],
        )
        for row in readable
    ]
    answers = iter(classifier.classify(articles))
    return [ArticleError(*row.error.split(": ", 1)) if row.error else next(answers) for row in rows]


def _output(
    row: Row, answer: Answer | ArticleError, plan: Plan, contract: Contract, model: str, summary: Summary
) -> dict[str, str]:
    summary.rows += 1
    ours = {"model": model}
    if isinstance(answer, ArticleError):
        summary.errors += 1
        ours["error"] = str(answer)
    else:
        summary.windows += answer.windows
        ours |= {"windows": str(answer.windows), "warnings": " ".join(answer.warnings)}
        for topic in answer.topics:
            decision = topic.decision
            ours[topic.topic] = {True: "yes", False: "no", None: ""}[decision.relevant]
            ours[f"{topic.topic}_abstained"] = "yes" if decision.abstained else "no"
            ours[f"{topic.topic}_probability"] = f"{decision.probability:.4f}"
            if decision.relevant:
                summary.topics[topic.topic, decision.stance or ""] += 1
            if decision.stance is not None:
                ours[f"{topic.topic}_stance"] = decision.stance
                chance = decision.stances[contract.taxonomy.stances.index(decision.stance)]
                ours[f"{topic.topic}_stance_probability"] = f"{chance:.4f}"
            ours[f"{topic.topic}_evidence"] = " | ".join(e.text for e in topic.evidence)
    return {**row.values, **{plan.added[name]: value for name, value in ours.items()}}
