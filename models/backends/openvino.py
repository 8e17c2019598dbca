"""OpenVINO on the CPU: one unpadded row a request, one stream a core. Needs no torch."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino as ov

from data.errors import CheckpointError
from models.backends import INT8_GROUP, cores


class OpenVinoBackend:
    """The graph of a checkpoint folder, compiled for this machine.

    Args:
        folder: has ``model.onnx``, whose weights lie in ``model.safetensors`` beside it.
        precision: ``f32``, ``bf16``, or ``int8``: matrices stored in int8 are multiplied in int8 (activations are
            quantised row by row as they come), the rest is bf16. A processor without bfloat16 computes in float32.
        streams: rows computed at a time; default: one for each core this process may use.

    Raises:
        CheckpointError: ``no_graph`` where there is no graph, ``bad_graph`` where it can't be compiled.
    """

    def __init__(self, folder: Path, *, precision: str = "f32", streams: int | None = None) -> None:
        graph = folder / "model.onnx"
        if not graph.is_file():
            raise CheckpointError(
                "no_graph", "no exported graph; run: python -m train export CHECKPOINT", where=str(folder)
            )
        streams = streams or cores()
        core = ov.Core()
        try:
            compiled = core.compile_model(
                core.read_model(graph),
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": "f32" if precision == "f32" else "bf16",
                    "NUM_STREAMS": str(streams),
                    "INFERENCE_NUM_THREADS": str(streams),
                    "PERFORMANCE_HINT": "THROUGHPUT",
                    # int8 weights are a way to store; computing in int8 is a decision of its own
                    "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(INT8_GROUP) if precision == "int8" else "0",
                    # Kernels are made for each length of a row and kept: a gigabyte more after a thousand rows. These
                    # few serve the like layers of one pass; making them anew costs up to 4 %.
                    "CPU_RUNTIME_CACHE_CAPACITY": "16",
                },
            )
        except RuntimeError as error:
            raise CheckpointError("bad_graph", str(error).splitlines()[0], where=str(graph)) from error
        self._requests: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()
        for _ in range(streams):
            self._requests.put(compiled.create_infer_request())
        # The bindings set numpy up at their first use; two threads at it wait for each other for ever (one has the GIL,
        # the other the lock of the set-up). So the first use is here, before there are threads.
        self._one(np.zeros(2, dtype=np.int64))
        self._pool = ThreadPoolExecutor(streams, thread_name_prefix="openvino")

    def run(self, rows: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.float32]]:
        if len(rows) == 1:
            return [self._one(rows[0])]
        return list(self._pool.map(self._one, rows))

    def _one(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        request = self._requests.get()
        try:
            request.infer({"input_ids": ids[None], "attention_mask": np.ones((1, len(ids)), dtype=np.int64)})
            # copied: the request's own memory is used again by the next row
            return np.array(request.get_output_tensor(0).data[0], dtype=np.float32)
        finally:
            self._requests.put(request)
