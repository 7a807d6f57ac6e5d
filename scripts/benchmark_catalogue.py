"""A data-set file into a catalogue, beside a bare walk through it with ijson. Run by scripts/benchmark_catalogue.

The file has the shape of iMaterialist Product 2019 and its number of records. Walk and reading take turns in one fresh
process on one core, a new catalogue each time; the ratio is the median of the rounds'.
"""

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

import ijson  # type: ignore[import-untyped] # it ships without types
from benchmarks.processes import Service, alone, memory_of, run_module, service, two_cores
from benchmarks.report import Goal, print_report, table

from app.adapters.catalogs.files import FileCatalogue
from app.adapters.catalogs.source_files import SourceFiles

_RECORDS: Final = 1_011_532
_CLASSES: Final = 2_019
_LEAST_RECORDS: Final = 100_000
"""With fewer, what any file costs outweighs what its records cost."""
_TIMEOUT_S: Final = 3600
_KIBIBYTE_MB: Final = 1024 / 1e6
_LABEL: Final = "7"
_ASKED: Final = 41
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of each round, the rest as the names say. `above_idle_mb` is the most of all rounds."""

    walk_s: list[float]
    read_s: list[float]
    idle_mb: float
    above_idle_mb: float
    kept_mb: float
    catalogue_mb: float
    labels_ms: float
    label_ms: float
    hosts_ms: float
    warm_open_ms: float


def generate(path: Path, records: int) -> None:
    """Write the file: ids of 32 hex digits, addresses on some thousand hosts, 2,019 classes."""
    chance = random.Random(2019)
    with path.open("w", encoding="ascii") as file:
        file.write('{"images": [')
        for number in range(records):
            host = f"img{chance.randrange(15)}.shop{chance.randrange(1_300)}.example"
            photo = f"{chance.getrandbits(40):010x}/{chance.getrandbits(64):016x}.jpg"
            record = {
                "id": f"{chance.getrandbits(128):032x}.jpg",
                "url": f"https://{host}/path/{photo}",
                "class": chance.randrange(_CLASSES),
            }
            file.write((", " if number else "") + json.dumps(record))
        file.write("]}")


def walk(path: Path) -> int:
    """What ijson needs to make the same objects."""
    with path.open("rb") as file:
        return sum(1 for _ in ijson.items(file, "images.item"))


@contextlib.asynccontextmanager
async def opened(path: Path, cache: Path) -> AsyncIterator[FileCatalogue]:
    """The catalogue of the file."""
    catalogue = FileCatalogue(SourceFiles(path.parent, [path]), cache, name="benchmark")
    try:
        yield catalogue
    finally:
        await catalogue.close()


async def measure(path: Path, rounds: int) -> Measured:
    """All figures, in this process."""
    cache = path.parent / "cache"
    idle_mb, walk_s, read_s = memory_of(_self()).resident_mb, list[float](), list[float]()
    for _ in range(rounds):
        shutil.rmtree(cache, ignore_errors=True)
        walk_s.append(await timed(lambda: asyncio.to_thread(walk, path)))
        async with opened(path, cache) as catalogue:
            read_s.append(await timed(catalogue.labels))
    peak_mb, kept_mb = _peak_mb(), memory_of(_self()).resident_mb
    catalogue_mb = sum(file.stat().st_size for file in cache.iterdir()) / 1e6
    async with opened(path, cache) as catalogue:
        warm_open_s = await timed(catalogue.labels)
        labels_s = await timed(catalogue.labels)
        label_s = await timed(lambda: _walk_label(catalogue))
        hosts_s = await timed(lambda: catalogue.hosts(_LABEL, 10))
    milliseconds = [1e3 * seconds for seconds in (labels_s, label_s, hosts_s, warm_open_s)]
    return Measured(walk_s, read_s, idle_mb, peak_mb - idle_mb, kept_mb - idle_mb, catalogue_mb, *milliseconds)


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    await call()
    return time.perf_counter() - started


async def _walk_label(catalogue: FileCatalogue) -> int:
    async with aclosing(catalogue.images(_LABEL)) as blocks:
        return sum([len(block) async for block in blocks])


@dataclass(frozen=True, slots=True)
class Served:
    """The service with the catalogue: seconds until it is ready, and milliseconds of `GET /labels`."""

    first_ready_s: float
    warm_ready_s: float
    without_ready_s: float
    labels_ms: float


def over_http(path: Path, rounds: int) -> Served:
    """Starts with the catalogue and without it take turns."""
    core, data, empty = two_cores().measured, path.parent / "data", path.parent / "empty"
    with service(core, data, path) as first:
        labels_ms = [1e3 * _answered_s(first) for _ in range(_ASKED)]
        first_s = first.ready_after_s
    warm_s, without_s = list[float](), list[float]()
    for _ in range(rounds):
        for folder, catalog, ready_s in ((data, path, warm_s), (empty, None, without_s)):
            with service(core, folder, catalog) as running:
                ready_s.append(running.ready_after_s)
    return Served(first_s, median(warm_s), median(without_s), median(labels_ms))


def _answered_s(running: Service) -> float:
    started = time.perf_counter()
    status, page = running.request("GET", "/labels")
    if status != _OK or not page["items"]:
        sys.exit(f"GET /labels answered {status}.")
    return time.perf_counter() - started


def _self() -> int:
    return int(Path("/proc/self").readlink().name)


def _peak_mb() -> float:
    """The most that this process ever had (proc(5): VmHWM)."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * _KIBIBYTE_MB


def report(records: int, found: Measured, served: Served) -> tuple[list[str], list[Goal]]:
    """Tables and goals."""
    ratio = median(walk_s / read_s for walk_s, read_s in zip(found.walk_s, found.read_s, strict=True))
    tables = [
        table(f"{records:,} records, {len(found.read_s)} rounds", ("", "s", "records/s"), [
            (name, median(seconds), f"{records / median(seconds):,.0f}")
            for name, seconds in (("a bare walk with ijson", found.walk_s), ("file to catalogue", found.read_s))
        ]),
        table("Memory and disk", ("", "MB"), [
            ("idle", found.idle_mb), ("most above idle", found.above_idle_mb), ("kept above idle", found.kept_mb),
            ("the catalogue's file", found.catalogue_mb),
        ]),
        table("The catalogue, asked", ("", "ms"), [
            ("opened again, first labels()", found.warm_open_ms), ("labels()", found.labels_ms),
            ("one label's images", found.label_ms), ("its hosts", found.hosts_ms),
        ]),
        table("The service", ("", ""), [
            ("GET /labels, ms", served.labels_ms),
            ("ready when it reads the file, s", served.first_ready_s),
            ("ready when it was read, s", served.warm_ready_s),
            ("ready without a catalogue, s", served.without_ready_s),
        ]),
    ]  # fmt: skip
    goals = [
        Goal("speed of reading over a bare walk's", ratio, 0.4, at_least=True),
        Goal("MB above idle", found.above_idle_mb, 200),
        Goal("ms of GET /labels", served.labels_ms, 20),
        Goal("warm start over one without", served.warm_ready_s / served.without_ready_s, 1.1),
    ]
    return tables, goals if records >= _LEAST_RECORDS else []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="A data-set file into a catalogue, beside a bare walk through it.")
    parser.add_argument("--records", type=int, default=_RECORDS, help=f"how many ({_RECORDS})")
    parser.add_argument("--rounds", type=int, default=3, help="of walk and reading in turn (3)")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.add_argument("--measured", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure and print; what was written is removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by SIGTERM."))
    arguments = _arguments()
    if arguments.measured:  # the fresh process
        print(json.dumps(asdict(asyncio.run(measure(arguments.measured, arguments.rounds)))))
        return
    with alone(), tempfile.TemporaryDirectory(prefix="lookalike-benchmark-") as folder:
        path = Path(folder) / "train.json"
        generate(path, arguments.records)
        given = ("--measured", path, "--rounds", arguments.rounds)
        found = Measured(**run_module("benchmark_catalogue", *given, core=two_cores().measured, timeout_s=_TIMEOUT_S))
        served = over_http(path, arguments.rounds)
        tables, goals = report(arguments.records, found, served)
        figures = {"records": arguments.records, **asdict(found), **asdict(served)}
        print_report(tables, goals, figures, as_json=arguments.json)


if __name__ == "__main__":
    main()
