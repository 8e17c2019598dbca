"""Weights on disk: safetensors in float16, or in int8 with one scale a row, read back as float32 numpy arrays.

int8 halves the file again. A matrix ``W`` (rows, columns) is kept as ``W`` int8 and ``W.scale`` float32 (rows,);
its value is their product. Vectors stay in float16. Both runtimes read this one file: torch through
``load_weights``, OpenVINO through the graph, whose initialisers point into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from data.errors import CheckpointError

SCALE = ".scale"
LEAST_INT8 = 4096  # entries of a matrix: of one of so few or fewer, int8 would save nothing worth its rounding
Array = npt.NDArray[np.float32]


def save_weights(path: Path, weights: Mapping[str, Array], *, int8: bool) -> None:
    """Write ``weights``; with ``int8``, matrices of over ``LEAST_INT8`` entries in int8, row by row, symmetrically."""
    stored: dict[str, npt.NDArray[np.generic]] = {}
    for name, array in weights.items():
        if int8 and array.ndim == 2 and array.size > LEAST_INT8:
            scale = np.maximum(np.abs(array).max(axis=1), 1e-8).astype(np.float32) / np.float32(127)
            stored[name] = np.clip(np.rint(array / scale[:, None]), -127, 127).astype(np.int8)
            stored[name + SCALE] = scale
        else:
            stored[name] = np.ascontiguousarray(array, dtype=np.float16)
    save_file(stored, path)


def load_weights(path: Path) -> dict[str, Array]:
    """Read what ``save_weights`` wrote, as float32.

    Raises:
        CheckpointError: ``bad_weights`` where the file is no safetensors file.
    """
    try:
        stored = load_file(path)
    except Exception as error:  # safetensors raises its own type, OSError or ValueError by what is broken
        raise CheckpointError("bad_weights", str(error), where=str(path)) from error
    weights = {}
    for name, array in stored.items():
        if name.endswith(SCALE):
            continue
        value = array.astype(np.float32)
        weights[name] = value * stored[name + SCALE][:, None] if name + SCALE in stored else value
    return weights
