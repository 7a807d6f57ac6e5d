"""Ways to search the same entries with the same queries, timed in turn on one thread."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import faiss
import numpy as np
import numpy.typing as npt

from app.adapters.stores.embedded.scanning import exact_nearest
from app.adapters.stores.embedded.snapshot import Snapshot, search
from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.features import Vector, Vectors
from app.domain.records import Query
from benchmarks.filling import label
from benchmarks.gallery import LABELS, TOP, Gallery, Ids, recall

Numbers = npt.NDArray[np.int64]

_QUERIES_A_ROUND: Final = 50
_WARM_UP_QUERIES: Final = 10
_SHARD_ROWS: Final = 65_536
_MEMORY_SHARE: Final = 0.6
"""Of the memory that is free: what the float32 rows may take."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A way to search: queries -> the numbers of the entries found for each, nearest first."""

    name: str
    search: Callable[[Vectors], Sequence[Numbers]]
    truth: Ids | None = None
    beside: str | None = None
    """The lane that this one's time is compared with."""
    scale: float = 1.0
    """What its time is multiplied with: over 1 where it searches a part of the rows only."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds a query (median of the rounds), the ratio to the lane beside it (likewise), and recall@10."""

    name: str
    ms: float
    ratio: float | None
    recall: float | None


def timed(lanes: Sequence[Lane], queries: Vectors) -> list[Timed]:
    """Every lane with every query: a round is some queries in one lane after the other, so that noise hits all."""
    rounds_ms: dict[str, list[float]] = {lane.name: [] for lane in lanes}
    found: dict[str, list[Numbers]] = {lane.name: [] for lane in lanes}
    for lane in lanes:
        lane.search(queries[:_WARM_UP_QUERIES])
    for start in range(0, len(queries), _QUERIES_A_ROUND):
        block = queries[start : start + _QUERIES_A_ROUND]
        for lane in lanes:
            started = time.perf_counter()
            found[lane.name] += lane.search(block)
            rounds_ms[lane.name].append((time.perf_counter() - started) * 1000 / len(block) * lane.scale)
    return [_timed(lane, rounds_ms, found[lane.name]) for lane in lanes]


def _timed(lane: Lane, rounds_ms: dict[str, list[float]], found: Sequence[Numbers]) -> Timed:
    ms = rounds_ms[lane.name]
    beside = rounds_ms[lane.beside] if lane.beside else None
    return Timed(
        name=lane.name,
        ms=median(ms),
        ratio=median(mine / other for mine, other in zip(ms, beside, strict=True)) if beside else None,
        recall=None if lane.truth is None else recall(found, lane.truth),
    )


class Flat:
    """faiss.IndexFlatIP over the gallery's float32 rows, in shards; as many rows as memory allows."""

    def __init__(self, gallery: Gallery) -> None:
        """Take the rows."""
        room = int(_free_bytes() * _MEMORY_SHARE) // gallery.sources[0].nbytes
        self.rows = 0
        self._shards: list[faiss.IndexFlatIP] = []
        waiting: list[Vectors] = []
        for start, block in gallery.blocks():
            waiting.append(block)
            end = start + len(block)
            if end - self.rows >= _SHARD_ROWS or end == len(gallery):
                self._take(np.concatenate(waiting))
                waiting.clear()
                if self.rows + _SHARD_ROWS > room:
                    break

    def _take(self, rows: Vectors) -> None:
        # One call for each shard: an index that grows call by call takes up to twice its size.
        shard = faiss.IndexFlatIP(rows.shape[1])
        shard.add(rows)
        self._shards.append(shard)
        self.rows += len(rows)

    def lane(self, name: str, gallery: Gallery, label_count: int, truth: Ids) -> Lane:
        """A lane that searches the entries under the first so many labels."""
        whole = self.rows == len(gallery)
        return Lane(
            name if whole else f"{name}, from {self.rows:,} rows",
            lambda queries: [self._nearest(query, label_count) for query in queries],
            truth if whole else None,
            scale=len(gallery) / self.rows,
        )

    def _nearest(self, query: Vector, label_count: int) -> Numbers:
        start, found = 0, list[tuple[Numbers, npt.NDArray[np.float32]]]()
        for shard in self._shards:
            parameters, _kept = _selecting(start, shard.ntotal, label_count)
            scores, numbers = shard.search(query[np.newaxis], TOP, params=parameters)
            found.append((numbers[0] + start, scores[0]))
            start += shard.ntotal
        numbers, scores = (np.concatenate(column) for column in zip(*found, strict=True))
        return np.asarray(numbers[np.argsort(-scores)[:TOP]])


def _selecting(start: int, count: int, label_count: int) -> tuple[faiss.SearchParameters | None, object]:
    """Parameters that select labels among rows from a number on, and what must be kept as long as they are."""
    if label_count == LABELS:
        return None, None
    bitmap = np.packbits(np.arange(start, start + count) % LABELS < label_count, bitorder="little")
    selector = faiss.IDSelectorBitmap(bitmap)
    return faiss.SearchParameters(sel=selector), (bitmap, selector)


def _free_bytes() -> int:
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def snapshot_lane(
    name: str, snapshot: Snapshot, label_count: int, truth: Ids, *, beside: str | None, exact: bool = False
) -> Lane:
    """A lane of the store's own search of vectors: codes and rescoring together."""
    label_ids = _label_ids(label_count)

    def found(queries: Vectors) -> list[Numbers]:
        return [search(snapshot, Query(query, TOP, label_ids, exact))[0] - 1 for query in queries]

    return Lane(name, found, truth, beside)


def store_lane(name: str, runner: asyncio.Runner, store: EmbeddedStore, k: int, truth: Ids) -> Lane:
    """A lane of the whole search as a flow calls it: with the change of threads and the look-up of the entries."""

    async def each(queries: Vectors) -> list[Numbers]:
        answers = [await store.search(Query(query, k)) for query in queries]
        return [np.array([int(hit.entry.name.partition(".")[0]) for hit in hits]) for hits in answers]

    return Lane(name, lambda queries: runner.run(each(queries)), truth)


def swept_lane(snapshot: Snapshot, candidates: int, bits: int, truth: Ids, *, beside: str) -> Lane:
    """A lane with constants of its own: how many rows the codes propose, and the query's bits. Raises ValueError."""
    if snapshot.codes is None:
        raise ValueError("There are no codes to sweep: take more entries.")
    index = snapshot.codes._index  # noqa: SLF001 - a benchmark looks inside
    tail = np.arange(snapshot.coded, len(snapshot.seqs))

    def near(query: Vector) -> Numbers:
        selector = faiss.IDSelectorBitmap(np.packbits(snapshot.alive[: snapshot.coded], bitorder="little"))
        parameters = faiss.RaBitQSearchParameters(qb=bits, centered=True, sel=selector)
        _, proposed = index.search(query[np.newaxis], candidates, params=parameters)
        positions = np.concatenate([np.sort(proposed[0]), tail])
        best, _ = exact_nearest(snapshot.rows[positions], query, TOP)
        return np.asarray(positions[best])

    name = f"{bits} bits, {candidates} candidates"
    return Lane(name, lambda queries: [near(query) for query in queries], truth, beside)


def _label_ids(label_count: int) -> frozenset[str] | None:
    return None if label_count == LABELS else frozenset(map(label, range(label_count)))
