"""The store on Elasticsearch beside the bare client: the same documents, the same requests, in turn, on one server.

Both sides have indices of their own, made alike. What is timed of the bare side is what any caller of the client has to
do: documents that are there already become JSON and go out as `_bulk`; a search's request is bytes already. The store's
side is the whole call of the port.
"""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from elasticsearch import AsyncElasticsearch

from app.adapters.stores.elasticsearch import queries as bodies
from app.adapters.stores.elasticsearch.client import Cluster, ClusterOptions, line, opened
from app.adapters.stores.elasticsearch.documents import space_document, truth_document
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.store import ElasticsearchStore, StoreOptions
from app.domain.features import Vectors, unit
from app.domain.records import NewEntry, Query
from app.domain.spaces import Space
from benchmarks.filling import entries_of, label
from benchmarks.gallery import LABELS, TOP, Gallery, nearest, recall

_PAGE: Final = 1000
_WARM_UP_QUERIES: Final = 20
_ROUNDS: Final = 2
_TIMEOUT_S: Final = 600.0
_LET_GO_AFTER_S: Final = 40.0
"""Merging drops what was sent (`_recovery_source`) once a flush is known to the shard's lease, synced each 30 s."""
_JSON: Final = {"accept": "application/json", "content-type": "application/json"}
_ALL_SHARDS: Final = {"allow_partial_search_results": "false"}
_LINES: Final = {"accept": "application/json", "content-type": "application/x-ndjson"}
SELECTIONS: Final = {"all": LABELS, "one label": 1}
"""What is searched, by how many of the 20 labels that is."""


@dataclass(frozen=True, slots=True)
class Searched:
    """Milliseconds of each search, the store's and the bare ones, and the store's recall@10."""

    selection: str
    store_ms: list[float]
    bare_ms: list[float]
    recall: float


@dataclass(frozen=True, slots=True)
class OnCluster:
    """One size, measured. Seconds of each page; bytes a photo in the truth and in the space, also once merged."""

    entries: int
    dimensions: int
    store_s: list[float]
    bare_s: list[float]
    searched: list[Searched]
    bytes_before: tuple[float, float]
    bytes_merged: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Side:
    """A namespace of the benchmark's own, and the store in it."""

    cluster: Cluster
    space: Space
    options: StoreOptions
    fence: Fence = field(default_factory=Fence)

    @property
    def names(self) -> Names:
        return Names(self.options.namespace)

    @property
    def indices(self) -> tuple[str, str]:
        """The truth and the space."""
        return self.names.entries, self.names.space(self.space)

    async def opened(self) -> ElasticsearchStore:
        """The store, ready for changes; its indices are made."""
        store = ElasticsearchStore(self.cluster, self.space, self.fence, self.options)
        await store.found()
        self.fence.raise_to(1)
        await store.begin()
        return store

    async def remove(self) -> None:
        """Delete what was made."""
        names = self.names
        for index in (*self.indices, names.state, names.jobs):
            await self.cluster.request("DELETE", f"/{index}", params={"ignore_unavailable": "true"})


def narrowed(features: Vectors, dimensions: int) -> Vectors:
    """Features as they are, or in the directions of the most variance that these have, of unit length again."""
    if dimensions >= features.shape[1]:
        return features
    _, directions = np.linalg.eigh(features.T @ features)
    return unit(features @ directions[:, ::-1][:, :dimensions])


def measured(url: str, gallery: Gallery) -> OnCluster:
    """Fill, search and weigh; whatever was made on the server is removed."""
    return asyncio.run(_measured(url, gallery))


async def _measured(url: str, gallery: Gallery) -> OnCluster:
    dimensions = gallery.sources.shape[1]
    space = Space.raw(uuid4().hex, dimensions)
    async with opened(ClusterOptions((url,), timeout_s=_TIMEOUT_S)) as cluster:
        sides = [_Side(cluster, space, _options(name)) for name in ("ours", "bare")]
        bare = AsyncElasticsearch([url], request_timeout=_TIMEOUT_S)
        try:
            ours, _ = [await side.opened() for side in sides]
            store_s, bare_s = await _filled(ours, bare, sides[1], gallery)
            await sides[1].remove()
            before, flushed_at = await _bytes_a_photo(bare, sides[0].indices), time.monotonic()
            searched = await _searched(ours, bare, sides[0].indices[1], gallery)
            await asyncio.sleep(flushed_at + _LET_GO_AFTER_S - time.monotonic())  # at once if that is past
            await bare.indices.forcemerge(index=",".join(sides[0].indices), max_num_segments=1)
            merged = await _bytes_a_photo(bare, sides[0].indices)
        finally:
            await bare.close()
            for side in sides:
                await side.remove()
    return OnCluster(len(gallery), dimensions, store_s, bare_s, searched, before, merged)


def _options(side: str) -> StoreOptions:
    name = f"benchmark-{side}-{uuid4().hex[:8]}"
    return StoreOptions(name, f"{name}-")


async def _filled(
    store: ElasticsearchStore, bare: AsyncElasticsearch, side: _Side, gallery: Gallery
) -> tuple[list[float], list[float]]:
    """Seconds to put each page by the store, and to send the same documents bare, in turn."""
    spent_s: dict[str, list[float]] = {"store": [], "bare": []}
    turns = cycle((("store", "bare"), ("bare", "store")))
    for page, turn in zip(_pages(gallery), turns, strict=False):
        documents = _documents(page, side)
        for lane in turn:
            started = time.perf_counter()
            await (store.put(page) if lane == "store" else _send(bare, documents))
            spent_s[lane].append(time.perf_counter() - started)
    await store.refresh()
    return spent_s["store"], spent_s["bare"]


def _pages(gallery: Gallery) -> Iterator[Sequence[NewEntry]]:
    for start, block in gallery.blocks():
        for offset in range(0, len(block), _PAGE):
            yield entries_of(start + offset, block[offset : offset + _PAGE])


def _documents(page: Sequence[NewEntry], side: _Side) -> list[dict[str, Any]]:
    """Actions and documents of both indices, as the store writes them."""
    now = datetime.now(UTC).isoformat()
    documents: list[dict[str, Any]] = []
    for new in page:
        truth = truth_document(new.entry, new.features, side.space.fingerprint, now)
        for index, document in zip(side.indices, (truth, space_document(new.entry, new.features)), strict=True):
            documents += [{"index": {"_index": index, "_id": new.entry.image_id}}, document]
    return documents


async def _send(bare: AsyncElasticsearch, documents: Sequence[dict[str, Any]]) -> None:
    lines = b"\n".join([*map(line, documents), b""])
    answer = await bare.perform_request("POST", "/_bulk", headers=_LINES, body=lines)
    if answer["errors"]:
        sys.exit("Elasticsearch does not take all documents.")


async def _searched(
    store: ElasticsearchStore, bare: AsyncElasticsearch, index: str, gallery: Gallery
) -> list[Searched]:
    truths = nearest(gallery, list(SELECTIONS.values()))
    searched = []
    for selection, labels in SELECTIONS.items():
        queries = [Query(vector, TOP, _label_ids(labels)) for vector in gallery.queries]
        await _in_turn(store, bare, index, queries[:_WARM_UP_QUERIES])
        rounds = [await _in_turn(store, bare, index, queries) for _ in range(_ROUNDS)]
        times_ms = [ms for round_ms, _ in rounds for ms in round_ms]
        found = rounds[-1][1]
        searched.append(
            Searched(selection, [ms for ms, _ in times_ms], [ms for _, ms in times_ms], recall(found, truths[labels]))
        )
    return searched


async def _in_turn(
    store: ElasticsearchStore, bare: AsyncElasticsearch, index: str, queries: Sequence[Query]
) -> tuple[list[tuple[float, float]], list[npt.NDArray[np.int64]]]:
    """Milliseconds of each search by the store and bare, each first at every other one; what the store found."""
    times_ms, found = [], []
    for number, query in enumerate(queries):
        request = line(bodies.nearest(query, store.method, StoreOptions().candidates))
        bare_ms = await _bare_ms(bare, index, request) if number % 2 else 0.0
        started = time.perf_counter()
        hits = await store.search(query)
        store_ms = (time.perf_counter() - started) * 1000
        bare_ms = bare_ms or await _bare_ms(bare, index, request)
        times_ms.append((store_ms, bare_ms))
        found.append(np.array([int(hit.entry.name.partition(".")[0]) for hit in hits]))
    return times_ms, found


async def _bare_ms(bare: AsyncElasticsearch, index: str, request: bytes) -> float:
    started = time.perf_counter()
    path = f"/{quote(index)}/_search"
    await bare.perform_request("POST", path, params=_ALL_SHARDS, headers=_JSON, body=request)
    return (time.perf_counter() - started) * 1000


def _label_ids(labels: int) -> frozenset[str] | None:
    return None if labels == LABELS else frozenset(map(label, range(labels)))


async def _bytes_a_photo(bare: AsyncElasticsearch, indices: tuple[str, str]) -> tuple[float, float]:
    """In the truth, and in the space."""
    await bare.indices.flush(index=",".join(indices))
    stats = await bare.indices.stats(index=",".join(indices), metric=["store", "docs"])
    weighed = [stats["indices"][index]["primaries"] for index in indices]
    truth, space = (each["store"]["size_in_bytes"] / each["docs"]["count"] for each in weighed)
    return truth, space
