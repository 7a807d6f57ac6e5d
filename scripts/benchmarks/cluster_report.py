"""`scripts/benchmark --store`: a server, galleries of the wanted sizes, and what came of measuring them."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from app.config import Settings
from benchmarks.bare import embedder_of
from benchmarks.cluster import OnCluster, Searched, measured, narrowed
from benchmarks.gallery import TOP, features_of, gallery_of
from benchmarks.report import Goal, print_report, table
from tests.clusters import NoServerError, running_elasticsearch

_VERSION: Final = "8.19.21"
_SEARCH_COLUMNS: Final = ("", "store p50 ms", "p95", "bare p50 ms", "p95", "p50 over bare", f"recall@{TOP}")


@dataclass(frozen=True, slots=True)
class Size:
    """How many entries, of how many numbers each."""

    entries: int
    dimensions: int

    def __str__(self) -> str:
        """As it is shown."""
        return f"{self.entries:,} x {self.dimensions}"


def size(text: str) -> Size:
    """`30000x1664` -> a size. Raises ValueError."""
    entries, _, dimensions = text.partition("x")
    return Size(int(entries), int(dimensions))


def benchmark_cluster(
    url: str, sizes: Sequence[Size], photos: Sequence[Path], kept_features: Path | None, *, as_json: bool
) -> None:
    """Measure every size and print it. With an empty address a server is started, and ended."""
    features = features_of(photos, embedder_of(Settings()), kept_features)
    try:
        with _server(url) as address:
            done = {
                each: measured(address, gallery_of(narrowed(features, each.dimensions), each.entries)) for each in sizes
            }
    except (NoServerError, ValueError) as error:
        sys.exit(str(error))
    print_report(_tables(done), _goals(done), {"sizes": [asdict(one) for one in done.values()]}, as_json=as_json)


@contextmanager
def _server(url: str) -> Iterator[str]:
    if url:
        yield url.replace("elasticsearch://", "http://", 1)
        return
    with (
        tempfile.TemporaryDirectory(prefix="lookalike-benchmark-") as folder,
        running_elasticsearch(_VERSION, Path(folder)) as cluster,
    ):
        yield cluster.urls[0]


def _tables(done: dict[Size, OnCluster]) -> list[str]:
    bulk = [
        (str(each), one.entries / sum(one.store_s), one.entries / sum(one.bare_s), _bulk_ratio(one))
        for each, one in done.items()
    ]
    weights = [
        (f"{each}, {when}", *truth_and_space, sum(truth_and_space))
        for each, one in done.items()
        for when, truth_and_space in (("as written", one.bytes_before), ("merged", one.bytes_merged))
    ]
    return [
        table("Bulk indexing, entries/s in both indices", ("", "store", "bare", "of bare"), bulk),
        table(
            "Searches, one at a time", _SEARCH_COLUMNS, [row for each, one in done.items() for row in _rows(each, one)]
        ),
        table("Bytes a photo", ("", "entries", "space", "both"), weights),
    ]


def _rows(each: Size, one: OnCluster) -> Iterator[tuple[object, ...]]:
    for searched in one.searched:
        times = (np.percentile(ms, (50, 95)) for ms in (searched.store_ms, searched.bare_ms))
        figures = [float(figure) for pair in times for figure in pair]
        yield f"{each}, {searched.selection}", *figures, _ratio(searched), f"{searched.recall:.4f}"


def _bulk_ratio(one: OnCluster) -> float:
    """Of the bare rate, page by page first: what else the machine does hits some pages of either."""
    return float(np.median(np.divide(one.bare_s, one.store_s)))


def _ratio(searched: Searched) -> float:
    return float(np.median(searched.store_ms) / np.median(searched.bare_ms))


def _goals(done: dict[Size, OnCluster]) -> list[Goal]:
    goals = []
    for each, one in done.items():
        goals.append(Goal(f"entries/s of bare, {each}", _bulk_ratio(one), 0.90, at_least=True))
        goals += [Goal(f"search p50 over bare, {each}, {s.selection}", _ratio(s), 1.10) for s in one.searched]
    return goals
