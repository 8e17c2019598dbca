"""How many heaps threads allocate from, each case in a process of its own: glibc decides once."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.live import ROOT

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a heap for each thread")
SHARED = "from serve.memory import share_heaps; print(share_heaps({}))"
SERVED = """
from serve.app import create_app
from serve.settings import Settings
create_app(Settings(streams=2))
"""
COUNT = """
import ctypes, sys, threading
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
libc.malloc_info.argtypes, libc.fclose.argtypes = (ctypes.c_int, ctypes.c_void_p), (ctypes.c_void_p,)
together = threading.Barrier(8)
def allocate():
    together.wait()
    libc.malloc(5000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, file)
libc.fclose(file)
print(open(sys.argv[1]).read().count("<heap "))
"""


def printed(before: str, folder: Path, **environment: str) -> list[int]:
    """What ``before`` prints, and then how many heaps there are after eight threads have allocated."""
    clean = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    command = [sys.executable, "-c", before + COUNT, str(folder / "heaps.xml")]
    done = subprocess.run(command, cwd=ROOT, env=clean | environment, capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


@pytest.mark.parametrize(("threads", "heaps"), [(1, 1), (4, 1), (5, 2), (8, 2)])
def test_four_threads_share_a_heap(threads: int, heaps: int, tmp_path: Path) -> None:
    assert printed(SHARED.format(threads), tmp_path) == [heaps, heaps]


def test_what_the_environment_says_goes_before(tmp_path: Path) -> None:
    assert printed(SHARED.format(1), tmp_path, MALLOC_ARENA_MAX="3") == [0, 3]


def test_the_server_shares_one(tmp_path: Path) -> None:
    alone, served = printed("", tmp_path), printed(SERVED, tmp_path)
    assert alone > [4]
    assert served == [1]
