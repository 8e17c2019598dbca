"""``python -m serve``: api (HTTP), score (a table of articles) and summarize (a report on what was scored)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from data.errors import ConfigError, WijhaError

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Option = typer.Option
CLOSING = 5  # seconds for answers to reach their clients, once everything is computed


@app.command()
def api(
    host: Annotated[str | None, Option(help="Address [WIJHA_HOST; 127.0.0.1].")] = None,
    port: Annotated[int | None, Option(help="Port [WIJHA_PORT; 8000].")] = None,
    checkpoint: Annotated[Path | None, Option(help="Checkpoint folder [WIJHA_CHECKPOINT; the bundled one].")] = None,
    workers: Annotated[int | None, Option(help="Processes [WIJHA_WORKERS; 1].")] = None,
) -> None:
    """Serve the HTTP API."""
    import uvicorn

    from serve.keys import required_keys
    from serve.logs import log_config
    from serve.settings import Settings
    from serve.telemetry import counting_together

    flags = {"host": host, "port": port, "checkpoint": checkpoint, "workers": workers}
    given = {name: value for name, value in flags.items() if value is not None}
    settings = Settings.read(**given)
    required_keys(settings)  # so that this is said here, once, and not by every worker
    os.environ |= {f"WIJHA_{name.upper()}": str(value) for name, value in given.items()}  # workers read it there
    with counting_together(settings.workers):
        uvicorn.run(
            "serve.app:create_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_config=log_config(settings.log_format),
            log_level="info",
            access_log=False,  # there is one with request ids, and without what stands behind a question mark
            server_header=False,
            timeout_graceful_shutdown=CLOSING,
        )


@app.command()
def key(name: Annotated[str, typer.Argument(help="Whose key it is; stands in the file before its hash.")]) -> None:
    """Make a key: its first line is for the client, its second for the file that WIJHA_KEYS_FILE names."""
    from serve.keys import new_key

    for line in new_key(name):
        typer.echo(line)


@app.command()
def score(
    paths: Annotated[list[str], typer.Argument(metavar="IN... OUT", help="Files, folders, globs; last the output.")],
    text_column: Annotated[str | None, Option(help="Column of the body; default: by its name.")] = None,
    title_column: Annotated[str | None, Option(help="Column of the headline; default: by its name.")] = None,
    checkpoint: Annotated[Path | None, Option(help="Checkpoint folder [WIJHA_CHECKPOINT; the bundled one].")] = None,
    excel: Annotated[bool, Option(help="For spreadsheets: a byte order mark, and no cell that is a formula.")] = False,
    stories: Annotated[bool, Option(help="A column story, the same for near copies.")] = False,
    summary: Annotated[Path | None, Option(help="Write what was found as JSON, too.", metavar="FILE")] = None,
    fresh: Annotated[bool, Option(help="Start over where an earlier run was cut off.")] = False,
    engine: Annotated[str, Option(help="local, or ray: on a cluster; see docs/scaling.md.")] = "local",
    address: Annotated[str | None, Option(help="Ray's: auto, host:6379, ray://…; default: this machine alone.")] = None,
    actors: Annotated[int, Option(help="Ray's: at most so many; 0: as many as there is room for.", min=0)] = 0,
    cpus: Annotated[int, Option(help="Ray's: cores of one actor.", min=1)] = 1,
    gpus: Annotated[float, Option(help="Ray's: GPUs of one actor, with WIJHA_BACKEND=torch.", min=0)] = 0.0,
) -> None:
    """Score tables of articles: every column kept; topics, stances and evidence added.

    IN is CSV, TSV, JSON Lines or Parquet, also as .gz, .zst or .zip; OUT is one of them by its ending. A run that was
    cut off goes on when the same command is given again.
    """
    from serve.batch import run_batch
    from serve.scoring import Options
    from serve.settings import Settings

    if len(paths) < 2:
        raise ConfigError("bad_arguments", "IN and OUT are wanted: python -m serve score articles.csv scored.csv")
    settings = Settings.read(**({} if checkpoint is None else {"checkpoint": checkpoint}))
    options = Options(
        text_column=text_column,
        title_column=title_column,
        excel=excel,
        stories=stories,
        max_characters=settings.max_characters,
        backend=settings.backend,
        precision=settings.precision,
        fresh=fresh,
    )
    if engine == "ray":
        from serve.cluster import Cluster
        from serve.ray_engine import run_cluster

        run_cluster(paths[:-1], paths[-1], settings, options, Cluster(address, actors, cpus, gpus), summary)
    elif engine == "local":
        run_batch([Path(path) for path in paths[:-1]], Path(paths[-1]), settings, options, summary)
    else:
        raise ConfigError("bad_engine", f"{engine!r} is neither local nor ray", where="--engine")


@app.command()
def summarize(
    sources: Annotated[list[Path], typer.Argument(metavar="SCORED...", help="Scored tables, or folders of Parquet.")],
    output: Annotated[Path, Option("-o", "--output", help="The report, one HTML file.")] = Path("report.html"),
    json: Annotated[Path | None, Option(help="All figures, as JSON.")] = None,
    csv: Annotated[Path | None, Option(help="Shares with n and intervals, for a spreadsheet.")] = None,
    first: Annotated[str, Option("--from", help="First day, month or year: 2024-03-05, 2024-03, 2024.")] = "",
    last: Annotated[str, Option("--to", help="Last day, month or year.")] = "",
    outlet: Annotated[list[str] | None, Option(help="Only this outlet; may be repeated.")] = None,
    date_column: Annotated[str | None, Option(help="Column of the date; default: by its name.")] = None,
    outlet_column: Annotated[str | None, Option(help="Column of the outlet; default: by its name.")] = None,
    checkpoint: Annotated[Path | None, Option(help="Checkpoint that scored; default: found by its digest.")] = None,
    lang: Annotated[str, Option(help="Language of the report: ar or en.")] = "ar",
) -> None:
    """Report on scored tables: topics and stances by outlet and month, evidence, abstentions to review."""
    from serve.summary.summary import Choice, Outputs, summarize

    choice = Choice(first, last, tuple(outlet or ()), date_column, outlet_column, checkpoint)
    summarize(sources, choice, Outputs(output, json, csv, lang), said=lambda line: typer.echo(line, err=True))


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
