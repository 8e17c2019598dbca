"""``python -m data``: check labelled articles, compare two readers, go in and out of annotation tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from data.agreement import compare
from data.article import Article, LabelledArticle
from data.articles import FOLDER, NOBODY, read_articles, write_articles
from data.check import inspect, problems
from data.errors import DataError, WijhaError
from data.labelstudio import labelling_config, read_tasks, to_tasks
from data.sheet import read_sheet, write_sheet
from data.taxonomy import BUNDLED, Taxonomy

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Option = typer.Option
TaxonomyFile = Annotated[Path, Option("--taxonomy", help="Taxonomy file; default: the bundled one.")]


@app.command()
def check(
    source: Annotated[Path, typer.Argument(metavar="[FILE]", help="File or folder; default: the bundled.")] = FOLDER,
    taxonomy: TaxonomyFile = BUNDLED,
    as_json: Annotated[bool, Option("--json", help="Figures as JSON.")] = False,
) -> None:
    """Count, measure shortcuts, and name every fault; exit status 1 where there is one."""
    topics = Taxonomy.read(taxonomy)
    articles = _read(source, topics)
    figures = inspect(articles, topics)
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False, indent=1))
    else:
        _print(figures)
    faults = problems(articles, topics)
    for line in faults:
        typer.echo(f"wrong: {line}", err=True)
    if faults:
        raise typer.Exit(1)


@app.command()
def agreement(
    first: Annotated[Path, typer.Argument(help="One reader's labels.")],
    second: Annotated[Path, typer.Argument(help="The other's, of the same articles.")],
    texts: Annotated[Path, Option(help="Where the texts are that the labels leave out.")] = FOLDER,
    taxonomy: TaxonomyFile = BUNDLED,
) -> None:
    """Compare two readers: Cohen's kappa for relevance and stance, evidence, Krippendorff's alpha; prints JSON."""
    topics = Taxonomy.read(taxonomy)
    known = {item.article.id: item.article for item in _read(texts, topics)}
    found = compare(_read(first, topics, known), _read(second, topics, known), topics)
    typer.echo(json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False))


@app.command(name="export")
def export_(
    source: Annotated[Path, typer.Argument(help="File or folder of articles.")],
    target: Annotated[Path, typer.Argument(help=".json (Label Studio tasks) or .csv (spreadsheet).")],
    blind: Annotated[bool, Option(help="Leave the labels out, for an independent reading.")] = False,
    taxonomy: TaxonomyFile = BUNDLED,
) -> None:
    """Write articles for an annotation tool. With .json, the labelling configuration comes beside it as .xml."""
    topics = Taxonomy.read(taxonomy)
    articles = _read(source, topics)
    if target.suffix == ".json":
        target.write_text(json.dumps(to_tasks(articles, blind=blind), ensure_ascii=False, indent=1), encoding="utf-8")
        target.with_suffix(".xml").write_text(labelling_config(topics), encoding="utf-8")
    elif target.suffix == ".csv":
        write_sheet(target, articles, topics, blind=blind)
    else:
        raise DataError("unknown_kind", "the output ends in .json (Label Studio) or .csv", where=str(target))
    typer.echo(f"{target}: {len(articles)} articles")


@app.command(name="import")
def import_(
    source: Annotated[Path, typer.Argument(help="Label Studio's JSON export, or a filled .csv.")],
    target: Annotated[Path, typer.Argument(help=".jsonl of labelled articles.")],
    taxonomy: TaxonomyFile = BUNDLED,
) -> None:
    """Read annotations into a file that training takes (DATA=)."""
    topics = Taxonomy.read(taxonomy)
    articles = read_tasks(source, topics) if source.suffix == ".json" else read_sheet(source, topics)
    write_articles(target, articles)
    typer.echo(f"{target}: {len(articles)} articles")


def _read(source: Path, taxonomy: Taxonomy, known: Mapping[str, Article] = NOBODY) -> list[LabelledArticle]:
    return [item for file in read_articles(source, taxonomy, known=known) for item in file.articles]


def _print(figures: Mapping[str, Any]) -> None:
    words = figures["words"]
    typer.echo(
        f"{figures['articles']} articles, {figures['events']} events, {figures['voices']} voices,"
        f" {words['total']} words ({words['least']} to {words['most']} an article, median {words['median']},"
        f" {words['over_400']} over 400)"
    )
    typer.echo("splits: " + ", ".join(f"{name} {n}" for name, n in figures["splits"].items()))
    for topic, counts in figures["topics"].items():
        typer.echo(f"{topic}: " + ", ".join(f"{name} {n}" for name, n in counts.items()))
    typer.echo("together: " + ", ".join(f"{name} {n}" for name, n in figures["together"].items()))
    typer.echo("genres: " + ", ".join(f"{name} {n}" for name, n in figures["genres"].items()))
    for topic, parts in figures["shortcuts"].items():
        for part, s in parts.items():
            if s:
                typer.echo(
                    f"shortcut, {topic}, {part} (n {s['n']}): always the same {s['constant']}, one word {s['word']}"
                    f" («{s['which']}»), genre {s['genre']}, length {s['length']}"
                )


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
