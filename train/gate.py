"""The quality gate: figures of the bundled checkpoint that may not fall. ``python -m train gate``, ``make gate``.

``floors.json`` is a history. Its last entry holds, for each body of articles, the fingerprint of the articles and the
least figures allowed on them: those measured when it was written, less the stated slack. Every entry is sealed over its
content and the seal before it: a number that is edited, or an entry taken out from under a later one, breaks the chain.
An entry that asks for less than the one before it (a lower figure, fewer figures or bodies, other articles) has to say
why (``because``); ``--raise`` alone never writes such a one. So floors can be lowered, but not by accident and not
silently.

The bundled articles are measured again, through the path that serves. Articles that are not in the repository can't be:
their figures are those of the checkpoint's ``metrics.json``, which its seal covers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data.corpus import fingerprint
from data.errors import DataError
from models.checkpoint import DEFAULT, Checkpoint
from models.classifier import Classifier
from train.config import read_config
from train.corpus import Corpus, load_corpus
from train.evaluate import evaluate

FLOORS = Path(__file__).with_name("floors.json")
SLACK = 0.02  # below what was measured: another processor rounds otherwise, and an answer of 90 is worth 0.012
Body = Mapping[str, Any]  # {"fingerprint": str, "articles": int, "figures": {name: value}}


def figures(scores: Mapping[str, Any]) -> dict[str, float]:
    """The figures that have floors, of what ``evaluate`` gives; more is better for each."""
    found = {name: scores.get(name) for name in ("topic_macro_f1", "stance_macro_f1", "stance_end_to_end")}
    evidence = scores.get("evidence") or {}
    found |= {f"evidence_{name}": evidence.get(name) for name in ("first", "precision", "recall")}
    values = {name: float(figure["value"]) for name, figure in found.items() if figure}
    if scores.get("calibration_error"):
        values["calibration"] = 1 - float(scores["calibration_error"]["value"])
    return {name: round(value, 4) for name, value in values.items()}


def bundled_corpus() -> Corpus:
    """The articles of the repository, as ``base.toml`` splits them."""
    return load_corpus(read_config(None, data={"bundled": True, "extra": []}))


def measured(checkpoint: Checkpoint, corpus: Corpus) -> dict[str, Body]:
    """Test and dev as they measure now; other bodies as ``metrics.json`` has them."""
    classifier, bodies = Classifier.load(checkpoint), {"test": corpus.test, "dev": corpus.dev}
    found: dict[str, Body] = {
        name: {"fingerprint": fingerprint(body), "articles": len(body), "figures": figures(evaluate(classifier, body))}
        for name, body in bodies.items()
        if body
    }
    for name, body in reported(checkpoint).items():
        found.setdefault(name, body)
    return found


def reported(checkpoint: Checkpoint) -> dict[str, Body]:
    """What the checkpoint's ``metrics.json`` says of itself."""
    metrics = json.loads((checkpoint.folder / "metrics.json").read_text(encoding="utf-8"))
    return {
        name: {
            "fingerprint": digest,
            "articles": metrics["scores"][name]["wijha"]["articles"],
            "figures": figures(metrics["scores"][name]["wijha"]),
        }
        for name, digest in metrics.get("fingerprints", {}).items()
    }


def regressions(found: Mapping[str, Body], floors: Mapping[str, Body]) -> list[str]:
    """What ``found`` falls short of, in words; empty where the gate is passed."""
    lines = []
    for name, floor in floors.items():
        if name not in found:
            lines.append(f"{name}: not measured")
            continue
        if found[name]["fingerprint"] != floor["fingerprint"]:
            lines.append(f"{name}: other articles or labels than the floors were measured on")
            continue
        for figure, least in floor["figures"].items():
            value = found[name]["figures"].get(figure)
            if value is None or value < least:
                lines.append(f"{name}: {figure} {'missing' if value is None else f'{value:.4f}'}, floor {least:.4f}")
    return lines


def contradictions(found: Mapping[str, Body], said: Mapping[str, Body]) -> list[str]:
    """Where the checkpoint's own report is not of these articles, or says more than is measured."""
    lines = []
    for name, body in said.items():
        if found[name]["fingerprint"] != body["fingerprint"]:
            lines.append(f"{name}: metrics.json is of other articles")
            continue
        for figure, value in body["figures"].items():
            here = found[name]["figures"].get(figure, 0.0)
            if value - here > SLACK:
                lines.append(f"{name}: {figure} is {value:.4f} in metrics.json, {here:.4f} is measured")
    return lines


def read_history(path: Path = FLOORS) -> list[dict[str, Any]]:
    """The entries, oldest first; none where there is no file.

    Raises:
        DataError: ``bad_floors`` where the file is no history; ``broken_seal`` where an entry is not what was written;
            ``lowered_floor`` where one asks for less than its forerunner and does not say why.
    """
    if not path.is_file():
        return []
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["history"]
        seals = [str(entry["seal"]) for entry in entries]
        bodies = [dict(entry["bodies"]) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError("bad_floors", f"not a history of floors: {error!r}", where=str(path)) from error
    for number, entry in enumerate(entries):
        where = f"{path.name}: entry {number + 1}"
        if seals[number] != _seal(entry, seals[number - 1] if number else ""):
            raise DataError("broken_seal", "changed by hand; floors are written by `gate --raise`", where=where)
        fallen = lowered(bodies[number - 1], bodies[number]) if number else []
        if fallen and not entry["because"]:
            raise DataError("lowered_floor", "; ".join(fallen), where=where)
    return entries


def lowered(before: Mapping[str, Body], after: Mapping[str, Body]) -> list[str]:
    """Where ``after`` asks for less than ``before``, in words."""
    lines = []
    for name, body in before.items():
        new = after.get(name)
        if new is None or new["fingerprint"] != body["fingerprint"]:
            lines.append(f"{name}: {'no floors' if new is None else 'other articles'}")
            continue
        for figure, least in body["figures"].items():
            value = new["figures"].get(figure)
            if value is None or value < least:
                lines.append(f"{name}: {figure} from {least:.4f} to {value}")
    return lines


def write_floors(
    found: Mapping[str, Body], digest: str, *, made: str, because: str = "", path: Path = FLOORS
) -> list[dict[str, Any]]:
    """Add an entry by what was ``found``; returns the history.

    Args:
        digest: of the checkpoint that was measured.
        made: the day, ISO 8601.
        because: why floors may fall. Where empty, each floor is the higher of the old and the new one.

    Raises:
        DataError: ``lowered_floor`` where a floor would fall all the same (other articles, a figure that is gone).
    """
    entries = read_history(path)
    before: Mapping[str, Body] = entries[-1]["bodies"] if entries else {}
    bodies = {
        name: {**body, "figures": {f: round(v - SLACK, 4) for f, v in body["figures"].items()}}
        for name, body in found.items()
    }
    if not because:
        for name, old in before.items():
            if name in bodies and bodies[name]["fingerprint"] == old["fingerprint"]:
                new = bodies[name]["figures"]
                new |= {f: max(least, new[f]) for f, least in old["figures"].items() if f in new}
        fallen = lowered(before, bodies)
        if fallen:
            raise DataError("lowered_floor", f"{'; '.join(fallen)}: say --because", where=path.name)
    if bodies == before:
        return entries
    entry = {"made": made, "checkpoint": digest, "slack": SLACK, "because": because, "bodies": bodies}
    entry["fallen"] = lowered(before, bodies)  # what the reason was given for, to be read beside it
    entry["seal"] = _seal(entry, entries[-1]["seal"] if entries else "")
    entries = [*entries, entry]
    path.write_text(json.dumps({"history": entries}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return entries


def _seal(entry: Mapping[str, Any], before: str) -> str:
    content = {key: value for key, value in entry.items() if key != "seal"}
    return hashlib.sha256((before + json.dumps(content, sort_keys=True, ensure_ascii=False)).encode()).hexdigest()


def gate(checkpoint: Path = DEFAULT, path: Path = FLOORS) -> tuple[dict[str, Body], Sequence[str]]:
    """Measure and compare; returns what was measured and what is wrong with it, in words.

    Raises:
        DataError: as ``read_history``; ``no_floors`` where there are none yet.
    """
    entries = read_history(path)
    if not entries:
        raise DataError("no_floors", "no floors yet: python -m train gate --raise", where=str(path))
    opened = Checkpoint.open(checkpoint)
    found = measured(opened, bundled_corpus())
    return found, [*regressions(found, entries[-1]["bodies"]), *contradictions(found, reported(opened))]
