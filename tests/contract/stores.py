"""The stores that keep one contract, each opened in the same way, and the vectors that tests fill them with."""

import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import strategies as st

from app.adapters.stores.elasticsearch.client import Cluster, ClusterOptions, line, opened
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.store import ElasticsearchStore, StoreOptions
from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.ports import CopyTarget, Store
from app.domain.records import Hit, NewEntry, Query
from app.domain.spaces import Space
from tests.fakes import FakeStore, Shelf
from tests.unit.domain.samples import entry

CLUSTERS: Final = ("elasticsearch-8", "elasticsearch-9")

KINDS: Final = ("embedded", *CLUSTERS, "fake")
SPACE: Final = Space("raw-one", "one", 8)
OTHER_SPACE: Final = Space("raw-other", "other", 12)
FLOAT16_TOLERANCE: Final = 5e-4
"""Rounding to float16 changes a vector's length by so much at most, and so a product by length from a cosine."""
Floats = npt.NDArray[np.float32]


_LEASES: Final = count(1)
_USED: Final[dict[str, list[str]]] = {}
"""Namespaces by server whose indices are empty: to use one again is ten times quicker than to make indices anew."""


class ClosableStore(CopyTarget, Protocol):
    """A store as its owner knows it."""

    async def close(self) -> None:
        """Let go of what it holds."""


class OnCluster(ElasticsearchStore):
    """A store on a cluster, together with its connections."""

    def __init__(self, cluster: Cluster, space: Space, fence: Fence, options: StoreOptions) -> None:
        super().__init__(cluster, space, fence, options)
        self.connections = AsyncExitStack()

    async def close(self) -> None:
        """Close the connections."""
        await self.connections.aclose()


@dataclass(frozen=True)
class Home:
    """A kind of store, and the server's address where it has one."""

    kind: str
    url: str | None = None


class Place:
    """Where a store lives: closing one and opening another here goes on with the same entries.

    On a cluster it is a namespace.
    """

    def __init__(self, home: Home, folder: Path) -> None:
        self.folder = folder
        self._kind = home.kind
        self._url = home.url
        self._shelf = Shelf()
        self._open: ClosableStore | None = None
        used = _USED.setdefault(home.url or "", [])
        self.namespace = used.pop() if used else f"t{uuid4().hex[:12]}"

    async def open(self, space: Space = SPACE) -> ClosableStore:
        """Close the store that is open here, if any, and open it again."""
        await self.close()
        if self._kind == "fake":
            self._open = FakeStore(space, self._shelf)
        elif self._url:
            self._open = await self._on_cluster(self._url, space)
        else:
            self._open = await EmbeddedStore.open(self.folder, space, readers=2)
        return self._open

    async def _on_cluster(self, url: str, space: Space) -> OnCluster:
        connections = AsyncExitStack()
        cluster = await connections.enter_async_context(opened(ClusterOptions((url,))))
        fence = Fence()
        fence.raise_to(next(_LEASES))
        store = OnCluster(cluster, space, fence, StoreOptions(self.namespace, f"{self.namespace}-"))
        store.connections = connections
        await store.found()
        await store.begin()
        return store

    async def close(self) -> None:
        """Close the store that is open here."""
        if self._open:
            await self._open.close()
            self._open = None

    async def remove(self) -> None:
        """Close the store, and leave nothing in it."""
        await self.close()
        if self._url:
            async with opened(ClusterOptions((self._url,))) as cluster:
                await _empty(cluster, f"{self.namespace}@*")
            _USED[self._url].append(self.namespace)


async def _empty(cluster: Cluster, indices: str) -> None:
    """Delete every document of some indices, small ones."""
    await cluster.request("POST", f"/{indices}/_refresh")
    answer = await cluster.request("POST", f"/{indices}/_search", {"size": 10_000, "_source": False})
    hits = answer["hits"]["hits"]
    if hits:
        deletes = [line({"delete": {"_index": hit["_index"], "_id": hit["_id"]}}) for hit in hits]
        await cluster.lines("/_bulk", deletes, {"refresh": "true"})


@asynccontextmanager
async def fresh_store(home: Home, space: Space = SPACE) -> AsyncIterator[ClosableStore]:
    """An empty store for as long as the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(home, Path(folder))
        try:
            yield await place.open(space)
        finally:
            await place.remove()


def unit_vector(*numbers: float, dimensions: int = SPACE.dimensions) -> Floats:
    """The direction of these numbers, the others zero."""
    vector = np.zeros(dimensions, np.float32)
    vector[: len(numbers)] = numbers
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def random_vectors(count: int, dimensions: int = SPACE.dimensions, seed: int = 1) -> Floats:
    """Directions spread evenly."""
    rows = np.random.default_rng(seed).normal(size=(count, dimensions))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def new(image_id: str, vector: Floats, *label_ids: str, **fields: Any) -> NewEntry:
    """An entry to put."""
    return NewEntry(entry(image_id, *label_ids, **fields), vector.astype(np.float16))


def many(vectors: Floats, *label_ids: str, start: int = 0) -> list[NewEntry]:
    """Entries to put, numbered."""
    return [new(f"i{number:05}", vector, *label_ids) for number, vector in enumerate(vectors, start)]


def query(vector: Floats, k: int = 10, *label_ids: str, exact: bool = False) -> Query:
    """A search, everywhere if no label is given."""
    return Query(vector, k, frozenset(label_ids) or None, exact)


async def put_all(store: Store, entries: Sequence[NewEntry]) -> None:
    """Put entries, all of which are taken, so that searches see them."""
    assert not await store.put(entries)
    await store.refresh()


async def found(store: Store, vector: Floats, k: int = 10, *label_ids: str, exact: bool = False) -> list[str]:
    """The ids that a search finds, in order."""
    return image_ids(await store.search(query(vector, k, *label_ids, exact=exact)))


def image_ids(hits: Iterable[Hit]) -> list[str]:
    """Of hits, in order."""
    return [hit.entry.image_id for hit in hits]


def assert_nearest(hits: Sequence[Hit], entries: Sequence[NewEntry], vector: Floats, k: int) -> None:
    """The hits are the k nearest of these entries in order, but for what float16 leaves open."""
    expected = brute_force(entries, vector, k)
    true_scores = dict(brute_force(entries, vector, len(entries)))
    scores = [score for _, score in expected]
    assert scores == pytest.approx([hit.score for hit in hits], abs=FLOAT16_TOLERANCE)
    assert scores == pytest.approx([true_scores[image_id] for image_id in image_ids(hits)], abs=FLOAT16_TOLERANCE)
    assert len(expected) == len(set(image_ids(hits)))


def brute_force(entries: Sequence[NewEntry], vector: Floats, k: int) -> list[tuple[str, float]]:
    """The true answer of a search over these: (image_id, score)."""
    if not entries:
        return []
    rows = np.stack([each.features for each in entries]).astype(np.float64)
    scores = (rows @ vector.astype(np.float64)) / np.linalg.norm(rows, axis=1) / np.linalg.norm(vector)
    ranked = sorted(zip(scores.tolist(), entries, strict=True), key=lambda pair: (-pair[0], pair[1].entry.image_id))
    return [(each.entry.image_id, score) for score, each in ranked[:k]]


@st.composite
def plain_vectors(draw: st.DrawFn) -> Floats:
    """Four halves among eight numbers: length one, and products without any rounding, so that ties are ties."""
    vector = np.zeros(SPACE.dimensions, np.float32)
    for place in draw(st.permutations(range(8)))[:4]:
        vector[place] = draw(st.sampled_from([-0.5, 0.5]))
    return vector


label_sets: Final = st.sets(st.sampled_from("abc"), min_size=1)
