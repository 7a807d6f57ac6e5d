"""Ends what a test run could not: a process beside it, `python keeper.py FOLDER`, that nothing but its end wakes.

Its standard input names process groups as they are started (`+123`) and ended (`-123`). When it ends, with whoever
started this, even by SIGKILL, the groups that are left are killed and the folder is removed.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

_LET_GO_S: Final = 1.0
"""A killed process may still be writing into the folder."""


def left(lines: Iterable[str]) -> set[int]:
    """The groups that were started and not ended."""
    groups: set[int] = set()
    for line in lines:
        if line.startswith("+"):
            groups.add(int(line))
        else:
            groups.discard(-int(line))
    return groups


def main() -> None:
    """Wait, then tidy up."""
    groups = left(sys.stdin)
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    if groups:
        time.sleep(_LET_GO_S)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
