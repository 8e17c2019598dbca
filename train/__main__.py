"""``python -m train``: run (fine-tune), evaluate, export, pretrain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from data.errors import WijhaError

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Option = typer.Option


@app.command()
def run(
    base: Annotated[str | None, Option(help="Encoder: a Hugging Face hub id or a folder.")] = None,
    data: Annotated[list[str] | None, Option(help="File or folder of labelled articles; may be given again.")] = None,
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
        changes["data"] = {"extra": [*settings.data.extra, *(path for item in data for path in item.split())]}
    if name:
        changes["name"] = name
    run_all(read_config(config, **changes), out)


@app.command()
def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder.")],
    articles: Annotated[list[Path], typer.Argument(help="Files or folders of labelled articles.")],
    ids: Annotated[Path | None, Option(help="Only the articles whose ids this file lists.")] = None,
    split: Annotated[str, Option(help="Only articles of this split.")] = "",
) -> None:
    """Measure a checkpoint on labelled articles; prints JSON."""
    from data.articles import read_articles
    from models.classifier import Classifier
    from train.evaluate import evaluate as measure

    classifier = Classifier.load(checkpoint)
    items = [i for path in articles for s in read_articles(path, classifier.contract.taxonomy) for i in s.articles]
    wanted = set(ids.read_text(encoding="utf-8").split()) if ids else None
    items = [i for i in items if (wanted is None or i.article.id in wanted) and (not split or i.split == split)]
    typer.echo(json.dumps(measure(classifier, items), ensure_ascii=False, indent=1))


@app.command()
def pretrain(
    corpus: Annotated[str, Option(help="Folder or file of text, or a Hugging Face data set.")],
    out: Annotated[Path, Option(help="Folder of the run; given again, the run goes on.")] = Path("runs/pretrain"),
    config: Annotated[Path | None, Option(help="TOML laid over train/configs/pretrain.toml.")] = None,
    init: Annotated[Path | None, Option(help="Encoder folder to go on from.")] = None,
) -> None:
    """Pretrain an encoder by masked language modelling."""
    from train.pretrain import PretrainConfig
    from train.pretrain import pretrain as run_all

    typer.echo(str(run_all(corpus, out, config=PretrainConfig.read(config), init=init)))


def main() -> None:
    """Entry point: a mistake of the user's is one line and exit status 2, never a traceback."""
    try:
        app()
    except WijhaError as error:
        typer.echo(f"wijha: {error}", err=True)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
