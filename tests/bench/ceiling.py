"""What the machine could do and what we reach of it; where the rest goes.

The peak is that of matrix products: the fastest shape, library and use of the cores (threads of one process, or
processes of one thread) at each precision. Inference is measured by turns with it, on windows of real articles. Its
share of the peak is the time that its matrix products would take at the peaks, by the time that it takes. At int8 the
linear layers count at the int8 peak and the attention, which stays in bf16, at that of bf16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from typing import Any

from models.backends import cores
from models.checkpoint import Checkpoint
from tests.bench import inference, peak
from tests.bench.apart import apart
from tests.bench.arithmetic import Sizes
from tests.bench.operations import ATTENTION, GROUPS, LINEAR
from tests.bench.performance import Given
from tests.bench.spread import shown, spread, table

PRECISIONS = ("f32", "bf16", "int8")
PRODUCTS = {"f32": "f32", "bf16": "bf16", "int8": "bf16"}  # the precision of the attention's products
STAGES = {"clean": "cleaning", "split": "sentence splitting", "tokenise": "tokenisation"}
_GROUP = "DYNAMIC_QUANTIZATION_GROUP_SIZE"


def measure(given: Given) -> dict[str, Any]:
    """Peaks, inference, stages and operations, by turns; ``given.seconds`` for each inference, less for the rest."""
    folder, source = given.checkpoint, given.source
    contract = Checkpoint.open(folder).contract
    sizes = Sizes.read(folder)
    window = contract.windows.length
    shapes = [*peak.SQUARES, *sizes.products(window)]
    peaks: list[dict[str, Any]] = []
    rounds: dict[str, list[Any]] = {f"{what} {p}": [] for p in PRECISIONS for what in ("infer", "profile", "stages")}
    remarks: dict[str, list[float]] = {name: [] for name in _remarks(window)}
    with ExitStack() as stack:
        network = stack.enter_context(apart())
        multipliers = [stack.enter_context(apart()) for _ in range(cores())]
        for number in range(given.rounds + 1):
            brief = number == 0  # imports, compiles and warms up
            seconds = 0.05 if brief else given.seconds
            for p in PRECISIONS:
                found = {
                    "infer": network.submit(inference.infer, folder, source, p, seconds).result(),
                    "profile": network.submit(inference.profile, folder, source, p, seconds / 4).result(),
                    "stages": network.submit(inference.stages, folder, source, p, seconds / 4).result(),
                }
                multiplied = _multiply(multipliers, p, shapes, seconds / 4)
                if not brief:
                    peaks += multiplied
                    for what, value in found.items():
                        rounds[f"{what} {p}"].append(value)
            for name, options in _remarks(window).items():
                done = network.submit(inference.infer, folder, source, seconds=seconds / 4, **options).result()
                if not brief:
                    remarks[name].append(done["articles"] / done["seconds"])
    return {
        "cores": cores(),
        "window": window,
        "gflop": {
            "linear": sizes.linear(window) / 1e9,
            "attention": sizes.attention(window) / 1e9,
            "needed": sizes.needed(window) / 1e9,
        },
        "peaks": _peaks(peaks),
        "rounds": rounds,
        "remarks": {name: spread(values) for name, values in remarks.items()},
    }


def _multiply(
    multipliers: Sequence[ProcessPoolExecutor], precision: str, shapes: Sequence[peak.Shape], seconds: float
) -> list[dict[str, Any]]:
    """The rates of all cores: threads of one process, then processes of one thread."""
    count = len(multipliers)
    whole = multipliers[0].submit(peak.multiply, precision, shapes, count, seconds).result()
    running = [one.submit(peak.multiply, precision, shapes, 1, seconds) for one in multipliers]
    each = [one.result() for one in running]
    together = [{**rows[0], "gflops": sum(row["gflops"] for row in rows)} for rows in zip(*each, strict=True)]
    names = (f"{count} threads", whole), (f"{count} processes", together)
    return [{**row, "precision": precision, "cores": name} for name, rows in names for row in rows]


def _peaks(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each precision, shape, library and use of the cores: the spread over rounds."""
    keys = ("precision", "shape", "way", "cores")
    found: dict[str, tuple[Mapping[str, Any], list[float]]] = {}
    for row in rows:
        found.setdefault(str([row[key] for key in keys]), (row, []))[1].append(row["gflops"])
    return [{**{key: row[key] for key in keys}, "gflops": spread(values)} for row, values in found.values()]


def _remarks(window: int) -> dict[str, dict[str, Any]]:
    """What else might have been chosen: name to arguments of ``inference.infer``."""
    count = str(cores())
    groups = {f"int8, groups of {size}": {"precision": "int8", _GROUP: str(size)} for size in (32, 64, 128, 384)}
    lengths = sorted({128, 256, window})
    return {
        **groups,
        **{f"{p}, windows of {size}": {"precision": p, "length": size} for p in ("bf16", "int8") for size in lengths},
        f"bf16, 1 stream of {count} threads": {
            "precision": "bf16",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": count,
        },
    }


def best(results: Mapping[str, Any], precision: str) -> dict[str, Any]:
    """The row of the peak: the highest median."""
    rows = [row for row in results["peaks"] if row["precision"] == precision]
    return dict(max(rows, key=lambda row: row["gflops"]["median"]))


def share(results: Mapping[str, Any], precision: str, done: Mapping[str, float], seconds: float) -> float:
    """Time that the products of ``done`` (GFLOP) take at the peaks, by ``seconds``."""
    peaks = {p: best(results, p)["gflops"]["median"] for p in (precision, PRODUCTS[precision])}
    ideal = done.get("linear", 0.0) / peaks[precision] + done.get("attention", 0.0) / peaks[PRODUCTS[precision]]
    return float(ideal / seconds)


def render(results: Mapping[str, Any]) -> str:
    """The section."""
    gflop, window = results["gflop"], results["window"]
    return "\n\n".join(
        [
            "## Ceiling",
            f"A window of {window} tokens takes {gflop['linear']:.2f} GFLOP in linear layers and "
            f"{gflop['attention']:.2f} in attention as computed (local layers over the whole window too; "
            f"{gflop['needed']:.2f} is what their reach needs). Formula: `tests/bench/arithmetic.py`.",
            _shares(results),
            "*Share of the peak*: time that the matrix products would take at the measured peaks, by the time taken. "
            "At int8 the linear layers count at the int8 peak, the attention at that of bf16, in which it is computed. "
            "*By processor time*: by what the threads took of the processor, which other programs disturb less. "
            "*Linear layers*, *attention alone*: by the time inside their nodes. "
            "`classify`: with cleaning, tokens and decision.",
            "### The peaks of matrix products",
            f"GFLOP/s on {results['cores']} cores, median [least–most] of the rounds; the best library of each.",
            _products(results),
            "### Where the time goes",
            "Milliseconds an article, and share of the whole. The network runs on all cores, the stages before and "
            "after it on one. *Between operations*: kernels made for a length not met lately, shapes, waiting.",
            _where(results),
            "### What else might have been chosen",
            table(("choice", "articles/s"), [(name, shown(value, 1)) for name, value in results["remarks"].items()]),
        ]
    )


def _shares(results: Mapping[str, Any]) -> str:
    rows = []
    for p in PRECISIONS:
        infer, profile = results["rounds"][f"infer {p}"], results["rounds"][f"profile {p}"]
        pairs = list(zip(infer, results["rounds"][f"stages {p}"], strict=True))
        cells = (
            [(one["linear"] + one["attention"]) / one["seconds"] for one in infer],
            [100 * share(results, p, one, one["seconds"]) for one in infer],
            [100 * share(results, p, one, one["processor"] / results["cores"]) for one in infer],
            [100 * share(results, p, {"linear": one["linear"]}, _seconds(results, one, LINEAR)) for one in profile],
            [
                100 * share(results, p, {"attention": one["attention"]}, _seconds(results, one, ATTENTION))
                for one in profile
            ],
            [100 * share(results, p, one, one["articles"] * stage["classify"]) for one, stage in pairs],
        )
        top = best(results, p)
        rows.append((p, shown(top["gflops"]), *(shown(spread(cell)) for cell in cells)))
    head = ("precision", "peak GFLOP/s", "network GFLOP/s", "share of the peak, %")
    return table((*head, "by processor time, %", "linear layers alone, %", "attention alone, %", "`classify`, %"), rows)


def _seconds(results: Mapping[str, Any], profile: Mapping[str, Any], name: str) -> float:
    """Time that the group took, were all cores at it."""
    return float(profile["groups"][name] / results["cores"])


def _products(results: Mapping[str, Any]) -> str:
    """Rows: shapes; columns: precisions."""
    shapes = list(dict.fromkeys(tuple(row["shape"]) for row in results["peaks"]))
    lines = []
    for shape in shapes:
        line = ["×".join(map(str, shape))]
        for p in PRECISIONS:
            of_shape = [row for row in results["peaks"] if row["precision"] == p and tuple(row["shape"]) == shape]
            top = best({"peaks": of_shape}, p)
            line.append(f"{shown(top['gflops'])} ({top['way']}, {top['cores']})")
        lines.append(line)
    return table(("rows × inner × columns", *PRECISIONS), lines)


def _where(results: Mapping[str, Any]) -> str:
    """Rows: stages and operations; columns: precisions."""
    columns: dict[str, dict[str, float]] = {}
    for p in PRECISIONS:
        stage = {key: spread(one[key] for one in results["rounds"][f"stages {p}"])["median"] for key in _keys(results)}
        column = {f"{name}": stage[key] for key, name in STAGES.items()}
        column["windows, offsets, warnings"] = max(0.0, stage["encode"] - sum(column.values()))
        profiles = results["rounds"][f"profile {p}"]
        whole = sum(one["threads"] for one in profiles)
        parts = {name: sum(one["groups"][name] for one in profiles) / whole for name in GROUPS}
        parts["between operations"] = max(0.0, 1 - sum(parts.values()))
        column |= {f"network: {name}": stage["network"] * part for name, part in parts.items()}
        column |= {"decision": stage["decide"], "evidence": stage["evidence"]}
        columns[p] = column | {"**sum**": sum(column.values()), "`classify`, measured whole": stage["classify"]}
    cells = [
        (name, *(f"{1e3 * columns[p][name]:.2f} ({columns[p][name] / columns[p]['**sum**']:.1%})" for p in PRECISIONS))
        for name in columns[PRECISIONS[0]]
    ]
    return table(("", *PRECISIONS), cells)


def _keys(results: Mapping[str, Any]) -> list[str]:
    return list(results["rounds"][f"stages {PRECISIONS[0]}"][0])
