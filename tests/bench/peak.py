"""How fast this machine multiplies matrices, by the best that torch's libraries (oneDNN, MKL) do."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

Shape = tuple[int, int, int]  # (rows, inner, columns)
SQUARES: tuple[Shape, ...] = ((1024, 1024, 1024), (2048, 2048, 2048))


def multiply(precision: str, shapes: Sequence[Shape], threads: int, seconds: float) -> list[dict[str, Any]]:
    """GFLOP/s of each shape in each way there is, on so many threads; imports torch.

    Args:
        precision: ``f32``, ``bf16`` or ``int8``.
        seconds: for all of it together.
    """
    import torch

    torch.set_num_threads(threads)
    ways = [(shape, name, call) for shape in shapes for name, call in _ways(precision, shape).items()]
    return [
        {"shape": list(shape), "way": name, "gflops": _rate(call, shape, seconds / len(ways))}
        for shape, name, call in ways
    ]


def _rate(call: Callable[[], object], shape: Shape, seconds: float) -> float:
    """By the median call: one that another program cut in on doesn't count."""
    call(), call()
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return 2 * shape[0] * shape[1] * shape[2] / statistics.median(taken) / 1e9


def _ways(precision: str, shape: Shape) -> dict[str, Callable[[], object]]:
    """What multiplies in this precision here, by name."""
    import torch

    rows, inner, columns = shape
    ops: Any = torch.ops.onednn
    found: dict[str, Callable[[], object]]
    if precision == "int8":
        a, b = (torch.randint(-127, 127, size, dtype=torch.int8) for size in ((rows, inner), (columns, inner)))
        unsigned, turned = torch.randint(0, 255, (rows, inner), dtype=torch.uint8), b.T.contiguous()
        scales, zeros = torch.full((columns,), 0.01), torch.zeros(columns, dtype=torch.int64)

        def quantised() -> Callable[[], object]:
            packed = ops.qlinear_prepack(b, [rows, inner])
            given: Any = (unsigned, 0.01, 0, packed, scales, zeros, None, 1.0, 0, torch.float32, "none", [], "")
            return lambda: ops.qlinear_pointwise(*given)

        found = {"_int_mm": lambda: torch._int_mm(a, turned)}
        tried = {"onednn.qlinear": quantised}
    else:
        kind = {"f32": torch.float32, "bf16": torch.bfloat16}[precision]
        x, w = torch.randn(rows, inner, dtype=kind), torch.randn(columns, inner, dtype=kind)
        turned = w.T.contiguous()

        def blocked() -> Callable[[], object]:
            given = x.to_mkldnn(), w.to_mkldnn()
            return lambda: torch.nn.functional.linear(*given)

        found = {"mm": lambda: torch.mm(x, turned)}
        tried = {"mkldnn linear": blocked} if precision == "f32" else {}
    for name, make in tried.items():
        try:
            call = make()
            call()
            found[name] = call
        except (RuntimeError, AttributeError):  # not built in, or not for this processor
            continue
    return found
