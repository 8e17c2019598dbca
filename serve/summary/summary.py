"""From scored tables to a report: reads them once, says what it took for what, writes what was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from data.errors import CheckpointError, ConfigError, DataError
from data.sources import Source, find_sources
from data.writers import check_ending
from models.checkpoint import BUNDLED, MANIFEST, Checkpoint
from serve.summary.dates import Order, find_order, read_bound, read_date
from serve.summary.figures import Figures, Note, to_json, write_csv
from serve.summary.report import LANGUAGES, render, sentence
from serve.summary.scored import ScoredTable, open_scored, shown_name
from serve.summary.tallies import Tally


@dataclass(frozen=True)
class Choice:
    """What is summarized, as given at the command line.

    Attributes:
        first, last: ends of the period, both in it: a year, a month or a day; empty: open.
        outlets: only these; all where there are none.
        date_column, outlet_column: found by their usual names where ``None``.
        checkpoint: the one that scored; looked for among the bundled ones where ``None``.
    """

    first: str = ""
    last: str = ""
    outlets: tuple[str, ...] = ()
    date_column: str | None = None
    outlet_column: str | None = None
    checkpoint: Path | None = None


@dataclass(frozen=True)
class Outputs:
    """What is written.

    Attributes:
        report: the HTML file.
        json: all figures; not written where ``None``.
        csv: the tidy table; likewise.
        lang: of the report, ``ar`` or ``en``.
    """

    report: Path
    json: Path | None = None
    csv: Path | None = None
    lang: str = "ar"


def summarize(
    sources: Sequence[Path],
    choice: Choice,
    outputs: Outputs,
    *,
    said: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Read scored tables and write what they say; a file appears under its name when it is whole.

    Args:
        sources: files, folders and globs; counted together.
        said: gets what a person should know.

    Raises:
        DataError: as ``open_scored``; ``nothing_left`` where the filter leaves no row; ``same_file``, ``bad_target``.
        ConfigError: ``bad_date``, ``bad_language``.
    """
    if outputs.lang not in LANGUAGES:
        raise ConfigError("bad_language", f"{outputs.lang!r} is none of {', '.join(LANGUAGES)}", where="--lang")
    if outputs.csv:
        check_ending(outputs.csv, excel=True)
    files = find_sources(sources, but=outputs.csv)
    targets = [path for path in (outputs.report, outputs.json, outputs.csv) if path]
    _check_targets(files, targets)
    figures = count(files, choice, said)
    page = render(figures, outputs.lang)
    _write(outputs.report, lambda path: path.write_text(page, encoding="utf-8"))
    if outputs.json:
        text = json.dumps(to_json(figures), ensure_ascii=False, indent=1)
        _write(outputs.json, lambda path: path.write_text(text, encoding="utf-8"))
    if outputs.csv:
        _write(outputs.csv, lambda path: write_csv(path, figures.counts))
    errors = figures.tally.rows - figures.scored
    said(f"{figures.scored} articles, {errors} errors: {', '.join(str(path) for path in targets)}")
    return figures


def count(files: Sequence[Source], choice: Choice, said: Callable[[str], None] = lambda _: None) -> Figures:
    """Read the files once and count; as ``summarize``."""
    first = read_bound(choice.first, last=False, where="--from") if choice.first else date.min
    last = read_bound(choice.last, last=True, where="--to") if choice.last else date.max
    if first > last:
        raise ConfigError("bad_date", "the period ends before it begins", where="--to")
    wanted = {shown_name(outlet).casefold() for outlet in choice.outlets}
    columns = {"date_column": choice.date_column, "outlet_column": choice.outlet_column}
    tables = [open_scored(file, **columns) for file in files]
    checkpoint = _find_checkpoint(tables, choice.checkpoint)
    tally = Tally(_thresholds(checkpoint))
    notes: list[Note] = []
    met: set[str] = set()
    outside = undated = unread = beyond = 0
    for table in tables:
        order, more = _look(table)
        notes += more
        for row in table.rows():
            day = read_date(row.date, day_first=order.day_first) if row.date else None
            name = row.outlet.casefold()
            met |= {name} & wanted
            inside = first <= day <= last if day else not (choice.first or choice.last)
            if not inside or (wanted and name not in wanted):
                outside += 1
                beyond += day is None and bool(choice.first or choice.last)
                continue
            undated += day is None
            unread += day is None and bool(row.date.strip())
            tally.add(row, day)
    if not tally.rows:
        raise DataError("nothing_left", "no row is left; the tables are empty, or the filter fits none")
    counts = tally.counts()
    dated = any("date" in table.columns for table in tables)
    notes += [
        *(Note("no_such_outlet", {"name": name}) for name in choice.outlets if shown_name(name).casefold() not in met),
        *([Note("undated", {"n": undated, "unread": unread})] if undated and dated else []),
        *([Note("undated_outside", {"n": beyond})] if beyond else []),
        *([Note("many_models", {"names": ", ".join([*tally.models][:5])})] if len(tally.models) > 1 else []),
        *([Note("unshared")] if tally.unshared else []),
        *([Note("folded", {"n": tally.folded})] if tally.folded else []),
    ]
    chosen = {"from": choice.first, "to": choice.last, "outlets": list(choice.outlets)}
    distinct = tuple({(note.code, str(note.values)): note for note in notes}.values())
    for note in distinct:
        said(sentence(note, "en"))
    names = tuple(dict.fromkeys(file.path.name for file in files))
    return Figures(names, tally, counts, distinct, chosen, outside, undated, checkpoint)


def _check_targets(files: Sequence[Source], targets: Sequence[Path]) -> None:
    known = {file.path.resolve() for file in files}
    for target in targets:
        if target.resolve() in known:
            raise DataError("same_file", "would overwrite another file of this run", where=str(target))
        if target.is_dir() or not target.parent.is_dir():
            raise DataError("bad_target", "the name of a file in a folder that is there is wanted", where=str(target))
        known.add(target.resolve())


def _write(target: Path, write: Callable[[Path], object]) -> None:
    beside = target.with_name(target.name + ".part" + target.suffix)
    try:
        write(beside)
        beside.replace(target)
    except OSError as error:
        raise DataError("bad_target", f"can't be written: {error.strerror}", where=str(target)) from error
    finally:
        beside.unlink(missing_ok=True)


def _look(table: ScoredTable) -> tuple[Order, list[Note]]:
    """The order of the dates, and what is to be said of the columns."""
    notes = []
    order = Order()
    if "date" in table.columns:
        notes.append(Note("date_column", {"name": table.columns["date"]}))
        order = find_order(table.cells("date"))
        if order.seen:
            shape = ("day_first" if order.day_first else "month_first") if order.shown else "order_unknown"
            notes.append(Note(shape, {"seen": order.seen, "shown": order.shown, "against": order.against}))
    else:
        notes.append(Note("no_dates"))
    if "outlet" in table.columns:
        notes.append(Note("outlet_column", {"name": table.columns["outlet"]}))
    else:
        notes.append(
            Note("outlet_of_url", {"name": table.columns["url"]}) if "url" in table.columns else Note("no_outlets")
        )
    return order, notes


def _find_checkpoint(tables: Sequence[ScoredTable], given: Path | None) -> Checkpoint | None:
    """The checkpoint given, or the bundled one whose digest the first scored row names. Its weights are not read."""
    if given:
        return Checkpoint.open(given, verify=False)
    rows = (model for table in tables if "model" in table.columns for model in table.cells("model"))
    digest = next((model.rpartition("@")[2] for model in rows if "@" in model), "")
    for manifest in sorted(BUNDLED.glob(f"*/{MANIFEST}")):
        try:
            opened = Checkpoint.open(manifest.parent, verify=False)
        except CheckpointError:
            continue  # it names nothing; the report is no worse for it
        if len(digest) >= 8 and opened.digest.startswith(digest):
            return opened
    return None


def _thresholds(checkpoint: Checkpoint | None) -> dict[str, float]:
    if checkpoint is None:
        return {}
    contract = checkpoint.contract
    return {t: c.threshold for t, c in zip(contract.taxonomy.ids, contract.calibration, strict=True)}
