"""What the C library does with memory that is given back, in a process of its own."""

import platform
import subprocess
import sys

import pytest

SOME_MB = 2
TURNS = 200
ASKED_FOR = f"""
import resource
import threading
import numpy as np
from app.adapters.allocator import give_memory_back

def work(turns):
    for _ in range(turns):
        np.ones({SOME_MB} << 20, np.uint8)

def beside_the_loop():
    work(5)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work({TURNS})
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

give_memory_back()
thread = threading.Thread(target=beside_the_loop)
thread.start()
thread.join()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are not told anything")
def test_what_a_search_takes_and_gives_back_is_not_brought_in_again_each_time() -> None:
    """Each page that is costs a fault; all pages of all turns would be 100,000."""
    told = subprocess.run([sys.executable, "-B", "-c", ASKED_FOR], capture_output=True, text=True, check=True)
    assert int(told.stdout) < 10 * TURNS
