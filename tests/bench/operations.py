"""What OpenVINO's nodes do, as people name it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LINEAR, ATTENTION, NORM, ACTIVATION = "linear layers", "attention", "normalisation", "activation"
ROTARY, EMBEDDING, LAYOUT, REST = "rotary", "embedding", "split, transpose, copy", "rest"
GROUPS = (LINEAR, ATTENTION, NORM, ACTIVATION, ROTARY, EMBEDDING, LAYOUT, REST)

# By the beginning of the node's type. A Subgraph is fused attention: both products and the softmax between them.
_TYPES = (
    ("FullyConnected", LINEAR),
    *((name, ATTENTION) for name in ("MatMul", "Softmax", "Subgraph", "ScaledDot", "IsNaN", "Select", "PowerStatic")),
    *((name, NORM) for name in ("MVN", "RMS")),
    *((name, ACTIVATION) for name in ("Gelu", "Swish", "Relu", "Tanh", "Erf", "LLMMLP")),
    *((name, ROTARY) for name in ("RoPE", "Cos", "Sin")),
    ("Gather", EMBEDDING),
    *((name, LAYOUT) for name in ("VariadicSplit", "Split", "Transpose", "Reshape", "Squeeze", "Unsqueeze")),
    *((name, LAYOUT) for name in ("Concat", "Reorder", "Convert", "StridedSlice", "Slice")),
)


def group(kind: str, name: str = "", following: str = "") -> str:
    """The group of a node.

    Args:
        kind: its type.
        name: its own name, which tells a norm's multiplication from a gate's.
        following: the type of the node computed after it: a mask is added before a softmax.
    """
    if kind == "Add" and following.startswith("Softmax"):
        return ATTENTION
    if kind == "Multiply":
        return NORM if "norm" in name.lower() else ACTIVATION
    return next((found for start, found in _TYPES if kind.startswith(start)), REST)


def grouped(nodes: Sequence[tuple[str, str, float]]) -> dict[str, float]:
    """Seconds of each group.

    Args:
        nodes: (type, name, seconds), in the order they are computed.
    """
    kinds = [kind for kind, _, _ in nodes]
    return summed(
        (group(kind, name, after), seconds)
        for (kind, name, seconds), after in zip(nodes, [*kinds[1:], ""], strict=True)
    )


def summed(parts: Iterable[tuple[str, float]]) -> dict[str, float]:
    """One sum for each group."""
    sums = dict.fromkeys(GROUPS, 0.0)
    for name, seconds in parts:
        sums[name] += seconds
    return sums
