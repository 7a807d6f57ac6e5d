"""An embedded store large enough for codes: made once, copied for each test, and what its answers must be."""

import asyncio
import functools
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import numpy as np

from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.records import NewEntry, Query
from app.domain.spaces import Space
from tests.contract.stores import FLOAT16_TOLERANCE, Floats, image_ids, new

LARGE_SPACE: Final = Space("raw-large", "large", 64)
LARGE_COUNT: Final = 4500
QUERIES: Final = 6
K: Final = 10
LEAST_RECALL: Final = 0.95
_CLUSTERS: Final = 150


@functools.cache
def clustered(count: int, seed: int) -> Floats:
    """Unit vectors as photos' are: many near each other, the heaps far apart."""
    centres = np.random.default_rng(0).normal(size=(_CLUSTERS, LARGE_SPACE.dimensions))
    chance = np.random.default_rng(seed)
    rows = centres[chance.integers(0, _CLUSTERS, count)] + 0.5 * chance.normal(size=(count, LARGE_SPACE.dimensions))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def large_entries(count: int, *, start: int = 0, seed: int = 1) -> list[NewEntry]:
    """Entries numbered from `start`: all under `all`, seven of ten under `most`, one of twenty under `few`."""
    return [
        new(f"i{number:06}", vector, "all", *(["few"] * (number % 20 == 0)), *(["most"] * (number % 10 < 7)))
        for number, vector in enumerate(clustered(count, seed), start)
    ]


def make_large_store(folder: Path) -> None:
    """Fill a store and close it."""
    asyncio.run(_fill(folder))


async def _fill(folder: Path) -> None:
    async with opened(folder) as store:
        await store.put(large_entries(LARGE_COUNT))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[EmbeddedStore]:
    """The store in a folder for as long as the block runs."""
    store = await EmbeddedStore.open(folder, LARGE_SPACE, readers=2)
    try:
        yield store
    finally:
        await store.close()


def copied(folder: Path, to: Path) -> Path:
    """The folder as a kill would leave it now."""
    shutil.copytree(folder, to)
    return to


def under(entries: Sequence[NewEntry], label_id: str | None) -> list[NewEntry]:
    """Those under a label, or all."""
    return [each for each in entries if label_id is None or label_id in each.entry.label_ids]


def near_enough(entries: Sequence[NewEntry], vectors: Floats) -> list[set[str]]:
    """The ids of the K true nearest to each vector, and of those that are as near within what float16 leaves open."""
    rows = np.stack([each.features for each in entries]).astype(np.float64)
    cosines = vectors.astype(np.float64) @ (rows / np.linalg.norm(rows, axis=1, keepdims=True)).T
    least = np.sort(cosines, axis=1)[:, -K:].min(axis=1, keepdims=True) - FLOAT16_TOLERANCE
    return [{entries[place].entry.image_id for place in np.flatnonzero(row).tolist()} for row in cosines >= least]


async def recall(store: EmbeddedStore, entries: Sequence[NewEntry], *, label_id: str | None, exact: bool) -> float:
    """The share of the K hits of searches that are true ones; the entries are all that the store should have."""
    vectors = clustered(QUERIES, seed=99)
    label_ids = frozenset([label_id]) if label_id else None
    answers = [image_ids(await store.search(Query(vector, K, label_ids, exact))) for vector in vectors]
    there = under(entries, label_id)
    met = sum(len(ids & set(answer)) for ids, answer in zip(near_enough(there, vectors), answers, strict=True))
    return met / (QUERIES * min(K, len(there)))


async def everything(store: EmbeddedStore, *label_ids: str) -> list[str]:
    """The ids that a search for all finds, or for all under labels, sorted."""
    query = Query(clustered(1, seed=98)[0], 1_000_000, frozenset(label_ids) or None, exact=True)
    return sorted(image_ids(await store.search(query)))


async def assert_right(store: EmbeddedStore, entries: Sequence[NewEntry]) -> None:
    """As many entries as these are there, and searches find what is nearest among these as they promise."""
    label = await store.label("all")
    assert label is not None
    assert len(entries) == label.image_count
    for label_id in (None, "most", "few"):
        assert await recall(store, entries, label_id=label_id, exact=True) == 1
        assert await recall(store, entries, label_id=label_id, exact=False) >= LEAST_RECALL


async def assert_complete(store: EmbeddedStore, entries: Sequence[NewEntry]) -> None:
    """Besides, these and no others are found, each once."""
    await assert_right(store, entries)
    assert sorted(each.entry.image_id for each in entries) == await everything(store)
