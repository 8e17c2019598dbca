"""``python -m train``: run (fine-tune), evaluate, measure, export, pretrain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from data.errors import DataError, WijhaError

DATA = "File or folder of labelled articles, or several with spaces between; may be given again."

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Option = typer.Option


@app.command()
def run(
    base: Annotated[str | None, Option(help="Encoder: a Hugging Face hub id or a folder.")] = None,
    data: Annotated[list[str] | None, Option(help=DATA)] = None,
    config: Annotated[Path | None, Option(help="TOML laid over train/configs/base.toml.")] = None,
    name: Annotated[str | None, Option(help="Name of the checkpoint.")] = None,
    out: Annotated[Path | None, Option(help="Folder of the checkpoint; default models/checkpoints/NAME.")] = None,
) -> None:
    """Fine-tune, calibrate, evaluate through the serving path, and write a checkpoint with its report."""
    from train.config import read_config
    from train.run import run as run_all

    settings = read_config(config)
    changes: dict[str, object] = {}
    if base:
        changes["encoder"] = {"base": base}
    if data:
        changes["data"] = {"extra": [*settings.data.extra, *_names(data)]}
    if name:
        changes["name"] = name
    run_all(read_config(config, **changes), out)


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder.")],
    articles: Annotated[list[Path], typer.Argument(help="Files or folders of labelled articles.")],
    annotations: Annotated[
        list[Path] | None, Option(help="Labels by id for articles that bring none; default: those of base.toml.")
    ] = None,
    ids: Annotated[Path | None, Option(help="Only the articles whose ids this file lists.")] = None,
    split: Annotated[str, Option(help="Only articles of this split.")] = "",
) -> None:
    """Measure a checkpoint on labelled articles; prints JSON."""
    from models.classifier import Classifier
    from train.config import read_config
    from train.corpus import locate, read_ids, read_labelled
    from train.evaluate import evaluate as score_all

    classifier = Classifier.load(checkpoint)
    wanted = read_ids(ids) if ids else None
    pointers = annotations or [locate(name) for name in read_config().data.annotations]
    items, notes = read_labelled(articles, pointers, classifier.contract.taxonomy)
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    items = [i for i in items if (wanted is None or i.article.id in wanted) and (not split or i.split == split)]
    if not items:
        raise DataError("no_articles", "no labelled article to measure on", where=", ".join(map(str, articles)))
    typer.echo(json.dumps(score_all(classifier, items), ensure_ascii=False, indent=1))


@app.command()
def measure(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder.")],
    data: Annotated[list[str] | None, Option(help=f"{DATA} Instead of those it was made from.")] = None,
) -> None:
    """Measure a finished checkpoint again, by its own configuration; rewrites its metrics and card."""
    from train.config import read_config
    from train.run import remeasure

    changes = {"data": {"extra": _names(data)}} if data else {}
    remeasure(checkpoint, read_config(checkpoint / "train_config.toml", **changes))


@app.command()
def export(checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder.")]) -> None:
    """Make the graph of a checkpoint again, from its configuration and weights."""
    from models.checkpoint import Checkpoint, seal
    from train.export import export_graph

    opened = Checkpoint.open(checkpoint)  # verified: what was changed by hand is not sealed as if it were ours
    taxonomy = opened.contract.taxonomy
    typer.echo(str(export_graph(checkpoint, topics=len(taxonomy.topics), stances=len(taxonomy.stances))))
    seal(checkpoint, opened.manifest)


@app.command()
def pretrain(
    corpus: Annotated[str, Option(help="Folder or file of text, or a Hugging Face data set.")],
    out: Annotated[Path, Option(help="Folder of the run; given again, the run goes on.")] = Path("runs/pretrain"),
    config: Annotated[Path | None, Option(help="TOML laid over train/configs/pretrain.toml.")] = None,
    init: Annotated[Path | None, Option(help="Encoder folder to go on from.")] = None,
) -> None:
    """Pretrain an encoder by masked language modelling."""
    from train.pretrain import pretrain as run_all
    from train.schedule import PretrainConfig

    typer.echo(str(run_all(corpus, out, config=PretrainConfig.read(config), init=init)))


def _names(data: list[str]) -> list[str]:
    """One path, or several with spaces between, as ``make train DATA="a b"`` gives them."""
    from train.corpus import locate

    return [name for item in data for name in ([item] if locate(item).exists() else item.split())]


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
