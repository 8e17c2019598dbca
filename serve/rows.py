"""A record (a ``ResultOut`` in plain values) as columns of a table: flat for CSV and JSON Lines, nested for Parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.parquet import arrow
from data.taxonomy import PARTS, Taxonomy

Record = Mapping[str, Any]
_ANSWER = {True: "yes", False: "no", None: ""}


@dataclass(frozen=True)
class Plan:
    """The columns of an output.

    Attributes:
        columns: the input's, in order.
        added: our column's plain name to the name it has in this output.
        notes: what was renamed, for a person.
    """

    columns: tuple[str, ...]
    added: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.columns, *self.added.values())

    def row(self, values: Mapping[str, str], ours: Mapping[str, Any]) -> dict[str, Any]:
        """The cells of one row by the names they have in this output."""
        return {**values, **{self.added[name]: cell for name, cell in ours.items()}}


def make_plan(columns: Sequence[str], ours: Sequence[str]) -> Plan:
    """Our columns behind the input's; one whose name the input has already is called ``wijha_…``."""
    taken, added, notes = set(columns), {}, []
    for plain in ours:
        free = plain
        while free in taken:
            free = f"wijha_{free}"
        if free != plain:
            notes.append(f"the input has a column {plain!r}; ours is {free!r}")
        taken.add(free)
        added[plain] = free
    return Plan(tuple(columns), added, tuple(notes))


def flat_names(taxonomy: Taxonomy) -> list[str]:
    """The plain names of ``flat_columns``, in order."""
    topics = [name for topic in taxonomy.ids for name in (topic, *(f"{topic}_{part}" for part in PARTS))]
    return [*topics, "windows", "warnings", "error", "model"]


def flat_columns(record: Record, model: str) -> dict[str, str]:
    """A record as cells of text, by plain name; what it doesn't have is left out.

    Args:
        record: ``ResultOut`` in plain values.
        model: names the checkpoint.
    """
    if record["error"]:
        return {"error": error_cell(record["error"]), "model": model}
    cells = {"windows": str(record["windows"]), "warnings": " ".join(record["warnings"]), "model": model}
    for topic in record["topics"]:
        name, stance = topic["id"], topic["stance"]
        cells[name] = _ANSWER[topic["relevant"]]
        cells[f"{name}_probability"] = f"{topic['probability']:.4f}"
        cells[f"{name}_abstained"] = _ANSWER[topic["abstained"]]
        if stance and stance["label"]:
            cells[f"{name}_stance"] = stance["label"]
            cells[f"{name}_stance_probability"] = f"{stance['probability']:.4f}"
        cells[f"{name}_evidence"] = " | ".join(shown["text"] for shown in topic["evidence"])
    return cells


NESTED_NAMES = ("topics", "windows", "tokens", "warnings", "error", "model")


def nested_columns(record: Record, model: str) -> dict[str, Any]:
    """A record as values for ``nested_fields``, by plain name."""
    return {
        "topics": [_nested(topic) for topic in record["topics"]],
        "windows": record["windows"],
        "tokens": record["tokens"],
        "warnings": record["warnings"],
        "error": error_cell(record["error"]) if record["error"] else None,
        "model": model,
    }


def _nested(topic: Mapping[str, Any]) -> dict[str, Any]:
    stance = topic["stance"] if topic["stance"] and topic["stance"]["label"] else None
    return {
        **{name: topic[name] for name in ("id", "relevant", "probability", "threshold", "abstained", "evidence")},
        "stance": stance and stance["label"],
        "stance_probability": stance and stance["probability"],
    }


def nested_fields() -> dict[str, Any]:
    """The pyarrow types of ``nested_columns``, and of ``source`` and ``story``, by plain name."""
    pa = arrow()
    evidence = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("text", pa.string()), ("share", pa.float64())])
    topic = pa.struct(
        [
            ("id", pa.string()),
            ("relevant", pa.bool_()),
            ("probability", pa.float64()),
            ("threshold", pa.float64()),
            ("abstained", pa.bool_()),
            ("stance", pa.string()),
            ("stance_probability", pa.float64()),
            ("evidence", pa.list_(evidence)),
        ]
    )
    return {
        "topics": pa.list_(topic),
        "windows": pa.int32(),
        "tokens": pa.int32(),
        "warnings": pa.list_(pa.string()),
        "error": pa.string(),
        "model": pa.string(),
        "source": pa.string(),
        "story": pa.string(),
    }


def error_cell(error: Mapping[str, str]) -> str:
    """``code: message [where]``."""
    place = f" [{error['where']}]" if error["where"] else ""
    return f"{error['code']}: {error['message']}{place}"
