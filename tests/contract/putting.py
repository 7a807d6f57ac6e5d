"""A program that puts batches into an embedded store until it is killed: `... -m tests.contract.putting FOLDER START`.

Each put adds ADDED entries and replaces the REPLACED before them; once it returned, the next number is printed.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path
from typing import Final

from tests.contract.large import large_entries, opened

ADDED: Final = 120
REPLACED: Final = 30


async def put_without_end(folder: Path, start: int) -> None:
    """Print each number up to which everything is in the store."""
    async with opened(folder) as store:
        for begin in count(start, ADDED):
            first = max(0, begin - REPLACED)
            await store.put(large_entries(begin + ADDED - first, start=first, seed=begin))
            print(begin + ADDED, flush=True)


if __name__ == "__main__":
    asyncio.run(put_without_end(Path(sys.argv[1]), int(sys.argv[2])))
