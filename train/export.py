"""The network as an ONNX graph whose weights stay in ``model.safetensors``.

One file of weights serves both runtimes: the graph's initialisers are ONNX *external data* that point, by offset,
into the safetensors file (whose layout is a header and then raw little-endian tensors). float16 entries get a Cast
behind them, int8 entries a DequantizeLinear with their row scales, so OpenVINO computes with exactly the numbers that
torch loads.
"""

from __future__ import annotations

import json
import logging
import struct
import tempfile
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper

from models.network import LabelAttention, load_network
from models.weights import SCALE

WEIGHTS = "model.safetensors"
GRAPH = "model.onnx"
_TYPES = {"F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT, "I8": TensorProto.INT8}
_LARGE = 1024  # entries; smaller constants stay inside the graph


def export_graph(folder: Path, *, topics: int, stances: int) -> Path:
    """Write ``model.onnx`` beside ``config.json`` and ``model.safetensors``; returns its path.

    The graph takes int64 ``input_ids`` and ``attention_mask`` of any shape (R, T) and gives float32 ``heads``
    (R, T, K, 2 + S).
    """
    network = load_network(folder, topics=topics, stances=stances)
    # written out: OpenVINO makes one kernel of each layer's attention from this form, and not from torch's fused one
    network.encoder.set_attn_implementation("eager")  # type: ignore[operator]  # transformers adds it
    graph = folder / GRAPH
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch) / GRAPH
        _trace(network, raw)
        model = onnx.load(raw)
    _point_into(model, folder / WEIGHTS)
    # the exporter's notes on source lines name folders of the machine it ran on
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.metadata_props[:]
    graph.write_bytes(model.SerializeToString())
    return graph


def _trace(network: LabelAttention, path: Path) -> None:
    ids = torch.randint(5, 100, (2, 48))
    rows, tokens = torch.export.Dim("rows", max=4096), torch.export.Dim("tokens", max=8192)
    # the exporter names every optional package it does without
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network.eval(),
            (ids, torch.ones_like(ids)),
            input_names=["input_ids", "attention_mask"],
            output_names=["heads"],
            dynamic_shapes=({0: rows, 1: tokens}, {0: rows, 1: tokens}),
            dynamo=True,
            optimize=False,  # keeps the parameters' names, by which they are found in the weights file
            verbose=False,
        )
        assert program is not None  # the signature is optional for the other exporter's sake
        program.save(path, external_data=False)


def _point_into(model: onnx.ModelProto, weights: Path) -> None:
    """Replace each large initialiser by a pointer into ``weights`` and the nodes that give its float32 value."""
    layout, base = _layout(weights)
    keep, pointers, nodes = [], [], []
    for tensor in model.graph.initializer:
        size = 1
        for dim in tensor.dims:
            size *= dim
        if tensor.name not in layout or size < _LARGE:
            keep.append(tensor)
            continue
        stored = f"{tensor.name}.stored"
        pointers.append(_pointer(stored, layout[tensor.name], base, weights.name))
        if layout[tensor.name]["dtype"] == "I8":
            scale = tensor.name + SCALE
            pointers.append(_pointer(scale, layout[scale], base, weights.name))
            nodes.append(helper.make_node("DequantizeLinear", [stored, scale], [tensor.name], axis=0))
        else:
            nodes.append(helper.make_node("Cast", [stored], [tensor.name], to=TensorProto.FLOAT))
    rest = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend([*keep, *pointers])
    model.graph.node.extend([*nodes, *rest])


def _layout(weights: Path) -> tuple[dict[str, Any], int]:
    with weights.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header, 8 + length


def _pointer(name: str, entry: dict[str, Any], base: int, location: str) -> TensorProto:
    start, end = entry["data_offsets"]
    tensor = TensorProto(name=name, data_type=_TYPES[entry["dtype"]], dims=entry["shape"])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", base + start), ("length", end - start)):
        pair = tensor.external_data.add()
        pair.key, pair.value = key, str(value)
    return tensor
