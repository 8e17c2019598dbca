"""The mean of several checkpoints' weights: one network, as fast as each of them. ``python -m train average``.

Trainings that begin with the same weights, the heads' among them (the same seed), and differ in rate, losses or
articles mostly end in one valley of the loss, and the middle of it is often lower than its sides: model soups
(Wortsman et al. 2022). Trainings of several seeds have other heads, whose mean is none. Those that differ in the order
of the articles alone are made and averaged in one go by ``optimizer.trainings``.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.errors import ConfigError
from models.card import render_scores
from models.checkpoint import Checkpoint, publish
from models.contract import Calibration
from models.weights import load_weights, save_weights
from train.config import read_config
from train.corpus import TRAINED_ON, trained_on
from train.export import WEIGHTS, export_graph
from train.run import check_free, finish, same_articles, untrained

_SHARED = ("tokenizer.json", "config.json")  # files that are the same in all of them


def average(folders: Sequence[Path], out: Path) -> Checkpoint:
    """Write the mean of the weights of ``folders`` to ``out``, calibrated and measured as one checkpoint.

    The settings of the first name the articles that this is done on. What any of them learnt from is never measured on.

    Raises:
        ConfigError: ``bad_option`` for fewer than two; ``not_alike`` where their encoders, seeds, topics or windows
            differ; ``not_a_checkpoint`` where ``out`` holds something else.
        CheckpointError: as ``Checkpoint.open``.
    """
    out = out.resolve()
    check_free(out)
    members = [Checkpoint.open(folder) for folder in folders]
    if len(members) < 2:
        raise ConfigError("bad_option", "two checkpoints or more are wanted", where="FOLDERS")
    for member in members[1:]:
        _check_alike(members[0], member)
    first = members[0].folder
    config = read_config(first / "train_config.toml", name=out.name)
    beside = out.with_name(out.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for name in _SHARED:
        shutil.copyfile(first / name, beside / name)
    save_weights(beside / WEIGHTS, _mean([member.folder / WEIGHTS for member in members]), int8=config.run.int8)
    (beside / "train_config.toml").write_text(config.to_toml(), encoding="utf-8")
    learnt = set().union(*(trained_on(member.folder) for member in members))
    (beside / TRAINED_ON).write_text("".join(f"{name}\n" for name in sorted(learnt)), encoding="utf-8")
    taxonomy = members[0].contract.taxonomy
    export_graph(beside, topics=len(taxonomy.topics), stances=len(taxonomy.stances))
    corpus = untrained(beside, config)
    contract = dataclasses.replace(members[0].contract, calibration=tuple(Calibration() for _ in taxonomy.topics))
    manifest = {key: value for key, value in members[0].manifest.items() if key not in ("format", "files")} | {
        "name": config.name,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "trainings": sum(member.manifest.get("trainings", 1) for member in members),
        "mean_of": [member.digest for member in members],
        "contract": contract.to_json(),
    }
    made: dict[str, Any] = {"bundled": config.data.bundled, "train_articles": len(learnt)}
    metrics = finish(beside, manifest, corpus, config, made, baselines=same_articles(beside, corpus, made))
    publish(beside, out)
    print(render_scores(metrics))
    return Checkpoint.open(out)


def _mean(files: Sequence[Path]) -> Mapping[str, npt.NDArray[np.float32]]:
    """The mean of each array, in the files' order; one file's arrays are in memory beside the sum."""
    total: dict[str, npt.NDArray[np.float32]] = {}
    for file in files:
        for name, array in load_weights(file).items():
            total[name] = total.get(name, np.float32(0)) + array.astype(np.float32)
    return {name: array / np.float32(len(files)) for name, array in total.items()}


def _check_alike(first: Checkpoint, other: Checkpoint) -> None:
    """Refuse to mix what has no common beginning."""
    apart = [name for name in _SHARED if first.manifest["files"][name] != other.manifest["files"][name]]
    apart += ["base_digest"] if first.manifest.get("base_digest") != other.manifest.get("base_digest") else []
    apart += [
        name for name in ("taxonomy", "windows") if getattr(first.contract, name) != getattr(other.contract, name)
    ]
    seeds = {read_config(member.folder / "train_config.toml").seed for member in (first, other)}
    apart += ["seed"] if len(seeds) > 1 else []
    if apart:
        raise ConfigError("not_alike", f"other {', '.join(apart)} than {first.folder}", where=str(other.folder))
