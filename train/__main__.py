"""``python -m train``: run (fine-tune), average, calibrate, measure, report, gate, ablate, curve, benchmark, pretrain,
masked-loss, loss-plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from data.errors import ConfigError, DataError, WijhaError
from models.checkpoint import DEFAULT

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
    from train.corpus import locate, read_ids, read_labelled, trained_on
    from train.evaluate import evaluate as score_all

    classifier = Classifier.load(checkpoint)
    wanted = read_ids(ids) if ids else None
    pointers = annotations or [locate(name) for name in read_config().data.annotations]
    items, notes = read_labelled(articles, pointers, classifier.contract.taxonomy)
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    items = [i for i in items if (wanted is None or i.article.id in wanted) and (not split or i.split == split)]
    learnt = len(trained_on(checkpoint) & {i.article.id for i in items})
    if learnt:
        typer.echo(f"note: {learnt} of these articles are among those this checkpoint learnt from", err=True)
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
def calibrate(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder.")],
    data: Annotated[list[str] | None, Option(help=f"{DATA} Instead of those it was made from.")] = None,
    relevance: Annotated[float | None, Option(help="Share of right relevance answers; 0: always answer.")] = None,
    stance: Annotated[float | None, Option(help="Share of right stances; 0: always answer.")] = None,
) -> None:
    """Choose temperatures, thresholds and abstention anew on the dev articles; the weights stay as they are."""
    from train.config import read_config
    from train.run import recalibrate

    shares = {name: value for name, value in (("relevance", relevance), ("stance", stance)) if value is not None}
    changes: dict[str, object] = {"abstention": shares}
    if data:
        changes["data"] = {"extra": _names(data)}
    recalibrate(checkpoint, read_config(checkpoint / "train_config.toml", **changes))


@app.command()
def average(
    checkpoints: Annotated[list[Path], typer.Argument(help="Checkpoint folders: trainings of one encoder and seed.")],
    out: Annotated[Path, Option("--out", "-o", help="Folder of the checkpoint that is their mean.")],
) -> None:
    """Write the mean of several checkpoints' weights as one checkpoint: as fast as each, often better than the best."""
    from train.average import average as mean

    mean(checkpoints, out)
    typer.echo(str(out))


@app.command()
def report(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint folder.")] = DEFAULT,
    data: Annotated[list[str] | None, Option(help=f"{DATA} Instead of those it was made from.")] = None,
    out: Annotated[Path, Option("--out", "-o", help="The page.")] = Path("runs/report.html"),
    curve: Annotated[Path | None, Option(help="results.json of `curve`.")] = None,
    ablations: Annotated[Path | None, Option(help="results.json of `ablate`.")] = None,
) -> None:
    """Measure a checkpoint through the path that serves, and write a page with tables and plots."""
    from train.report import report as write

    write(checkpoint, out, data=_names(data or []), curve=curve, ablations=ablations)
    typer.echo(str(out))


@app.command()
def gate(
    raise_floors: Annotated[
        bool, Option("--raise", help="Raise the floors to what is measured, less the slack.")
    ] = False,
    because: Annotated[str, Option(help="With --raise: why floors may fall, or rest on other articles. Kept.")] = "",
    floors: Annotated[Path | None, Option(help="The history; default: train/floors.json.")] = None,
) -> None:
    """Measure the bundled checkpoint on the bundled articles; status 1 where it fell below a floor."""
    from datetime import UTC, datetime

    from models.checkpoint import Checkpoint
    from train import gate as gates

    opened, floors = Checkpoint.open(DEFAULT), floors or gates.FLOORS
    if because and not raise_floors:
        raise ConfigError("bad_option", "goes with --raise", where="--because")
    if raise_floors:
        found = gates.measured(opened, gates.bundled_corpus())
        today = datetime.now(UTC).date().isoformat()
        history = gates.write_floors(found, opened.digest, made=today, because=because, path=floors)
        for line in history[-1].get("fallen", ()):
            typer.echo(f"floor lowered: {line}", err=True)
        typer.echo(f"{floors}: {len(history)} entries")
        return
    found, wrong = gates.gate(DEFAULT, floors)
    for name, body in found.items():
        typer.echo(f"{name} ({body['articles']}): " + ", ".join(f"{f} {v:.4f}" for f, v in body["figures"].items()))
    for line in wrong:
        typer.echo(f"below the floor: {line}", err=True)
    if wrong:
        raise typer.Exit(1)


@app.command()
def ablate(
    names: Annotated[list[str] | None, typer.Argument(help="Of train/configs/ablations; default: all.")] = None,
    config: Annotated[Path | None, Option(help="TOML laid over train/configs/base.toml.")] = None,
    data: Annotated[list[str] | None, Option(help=DATA)] = None,
    out: Annotated[Path, Option("--out", "-o", help="Folder; given again, it goes on.")] = Path("runs/ablations"),
) -> None:
    """Train without one part at a time, and the [CLS] baseline; a table of what each is good for."""
    from train.sweep import ablations, sweep, table

    typer.echo(table(sweep(ablations(names or []), out, config=config, data=_names(data or []), first_token=not names)))


@app.command()
def curve(
    config: Annotated[Path | None, Option(help="TOML laid over train/configs/base.toml.")] = None,
    data: Annotated[list[str] | None, Option(help=DATA)] = None,
    out: Annotated[Path, Option("--out", "-o", help="Folder; given again, it goes on.")] = Path("runs/curve"),
) -> None:
    """Train on an eighth, a quarter, a half and all of the training articles; a table for `report --curve`."""
    from train.sweep import data_sizes, sweep, table

    typer.echo(table(sweep(data_sizes(), out, config=config, data=_names(data or []))))


@app.command()
def benchmark(
    folder: Annotated[Path, typer.Argument(help="Folder of the sets; see docs/benchmarks.md.")],
    sets: Annotated[
        list[str] | None, Option("--set", help="One set; may be given again. Default: all that are there.")
    ] = None,
    seeds: Annotated[int, Option(min=0, help="How many; 0: the linear model alone.")] = 5,
    base: Annotated[str, Option(help="Encoder: a hub id, a folder, or `random` weights.")] = "models/base",
    epochs: Annotated[list[float] | None, Option(help="Chosen from, on a part of train; may be given again.")] = None,
    trainings: Annotated[int, Option(min=1, help="Of each seed, whose weights are averaged.")] = 1,
    results: Annotated[Path, Option(help="Folder of the results; given again, it goes on.")] = Path("docs/benchmarks"),
    work: Annotated[Path, Option(help="Folder of the sets as articles, and of checkpoints.")] = Path("runs/benchmarks"),
    out: Annotated[Path, Option("--out", "-o", help="The page.")] = Path("docs/benchmarks.md"),
) -> None:
    """Train and score on public sets, beside TF-IDF and the published figures."""
    from train.benchmark import EPOCHS, Plan
    from train.benchmark import benchmark as make
    from train.benchmark_sets import SETS
    from train.benchmark_table import render

    plan = Plan(range(1, seeds + 1), base, tuple(epochs or EPOCHS), results, work, trainings)
    wanted = sets or [name for name in SETS if (folder / name).is_dir()]
    if not wanted:
        raise DataError("source_missing", f"none of {', '.join(SETS)} there", where=str(folder))
    for name in wanted:
        make(folder, name, plan, typer.echo)
        out.write_text(render(results), encoding="utf-8")
    typer.echo(str(out))


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


@app.command("masked-loss")
def masked_loss(
    encoders: Annotated[list[Path], typer.Argument(help="Encoder folders, with the head for masked tokens.")],
    text: Annotated[str, Option(help="Texts that they did not learn from: folder, file or hub data set.")],
    rows: Annotated[int, Option(min=1, help="Rows of 128 tokens, from the first documents.")] = 512,
) -> None:
    """Loss at hidden tokens of other texts; prints a JSON line an encoder."""
    from data.documents import read_documents
    from train.masked_loss import masked_loss as measure_loss

    for encoder in encoders:
        typer.echo(json.dumps({"encoder": str(encoder)} | measure_loss(encoder, read_documents(text), most=rows)))


@app.command("loss-plot")
def loss_plot(
    logs: Annotated[list[Path], typer.Argument(help="log.jsonl of a pretraining, or of several in their order.")],
    out: Annotated[Path, Option("--out", "-o", help="The picture, .png or .svg.")] = Path("runs/pretrain/loss.png"),
    before: Annotated[int, Option(min=0, help="Tokens seen before the first.")] = 0,
) -> None:
    """Draw the loss of pretraining against the tokens seen."""
    from train.loss_plot import loss_plot as draw

    draw(logs, out, before=before)
    typer.echo(str(out))


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
