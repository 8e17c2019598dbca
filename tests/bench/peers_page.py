"""Who scores beside us, and the section of the page about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.bench.comparison import Figure, ahead, best, cell, errors, prose, ratio, turns, values
from tests.bench.spread import table
from tests.bench.turns import Contender

BASE = "pipeline"
CONTENDERS = (
    Contender("pipeline", "transformers `pipeline`, one at a time (its default)"),
    Contender("pipeline-16", "transformers `pipeline`, `batch_size=16`"),
    Contender("torch-bf16", "torch by hand: bf16 autocast, 16 of like length together"),
    Contender("onnx-f32", "ONNX Runtime, float32"),
    Contender("onnx-int8", "ONNX Runtime, int8 (`quantize_dynamic`)"),
    Contender("onnx-int8-each", "ONNX Runtime, int8, a window on each core"),
    Contender("infinity", "infinity-emb, its engine without the server", "infinity"),
    Contender("ours-f32", "ours, f32", "own"),
    Contender("ours-bf16", "ours, bf16", "own"),
    Contender("ours-int8", "ours, int8", "own"),
)
CUT = Contender("pipeline-512", "`pipeline` on whole articles with `truncation=True`")
TABLES = (
    Contender("table", "pandas and `pipeline(batch_size=16)`, windows cut beforehand"),
    Contender("table-512", "the same on whole articles; reads the first 512 tokens"),
    Contender("score", "ours: `python -m serve score in.csv out.csv`", "own"),
)
HEAD = (
    "contender",
    "articles/s",
    "tokens/s",
    "processor ms an article",
    "load, s",
    "peak memory, MB",
    "× default pipeline",
    "× best peer",
)
FIGURES = (
    Figure("articles", "articles/s", 1, 1),
    Figure("load", "load, s", -1, 2),
    Figure("memory", "peak memory, MB", -1, 0),
)
_KERNELS = "OpenVINO makes its kernels for this processor first."
_BUFFERS = "It computes one window at a time; ours one on each core, and each has its buffers."
REASONS = {
    ("onnx-f32", "load"): _KERNELS,
    ("onnx-int8", "load"): _KERNELS,
    ("onnx-int8-each", "load"): _KERNELS,
    ("onnx-f32", "memory"): _BUFFERS,
    ("onnx-int8", "memory"): _BUFFERS,
    ("onnx-int8-each", "memory"): "OpenVINO's compiled network takes more than the graph there.",
}


def render(results: Mapping[str, Any]) -> str:
    """Two tables, what they were measured on, and where a peer is ahead."""
    rows, tables = results["rows"], results["tables"]
    peers = {who.kind: who.name for who in CONTENDERS if not who.own}
    fastest = best(rows, peers, "articles")
    names = {who.kind: who.name for who in (*CONTENDERS, CUT, *TABLES)}
    parts = [
        "## Scoring in one process",
        _said(results),
        table(
            HEAD,
            [_row(rows, who, fastest) for who in CONTENDERS],
        ),
        f"Best peer: {peers[fastest]}." if fastest else "No peer was measured.",
        _cut(results),
        f"Largest difference of a score of the first text from the pipeline's: {_differences(rows, peers)}.",
        "### A table, from command to file",
        prose(
            "Starting, reading and writing are in the time.",
            "Ours also verifies the checkpoint, cleans the texts, and writes stances and evidence.",
        ),
        table(
            ("command", "s", "articles/s", "peak memory, MB", "× first row"),
            [
                (
                    who.name,
                    cell(tables, who.kind, "wall", 1),
                    cell(tables, who.kind, "articles", 2),
                    cell(tables, who.kind, "memory"),
                    ratio(tables, who.kind, "table", "articles"),
                )
                for who in TABLES
            ],
        ),
        "\n".join(["Not measured:", "", *missing]) if (missing := errors({**rows, **tables}, names)) else "",
        "### Where a peer is ahead",
        f"Of ours, the row of the checkpoint's own precision counts ({results['precision']}).",
        "\n".join(_ahead(results, peers)) or "None.",
    ]
    return "\n\n".join(part for part in parts if part)


def _said(results: Mapping[str, Any]) -> str:
    texts = results["texts"]
    return prose(
        f"{texts['articles']} articles of {texts['least']} to {texts['most']:,} tokens (median {texts['median']}), in",
        f"{texts['windows']} windows of at most {texts['length']}; {results['cores']} cores for everyone;",
        f"rounds: {turns(results['rows'])}. In a round everyone has a turn, in a fresh process; ratios are of the same",
        "round. Load is from the start of Python to a first answer. Peers have the same encoder and weights, in",
        "float32, below a classifier of 12 labels of transformers' own class, whose answers mean nothing: speed is",
        "compared. They give no evidence and no stance by topic. They read 512 tokens at most, so each article is cut",
        f"beforehand into the texts of our windows ({texts['retold']:.1%} of their tokens), and is answered when all",
        "of these are.",
    )


def _row(rows: Mapping[str, Any], who: Contender, fastest: str | None) -> list[str]:
    kind = who.kind
    figures = [("articles", 2), ("tokens", 0), ("processor", 0), ("load", 2), ("memory", 0)]
    return [
        who.name,
        *(cell(rows, kind, key, digits) for key, digits in figures),
        ratio(rows, kind, BASE, "articles"),
        ratio(rows, kind, fastest, "articles"),
    ]


def _cut(results: Mapping[str, Any]) -> str:
    """What the pipeline's user gets who doesn't know that it stops reading."""
    rows = results["rows"]
    if not values(rows, CUT.kind, "articles"):
        return ""
    return prose(
        f"{CUT.name}, as most use it: {cell(rows, CUT.kind, 'articles', 2)} articles/s,",
        f"{ratio(rows, CUT.kind, BASE, 'articles')} of the default pipeline's; it doesn't read the rest, here",
        f"{results['texts']['unread']:.0%} of the tokens.",
    )


def _differences(rows: Mapping[str, Any], peers: Mapping[str, str]) -> str:
    first = {kind: row["rounds"][0]["scores"] for kind, row in rows.items() if kind in peers and row["rounds"]}
    base = first.pop(BASE, None)
    if not base or not first:
        return "not known"
    apart = {kind: max(abs(a - b) for a, b in zip(scores, base, strict=True)) for kind, scores in first.items()}
    return ", ".join(f"{kind} {most:.4f}" for kind, most in apart.items())


def _ahead(results: Mapping[str, Any], peers: Mapping[str, str]) -> list[str]:
    lines = ahead(results["rows"], peers, f"ours-{results['precision']}", FIGURES, REASONS)
    named = {who.kind: who.name for who in TABLES if not who.own}
    return lines + ahead(results["tables"], named, "score", [f for f in FIGURES if f.key != "load"], REASONS)
