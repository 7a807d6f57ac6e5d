"""What a store costs a process of its own: the time to open it, and its memory after some searches.

Run as `python -m benchmarks.reopened DATA_DIR QUERIES.npy SPACE_ID FINGERPRINT`; prints JSON.
"""

import argparse
import asyncio
import json
import os
import time
from pathlib import Path

import numpy as np

from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.records import Query
from app.domain.spaces import Space
from benchmarks.processes import memory_of

_SEARCHES = 50


async def _measure(folder: Path, space: Space, queries: np.ndarray) -> dict[str, float]:
    started = time.perf_counter()
    store = await EmbeddedStore.open(folder, space, readers=1)
    open_s = time.perf_counter() - started
    for query in queries[:_SEARCHES]:
        await store.search(Query(query, 10))
    memory = memory_of(os.getpid())
    await store.close()
    return {"open_s": open_s, "anonymous_mb": memory.anonymous_mb, "resident_mb": memory.resident_mb}


def main() -> None:
    """Open, search, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("space_id")
    parser.add_argument("fingerprint")
    arguments = parser.parse_args()
    queries = np.load(arguments.queries)
    space = Space(arguments.space_id, arguments.fingerprint, queries.shape[1])
    print(json.dumps(asyncio.run(_measure(arguments.data_dir / "store", space, queries))))


if __name__ == "__main__":
    main()
