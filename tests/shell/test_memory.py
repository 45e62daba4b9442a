"""What is held is bounded by what is under way, not by how many threads have ever worked."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

ARENAS = """
import ctypes, sys, threading
from target_klaviyo_segments.cli import _share_memory
_share_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(8)

def work():
    libc.malloc(100_000)
    together.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fdopen.restype = ctypes.c_void_p
out = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(out))
libc.fflush(ctypes.c_void_p(out))
"""


def arenas(**environment):
    """Of a process in which eight threads allocate at once."""
    known = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    command = [sys.executable, "-c", ARENAS]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=known | environment)
    return done.stdout.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not glibc")
def test_threads_share_their_memory_unless_the_user_wants_it_otherwise():
    """Each would keep what it was once given."""
    assert arenas() == 1
    assert 1 < arenas(MALLOC_ARENA_MAX="4") <= 4
