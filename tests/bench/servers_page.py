"""Who serves beside us, and the section of the page about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.bench.comparison import Figure, ahead, best, cell, errors, prose, ratio, turns, values
from tests.bench.spread import table
from tests.bench.turns import Contender

CLIENTS = (1, 8, 32)
SERVERS = (
    Contender("fastapi", "FastAPI and `pipeline`"),
    Contender("litserve", "LitServe and `pipeline`"),
    Contender("litserve-8", "LitServe and `pipeline`, batches of 8 requests"),
    Contender("infinity", "infinity-emb", "infinity"),
    Contender("ours", "ours: `python -m serve api`", "own"),
)
BASE = "fastapi"
HEAD = (
    "server",
    "clients",
    "articles/s",
    "p50, ms",
    "p99, ms",
    "n",
    "refused (429)",
    "errors",
    "× FastAPI and `pipeline`",
    "× best peer",
)
TAKEN = (
    Figure("ready", "start to first answer, s", -1, 2),
    Figure("memory", "peak memory, MB", -1, 0),
    Figure("size", "installed, MB", -1, 0),
)
REASONS: dict[tuple[str, str], str] = {}


def render(results: Mapping[str, Any]) -> str:
    """Tables of load and of what each server takes, and where a peer is ahead."""
    rows = results["rows"]
    peers = {who.kind: who.name for who in SERVERS if not who.own}
    fastest = {n: best(rows, peers, f"articles {n}") for n in CLIENTS}
    named = ", ".join(f"{n}: {peers[kind]}" for n, kind in fastest.items() if kind)
    missing = errors(rows, {who.kind: who.name for who in SERVERS})
    lines = ahead(rows, peers, "ours", _figures(), REASONS)
    parts = [
        "## Serving",
        _said(results),
        table(HEAD, [_row(rows, who.kind, who.name, n, fastest[n]) for n in CLIENTS for who in SERVERS]),
        f"Best peer by clients: {named}." if named else "No peer was measured.",
        table(
            ("server", *(figure.label for figure in TAKEN)),
            [(who.name, *(cell(rows, who.kind, figure.key, figure.digits) for figure in TAKEN)) for who in SERVERS],
        ),
        _taken(results),
        "\n".join(["Not measured, or not to the end:", "", *missing]) if missing else "",
        "### Where a peer server is ahead",
        "\n".join(lines) or "None.",
    ]
    return "\n\n".join(part for part in parts if part)


def _figures() -> list[Figure]:
    loads = [
        Figure(f"{key} {n}", f"{label} with {n} client{'s' if n > 1 else ''}", sign, digits)
        for n in CLIENTS
        for key, label, sign, digits in (
            ("articles", "articles/s", 1, 2),
            ("p50", "p50, ms", -1, 0),
            ("p99", "p99, ms", -1, 0),
        )
    ]
    return [*loads, *TAKEN]


def _said(results: Mapping[str, Any]) -> str:
    texts = results["texts"]
    return prose(
        f"{texts['articles']} articles of {texts['least']} to {texts['most']:,} tokens (median {texts['median']}), in",
        f"{texts['windows']} windows, chosen and cut as above; the same encoder and weights. {results['cores']} cores",
        f"for server and clients together; rounds: {turns(results['rows'])}, a fresh start of everyone in each; n is",
        "of all. One article a request, which is answered when all its windows are. Each client sends its next article",
        f"when the last is answered. Ours computes in {results['precision']}, its settings as they are. 429 is no",
        "answer: the client waits as long as it says and asks again, and the wait counts.",
    )


def _row(rows: Mapping[str, Any], kind: str, name: str, clients: int, fastest: str | None) -> list[str]:
    key = f"articles {clients}"
    troubles: dict[str, int] = {}
    for found in rows[kind]["rounds"]:
        for what, count in found[f"errors {clients}"].items():
            troubles[what] = troubles.get(what, 0) + count
    measured = bool(rows[kind]["rounds"])
    return [
        name,
        str(clients),
        cell(rows, kind, key, 2),
        cell(rows, kind, f"p50 {clients}"),
        cell(rows, kind, f"p99 {clients}"),
        str(sum(found[f"answered {clients}"] for found in rows[kind]["rounds"])),
        str(sum(found[f"refused {clients}"] for found in rows[kind]["rounds"])) if measured else "–",
        (", ".join(f"{count}× {what}" for what, count in troubles.items()) or "0") if measured else "–",
        ratio(rows, kind, BASE, key),
        ratio(rows, kind, fastest, key),
    ]


def _taken(results: Mapping[str, Any]) -> str:
    rows = results["rows"]
    busy = max((value for kind in rows for n in CLIENTS for value in values(rows, kind, f"client {n}")), default=0.0)
    versions = results["versions"].get("peers", {})
    torch = versions.get("torch", "none")
    return prose(
        "Memory is that of all the server's processes, what they share counted once. Installed is the sum of the files",
        "of the packages that it needs, without Python and the model",
        f"(torch {torch}; the CUDA build takes gigabytes more).",
        f"The clients took at most {busy:.0%} of a core.",
    )
