"""Processes of their own, so that threads, memory and what is loaded of two measures don't mix."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def apart() -> ProcessPoolExecutor:
    """One fresh process. It stays, with all that it loaded, until the executor is left."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))
