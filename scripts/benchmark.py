"""How near the service comes to the bare limit: searches over HTTP, indexing, start, memory. Run by scripts/benchmark.

The limit is measured in the same run, in turn with the service and on the same core: the same photos turned into the
same features by the service's own functions, in a plain loop. Every figure is the median of the rounds; a ratio is
taken within its round first, so that what slows a whole round down slows both sides. Run it on a quiet machine.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.bare import photos_in
from benchmarks.cluster_report import Size, benchmark_cluster, size
from benchmarks.load import Searched, index_everything, search
from benchmarks.processes import (
    ROOT,
    Cores,
    Memory,
    Service,
    alone,
    pinned,
    run_module,
    seconds_until,
    service,
    two_cores,
)
from benchmarks.report import Goal, print_report, table

from app.config import Settings

_CONCURRENCIES: Final = (1, 4, 16)
_SEARCH_COLUMNS: Final = (
    "", "searches/s", "of limit", "p50 ms", "p95 ms", "p99 ms", "p50 of limit", "CPU ms", "of limit", "errors",
)  # fmt: skip
_MORE_PHOTOS: Final = ROOT / "../shared/data/grocery"
"""Beside the catalogue's, what the entries of --store are made of."""
_QUIET_SHARE: Final = 0.97
_WARM_UP_S: Final = 2
_TIMEOUT_S: Final = 1800


@dataclass(frozen=True, slots=True)
class Bare:
    """The plain loop. `cpu_s` and `median_ms` are of one photo."""

    photos_per_s: float
    cpu_s: float
    median_ms: float

    @property
    def core_share(self) -> float:
        """How much of its core it had; under 1 by more than a little, something else ran there."""
        return self.photos_per_s * self.cpu_s


@dataclass(frozen=True, slots=True)
class Measured:
    """Every round of everything, the limit before what is put beside it."""

    searched: list[tuple[Bare, Searched]]
    indexed: list[tuple[Bare, float]]
    started_s: list[tuple[float, float]]
    idle: Memory
    loaded: Memory


@dataclass(frozen=True, slots=True)
class Setup:
    """What is measured, where and for how long. The lists of photos are files with a path on each line."""

    cores: Cores
    catalog: Path
    folder: Path
    seconds: float
    rounds: int
    query_photos: Path
    all_photos: Path


def measure(setup: Setup) -> Measured:
    """Index first: that fills the data folder which is then searched and started with."""
    indexed = [_index_round(setup, number) for number in range(setup.rounds)]
    filled = setup.folder / f"data-{setup.rounds - 1}"
    with service(setup.cores.measured, filled, setup.catalog) as running:
        running.settle()
        idle = running.memory()
        searched = _search_rounds(setup, running)
        loaded = running.memory()
    started_s = [_start_round(setup, filled) for _ in range(setup.rounds + 1)]
    return Measured(searched, indexed, started_s[1:], idle, loaded)  # the first start brought files into memory


def _index_round(setup: Setup, number: int) -> tuple[Bare, float]:
    bare = _bare(setup, setup.all_photos, 0)
    with service(setup.cores.measured, setup.folder / f"data-{number}", setup.catalog) as running:
        running.settle()
        return bare, index_everything(running, _TIMEOUT_S)


def _search_rounds(setup: Setup, running: Service) -> list[tuple[Bare, Searched]]:
    search(running, setup.query_photos, max(_CONCURRENCIES), _WARM_UP_S, setup.cores.client)
    return [
        (
            _bare(setup, setup.query_photos, setup.seconds),
            search(running, setup.query_photos, concurrency, setup.seconds, setup.cores.client),
        )
        for _ in range(setup.rounds)
        for concurrency in _CONCURRENCIES
    ]


def _start_round(setup: Setup, filled: Path) -> tuple[float, float]:
    core = setup.cores.measured
    bare = pinned(core, sys.executable, "-m", "benchmarks.bare_start", Settings().model.resolve())
    bare_s = seconds_until(bare, b"ready", _TIMEOUT_S)
    with service(core, filled, setup.catalog) as running:
        return bare_s, running.ready_after_s


def _bare(setup: Setup, photos: Path, seconds: float) -> Bare:
    """One run of the plain loop; 0 seconds: each photo once."""
    arguments = (photos, "--seconds", seconds)
    return Bare(**run_module("benchmarks.bare", *arguments, core=setup.cores.measured, timeout_s=_TIMEOUT_S))


def report(measured: Measured) -> tuple[list[str], list[Goal], dict[str, Any]]:
    """Tables, goals, and every figure."""
    at = {concurrency: _at(measured.searched, concurrency) for concurrency in _CONCURRENCIES}
    indexing = _medians((bare.photos_per_s, rate, rate / bare.photos_per_s) for bare, rate in measured.indexed)
    starting = _medians((bare_s, ready_s, ready_s / bare_s) for bare_s, ready_s in measured.started_s)
    limit = _medians((bare.photos_per_s, bare.cpu_s * 1000, bare.median_ms) for bare, _ in measured.searched)
    bare_row = ("bare limit", limit[0], "", limit[2], "", "", "", limit[1], "", "")
    search_rows = [(f"concurrency {concurrency}", *row) for concurrency, row in at.items()]
    memory_rows = [
        (when, *asdict(size).values()) for when, size in (("idle", measured.idle), ("after", measured.loaded))
    ]
    tables = [
        table("Searches", _SEARCH_COLUMNS, [bare_row, *search_rows]),
        table("Indexing, images/s, and start, s", ("", "bare", "service", "of limit"), [
            ("indexing", *indexing), ("start", *starting)
        ]),
        table("Memory before and after the searches, MB", ("", "resident", "anonymous"), memory_rows),
    ]  # fmt: skip
    goals = [
        Goal("searches/s of the limit, concurrency 16", at[16][1], 0.80, at_least=True),
        Goal("CPU a search over the limit's a photo, concurrency 16", at[16][7], 1.25),
        Goal("p50 over the limit's, concurrency 1", at[1][5], 1.35),
        Goal("images/s of the limit, indexing", indexing[2], 0.85, at_least=True),
        Goal("start over the bare start", starting[2], 2.5),
    ]
    share = min(bare.core_share for bare, *_ in (*measured.searched, *measured.indexed))
    if share < _QUIET_SHARE:
        tables.append(
            f"NOT QUIET: a plain loop had but {share:.0%} of its core; measure again when nothing else runs.\n"
        )
    return tables, goals, {**asdict(measured), "least_core_share": share}


def _at(searched: Sequence[tuple[Bare, Searched]], concurrency: int) -> tuple[float, ...]:
    """The medians at one concurrency, in the order of the table's columns."""
    return _medians(
        (
            done.searches_per_s, done.searches_per_s / bare.photos_per_s, done.p50_ms, done.p95_ms, done.p99_ms,
            done.p50_ms / bare.median_ms, done.cpu_s * 1000, done.cpu_s / bare.cpu_s, done.errors,
        )
        for bare, done in searched
        if done.concurrency == concurrency
    )  # fmt: skip


def _medians(rows: Iterable[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(float(median(column)) for column in zip(*rows, strict=True))


def _photos(catalog: Path, count: int | None = None) -> list[Path]:
    """The catalogue's photos, or so many of them, spread evenly."""
    found = photos_in(catalog)
    if not found:
        sys.exit(f"There is no photo in {catalog}: name a folder <root>/<label>/*.jpg with --catalog.")
    count = min(count or len(found), len(found))
    return [found[number * len(found) // count] for number in range(count)]


def _listed(photos: Sequence[Path], file: Path) -> Path:
    file.write_text("".join(f"{photo}\n" for photo in photos), "utf-8")
    return file


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Searches, indexing, start and memory beside the bare limit.")
    parser.add_argument("--catalog", type=Path, default=ROOT / "../shared/data/clothing", help="folder of photos")
    parser.add_argument("--photos", type=_positive(int), default=100, help="how many of them are searched with (100)")
    parser.add_argument("--seconds", type=_positive(float), default=10, help="of each measurement (10)")
    parser.add_argument("--rounds", type=_positive(int), default=3, help="medians are of so many (3)")
    parser.add_argument(
        "--store", nargs="?", const="", metavar="URL",
        help="instead: the store on Elasticsearch beside its bare client, there or on a server of its own",
    )  # fmt: skip
    parser.add_argument(
        "--sizes", type=size, nargs="+", default=[Size(30_000, 1664), Size(100_000, 384)],
        help="entries x dimensions for --store (30000x1664 100000x384)",
    )  # fmt: skip
    parser.add_argument("--features", type=Path, help="file that keeps photos' features for the next run of --store")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    return parser.parse_args()


def _positive(number: Callable[[str], float]) -> Callable[[str], float]:
    def parsed(text: str) -> float:
        if (value := number(text)) <= 0:
            raise argparse.ArgumentTypeError("must be above 0")
        return value

    return parsed


def main() -> None:
    """Measure and print. What was started is ended and what was written is removed, also on Ctrl-C and SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by SIGTERM."))
    arguments = _arguments()
    if arguments.store is not None:
        photos = [photo for folder in (arguments.catalog, _MORE_PHOTOS) for photo in photos_in(folder.resolve())]
        with alone():
            benchmark_cluster(arguments.store, arguments.sizes, photos, arguments.features, as_json=arguments.json)
        return
    cores = two_cores()
    os.sched_setaffinity(0, {cores.client})
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; on Debian: apt-get install wrk")
    catalog = arguments.catalog.resolve()
    with alone(), tempfile.TemporaryDirectory(prefix="lookalike-benchmark-") as name:
        folder = Path(name)
        query_photos = _listed(_photos(catalog, arguments.photos), folder / "query-photos")
        all_photos = _listed(_photos(catalog), folder / "all-photos")
        setup = Setup(cores, catalog, folder, arguments.seconds, arguments.rounds, query_photos, all_photos)
        tables, goals, figures = report(measure(setup))
    print_report(tables, goals, figures, as_json=arguments.json)


if __name__ == "__main__":
    main()
