"""What is settled before any command begins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOLD = """
import os
import app.__main__
import numpy
print(os.environ["OPENBLAS_NUM_THREADS"], len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted as Linux shows them")
@pytest.mark.parametrize("wanted", [None, "2"])
def test_matrix_products_have_one_thread_unless_more_are_wanted(wanted: str | None) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment = kept | ({"OPENBLAS_NUM_THREADS": wanted} if wanted else {})
    result = subprocess.run([sys.executable, "-c", TOLD], env=environment, capture_output=True, text=True, check=True)
    variable, threads = result.stdout.split()
    assert (wanted or "1") == variable
    assert int(threads) == min(int(variable), len(os.sched_getaffinity(0)))
