"""How this process asks the system for memory."""

from __future__ import annotations

import ctypes
import os
import sys

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h
# An article costs 22,000 allocations, 2,000 of them too large for a thread's own cache: more threads at one heap would
# wait for each other.
_THREADS = 4


def share_heaps(threads: int) -> int:
    """Let threads that compute allocate from one heap (arena), each four from one; call it before there are any.

    glibc gives each thread a heap of its own, and what is freed in one serves no other. OpenVINO makes and drops
    kernels and activations for rows of ever other lengths, on whichever thread: each heap grows to the worst that
    its threads met, with small pieces that stay between. Measured in bfloat16, 1,200 articles in two threads: in 9
    heaps 77 MB were free and held, in one 43 and level; in use were 158 and 172, and processor time was the same.

    Args:
        threads: how many compute at a time.

    Returns:
        How many heaps there may be from now on; 0 where nothing was changed: ``MALLOC_ARENA_MAX`` says it already, or
        there is no glibc.
    """
    if sys.platform != "linux" or "MALLOC_ARENA_MAX" in os.environ:
        return 0
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    heaps = -(-threads // _THREADS)
    return heaps if mallopt is not None and mallopt(_ARENA_MAX, heaps) == 1 else 0
