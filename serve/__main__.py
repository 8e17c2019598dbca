"""``python -m serve``: api (HTTP) and score (a table of articles)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from data.errors import WijhaError

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Option = typer.Option


@app.command()
def api(
    host: Annotated[str | None, Option(help="Address [WIJHA_HOST; 127.0.0.1].")] = None,
    port: Annotated[int | None, Option(help="Port [WIJHA_PORT; 8000].")] = None,
    checkpoint: Annotated[Path | None, Option(help="Checkpoint folder [WIJHA_CHECKPOINT; the bundled one].")] = None,
) -> None:
    """Serve the HTTP API."""
    import uvicorn

    from serve.app import create_app
    from serve.settings import Settings

    given = {"host": host, "port": port, "checkpoint": checkpoint}
    settings = Settings.read(**{name: value for name, value in given.items() if value is not None})
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_level="info")


@app.command()
def score(
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV, TSV or JSON Lines.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="CSV, TSV or JSON Lines, by its ending.")],
    text_column: Annotated[str | None, Option(help="Column of the body; default: by its name.")] = None,
    title_column: Annotated[str | None, Option(help="Column of the headline; default: by its name.")] = None,
    checkpoint: Annotated[Path | None, Option(help="Checkpoint folder; default: the bundled one.")] = None,
    excel: Annotated[bool, Option(help="For spreadsheets: a byte order mark, and no cell that is a formula.")] = False,
) -> None:
    """Score a table of articles: every column kept, topics, stances and evidence added."""
    from models.checkpoint import DEFAULT, Checkpoint
    from models.classifier import Classifier
    from serve.scoring import score_table

    console = Console(stderr=True)
    opened = Checkpoint.open(checkpoint or DEFAULT)
    classifier = Classifier.load(opened)
    began = time.monotonic()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("articles", total=None, rate="")
        rows = 0

        def progress(written: int) -> None:
            nonlocal rows
            rows += written
            bar.update(task, advance=written, rate=f"{rows / (time.monotonic() - began):.1f}/s")

        summary = score_table(
            source,
            target,
            classifier,
            model=f"{opened.name}@{opened.digest[:12]}",
            text_column=text_column,
            title_column=title_column,
            excel=excel,
            said=lambda line: console.print(line, markup=False, highlight=False),
            progress=progress,
        )
    spent = time.monotonic() - began
    rate = f"{summary.rows / spent:.1f}/s"
    console.print(f"{summary.rows} rows in {spent:.1f} s ({rate}), {summary.windows} windows, {summary.errors} errors")
    for (topic, stance), count in sorted(summary.topics.items()):
        console.print(f"  {topic} {stance}: {count}", markup=False)


def main() -> None:
    """Entry point: a mistake of the user's is one line and exit status 2, never a traceback."""
    try:
        app()
    except WijhaError as error:
        typer.echo(f"wijha: {error}", err=True)
        raise SystemExit(2) from error
    except OSError as error:  # a folder that is not there, a file that may not be read, a disk that is full
        typer.echo(f"wijha: os_error: {error}", err=True)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
