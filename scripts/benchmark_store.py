"""The embedded store beside a plain float32 scan: time, recall, memory, opening. Run by scripts/benchmark_store.

Both search the same vectors in the same run, in turn, on one thread. The entries are mixed from real photos' features
(benchmarks/gallery.py says how), the queries are photos that have no part in them, and recall is against inner products
of the float32 vectors, before the store rounded them to float16.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import faiss
import numpy as np
from benchmarks.bare import embedder_of, photos_in
from benchmarks.filling import fill, space_of
from benchmarks.gallery import LABELS, TOP, Gallery, Ids, features_of, gallery_of, nearest
from benchmarks.lanes import Flat, Lane, Timed, snapshot_lane, store_lane, swept_lane, timed
from benchmarks.processes import ROOT, alone, run_module, service, two_cores
from benchmarks.report import Goal, print_report, table

from app.adapters.stores.embedded.snapshot import Snapshot
from app.adapters.stores.embedded.store import EmbeddedStore
from app.config import Settings
from app.domain.spaces import Space

_SHARES: Final = {LABELS: "all", LABELS // 2: "1/2", 1: "1/20"}
"""The labels that are searched under, by how many of the 20 they are."""
_FEW: Final = 600
"""Entries of the small store that a start is compared with."""
_SCAN: Final = f"store's scan, {_SHARES[LABELS]}"
_STARTS: Final = 3
_GOAL_ENTRIES: Final = 100_000
"""With fewer, what any store costs outweighs what its entries cost; with more, the start has no goal."""
_TIMEOUT_S: Final = 3600
_SWEPT_CANDIDATES: Final = (200, 300, 400, 600, 1000, 2000)
_SWEPT_BITS: Final = (3, 4)
_PRODUCT_SEARCH: Final = 40
"""What a search for 10 products asks the store for."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A store in a fresh process."""

    open_s: float
    anonymous_mb: float
    resident_mb: float


@dataclass(frozen=True, slots=True)
class Costs:
    """Of the store as a whole; the starts are of the whole service."""

    empty: Opened
    saved: Opened
    rebuilt: Opened
    start_s: float
    start_few_s: float


def search_times(data_dir: Path, space: Space, gallery: Gallery, *, sweep: bool) -> list[Timed]:
    """Every way to search, in turn; or the store's scan with every choice of its constants."""
    faiss.omp_set_num_threads(1)
    truths = nearest(gallery, list(_SHARES))
    with asyncio.Runner() as runner:
        store = runner.run(EmbeddedStore.open(data_dir / "store", space, readers=1))
        try:
            snapshot = store._changing.live.cache.snapshot  # noqa: SLF001 - a benchmark looks inside
            if sweep:
                return timed(_swept_lanes(snapshot, gallery, truths[LABELS]), gallery.queries)
            whole = [
                store_lane(f"whole search, k {TOP}", runner, store, TOP, truths[LABELS]),
                store_lane(f"whole search, k {_PRODUCT_SEARCH}", runner, store, _PRODUCT_SEARCH, truths[LABELS]),
            ]
            return timed([*_lanes(snapshot, gallery, truths), *whole], gallery.queries)
        finally:
            runner.run(store.close())


def _lanes(snapshot: Snapshot, gallery: Gallery, truths: Mapping[int, Ids]) -> list[Lane]:
    flat, lanes = Flat(gallery), list[Lane]()
    for labels, share in _SHARES.items():
        plain = flat.lane(f"IndexFlatIP, {share}", gallery, labels, truths[labels])
        ours = snapshot_lane(f"store's scan, {share}", snapshot, labels, truths[labels], beside=plain.name)
        lanes += [plain, ours]
    exact = snapshot_lane("store's scan, exact", snapshot, LABELS, truths[LABELS], beside=lanes[0].name, exact=True)
    return [*lanes, exact]


def _swept_lanes(snapshot: Snapshot, gallery: Gallery, truth: Ids) -> list[Lane]:
    flat = Flat(gallery).lane("IndexFlatIP", gallery, LABELS, truth)
    choices = [(bits, candidates) for bits in _SWEPT_BITS for candidates in _SWEPT_CANDIDATES]
    return [flat, *(swept_lane(snapshot, count, bits, truth, beside=flat.name) for bits, count in choices)]


def costs(folder: Path, data_dir: Path, space: Space, gallery: Gallery, core: int) -> Costs:
    """Memory and opening in fresh processes; the start of the service with many and with few entries, in turn."""
    queries = folder / "queries.npy"
    np.save(queries, gallery.queries)

    def opened(where: Path) -> Opened:
        arguments = (where, queries, space.space_id, space.fingerprint)
        return Opened(**run_module("benchmarks.reopened", *arguments, core=core, timeout_s=_TIMEOUT_S))

    empty, saved = opened(folder / "empty"), opened(data_dir)
    shutil.rmtree(data_dir / "store" / "cache")  # as if killed before anything was saved
    rebuilt = opened(data_dir)
    few = folder / f"filled-{_FEW}"
    asyncio.run(fill(few, space, Gallery(gallery.sources, gallery.queries, gallery.pairs[:_FEW])))
    starts = [(_start_s(data_dir, core), _start_s(few, core)) for _ in range(_STARTS)]
    return Costs(empty, saved, rebuilt, *(median(column) for column in zip(*starts, strict=True)))


def _start_s(data_dir: Path, core: int) -> float:
    with service(core, data_dir) as running:
        return running.ready_after_s


def report(entries: int, times: Sequence[Timed], cost: Costs) -> tuple[list[str], list[Goal]]:
    """Tables and goals."""
    scan = next(one for one in times if one.name == _SCAN)
    vector_bytes = (cost.saved.anonymous_mb - cost.empty.anonymous_mb) * 1e6 / entries
    opened = {"empty": cost.empty, "as it was saved": cost.saved, "without its cache, as after a kill": cost.rebuilt}
    tables = [
        _times_table(entries, times),
        table("The store in a fresh process", ("", "open s", "anonymous MB", "resident MB"), [
            (name, one.open_s, one.anonymous_mb, one.resident_mb) for name, one in opened.items()
        ]),
        table("The service, from the start of its process to ready", ("entries", "s"), [
            (f"{entries:,}", cost.start_s), (f"{_FEW:,}", cost.start_few_s)
        ]),
    ]  # fmt: skip
    goals = [
        Goal("the scan's time over IndexFlatIP's", scan.ratio or 0, 1 / 6),
        Goal(f"the scan's recall@{TOP}", scan.recall or 0, 0.995, at_least=True),
        Goal("bytes of memory a vector", vector_bytes, 350),
        Goal(f"seconds that a start takes longer than with {_FEW} entries", cost.start_s - cost.start_few_s, 3),
    ]
    if entries < _GOAL_ENTRIES:
        return [*tables, f"The goals are for {_GOAL_ENTRIES:,} entries and more.\n"], []
    return tables, goals[: None if entries == _GOAL_ENTRIES else -1]


def _times_table(entries: int, times: Sequence[Timed]) -> str:
    rows = [
        (one.name, one.ms, *("" if figure is None else f"{figure:.4f}" for figure in (one.ratio, one.recall)))
        for one in times
    ]
    return table(f"One query among {entries:,} entries, one thread", ("", "ms", "of flat", f"recall@{TOP}"), rows)


def _measure(arguments: argparse.Namespace, folder: Path) -> None:
    core = two_cores().measured
    os.sched_setaffinity(0, {core})
    embedder = embedder_of(Settings())
    photos = [photo for folder in arguments.photos for photo in photos_in(folder.resolve())]
    gallery = gallery_of(features_of(photos, embedder, arguments.features), arguments.entries)
    space = space_of(embedder.card)
    data_dir = folder / f"filled-{arguments.entries}"
    asyncio.run(fill(data_dir, space, gallery))
    times = search_times(data_dir, space, gallery, sweep=arguments.sweep)
    figures: dict[str, Any] = {"entries": arguments.entries, "searches": [asdict(one) for one in times]}
    if arguments.sweep:
        print_report([_times_table(arguments.entries, times)], [], figures, as_json=arguments.json)
        return
    cost = costs(folder, data_dir, space, gallery, core)
    tables, goals = report(arguments.entries, times, cost)
    print_report(tables, goals, {**figures, **asdict(cost)}, as_json=arguments.json)


def _arguments() -> argparse.Namespace:
    data = ROOT / ".." / "shared" / "data"
    parser = argparse.ArgumentParser(description="The embedded store beside a plain float32 scan.")
    parser.add_argument("--entries", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--photos", type=Path, nargs="+", default=[data / "clothing", data / "grocery"], help="folders")
    parser.add_argument("--features", type=Path, help="file that keeps the photos' features for the next run")
    parser.add_argument("--folder", type=Path, help="folder that keeps the filled stores for the next run")
    parser.add_argument("--sweep", action="store_true", help="only recall and time for other constants of the scan")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    return parser.parse_args()


def main() -> None:
    """Measure and print. What was started is ended, and without --folder what was written is removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by SIGTERM."))
    arguments = _arguments()
    with contextlib.ExitStack() as stack:
        stack.enter_context(alone())
        if arguments.folder:
            folder = arguments.folder.resolve()
            folder.mkdir(parents=True, exist_ok=True)
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lookalike-benchmark-")))
        try:
            _measure(arguments, folder)
        except ValueError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
