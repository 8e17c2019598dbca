"""A straight line through measured points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def fit(x: Sequence[float], y: Sequence[float]) -> dict[str, float]:
    """Least squares: ``slope``, ``intercept``, ``r2``, and the point furthest from the line.

    Returns:
        also ``furthest``, its x, and ``deviation``, its y less the line's.
    """
    at, found = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    slope, intercept = np.polyfit(at, found, 1)
    off = found - (slope * at + intercept)
    about_mean = float(((found - found.mean()) ** 2).sum())
    worst = int(np.abs(off).argmax())
    return {
        "slope": float(slope),
        "intercept": float(intercept),
        "r2": 1 - float((off**2).sum()) / about_mean if about_mean else 1.0,
        "furthest": float(at[worst]),
        "deviation": float(off[worst]),
    }
