"""A program that changes an embedded store until it is killed: `... -m tests.contract.putting FOLDER START`.

Each turn puts ADDED entries, replaces the REPLACED before them, and does a change of each other kind to one of the new
ones, named below by its place among them; then the next number is printed.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path
from typing import Final

from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.records import Description
from tests.contract.large import large_entries, opened

ADDED: Final = 120
REPLACED: Final = 30
TAKEN_OUT, DESCRIBED, LABELLED, DELETED = 1, 2, 3, ADDED - 1
"""The last is put again in the next turn, and must be passed over."""


async def change_without_end(folder: Path, start: int) -> None:
    """Print each number up to which everything is done."""
    async with opened(folder) as store:
        for begin in count(start, ADDED):
            first = max(0, begin - REPLACED)
            await store.put(large_entries(begin + ADDED - first, start=first, seed=begin))
            await _change_some(store, begin)
            print(begin + ADDED, flush=True)


async def _change_some(store: EmbeddedStore, begin: int) -> None:
    for label_id in ("most", "few", "all"):
        await store.take_out([f"i{begin + TAKEN_OUT:06}"], label_id)
    await store.describe({f"i{begin + DESCRIBED:06}": Description("P", str(begin), {})})
    await store.add_label([f"i{begin + LABELLED:06}"], "more")
    await store.delete(f"i{begin + DELETED:06}")


if __name__ == "__main__":
    asyncio.run(change_without_end(Path(sys.argv[1]), int(sys.argv[2])))
