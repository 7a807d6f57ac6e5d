"""The downloading stage beside img2dataset and beside plain aiohttp. Run by scripts/benchmark_download.

One web of our own (tests/hostile) serves every lane: photos of 30 kB, each answer 20 ms after its question, on two
hundred loopback addresses. Nothing is resized or decoded by anybody; img2dataset runs at the best of four settings.
A lane's time goes from the first request that the server saw to the last change in the lane's folder, so that nobody's
imports count; and what it wrote is looked at: all photos, each once, to the last byte. Lanes take turns, the median of
their rounds counts.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.processes import ROOT, alone, environment
from benchmarks.report import Goal, print_report, table

from tests.hostile.plan import by_address
from tests.hostile.web import Web, running_web

_PHOTO_BYTES: Final = 30_000
_LATENCY_S: Final = 0.02
_TIMEOUT_S: Final = 600
_GOALS: Final = {"img2dataset": 1.2, "plain": 0.7}
"""How many times as fast ours must be."""

Command = Callable[[Path, Path], Sequence[str | Path]]
"""(file of addresses, output folder) -> a command line."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A downloader with its settings."""

    name: str
    command: Command


@dataclass(frozen=True, slots=True)
class Course:
    """What every lane runs on."""

    web: Web
    addresses: Path
    photos: int
    scratch: Path


def own_lane(name: str) -> Lane:
    """One of benchmarks/downloads.py."""
    return Lane(name, lambda addresses, out: [sys.executable, "-m", "benchmarks.downloads", name, addresses, out])


def img2dataset_lane(program: Path, processes: int, threads: int, photos: int) -> Lane:
    """With as many shards as processes: smaller ones leave its threads idle at each end."""
    options = (
        "--output_format=files", "--resize_mode=no", "--disable_all_reencoding=True", "--compute_hash=sha256",
        f"--processes_count={processes}", f"--thread_count={threads}",
        f"--number_sample_per_shard={-(-photos // processes)}", "--enable_wandb=False",
    )  # fmt: skip
    return Lane(
        f"img2dataset {processes} x {threads}",
        lambda addresses, out: [program, f"--url_list={addresses}", f"--output_folder={out}", *options],
    )


def photos_per_s(lane: Lane, course: Course) -> float:
    """One run of a lane; SystemExit where it did not bring every photo."""
    before = len(course.web.seen())
    # Nothing is deleted before the end: a file system that looks for what it may use again is slow for the next lane.
    folder = Path(tempfile.mkdtemp(dir=course.scratch))
    command = lane.command(course.addresses, folder)
    variables = environment(NO_ALBUMENTATIONS_UPDATE="1")  # one of img2dataset's packages would ask for a newer one
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = {hashlib.sha256(data).digest() for path in files if len(data := path.read_bytes()) == _PHOTO_BYTES}
    if done.returncode or len(kept) != course.photos:
        output = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
        sys.exit(f"{lane.name} brought {len(kept)} of {course.photos} photos:\n{output}")
    took_s = max(path.stat().st_mtime for path in files) - course.web.seen()[before].at
    print(f"{lane.name}: {course.photos / took_s:.0f} photos/s", file=sys.stderr)
    return course.photos / took_s


def best_img2dataset(program: Path, course: Course) -> tuple[Lane, dict[str, float]]:
    """The fastest of four settings in a run each, and what all of them did."""
    lanes = [img2dataset_lane(program, *setting, course.photos) for setting in ((1, 64), (2, 32), (2, 64), (2, 128))]
    tried = {lane.name: photos_per_s(lane, course) for lane in lanes}
    return max(lanes, key=lambda lane: tried[lane.name]), tried


def measure(course: Course, arguments: argparse.Namespace) -> None:
    """All lanes in turn, and the report."""
    theirs, tried = best_img2dataset(arguments.img2dataset, course)
    lanes = {"ours": own_lane("ours"), "plain": own_lane("plain"), "img2dataset": theirs}
    lanes = {name: lane for name, lane in lanes.items() if name not in arguments.without}
    runs: dict[str, list[float]] = {name: [] for name in lanes}
    for _ in range(arguments.rounds):
        for name, lane in lanes.items():
            runs[name].append(photos_per_s(lane, course))
    rates = {name: median(each) for name, each in runs.items()}
    goals = [
        Goal(f"ours / {other}", rates["ours"] / rates[other], bound, at_least=True)
        for other, bound in _GOALS.items()
        if {"ours", other} <= rates.keys()
    ]
    rows = [
        (lanes[name].name, rate, rate / rates["plain"], min(runs[name]), max(runs[name]))
        for name, rate in rates.items()
    ]
    tables = [
        table("img2dataset's settings, one run each", ("", "photos/s"), list(tried.items())),
        table(f"{course.photos:,} photos of 30 kB", ("", "photos/s", "/ plain", "least", "most"), rows),
    ]
    print_report(tables, goals, {"photos": course.photos, "runs": runs, "tried": tried}, as_json=arguments.json)
    sys.exit(not all(goal.met for goal in goals))


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=8000, help="how many addresses there are (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each lane runs (%(default)s)")
    parser.add_argument("--without", nargs="*", default=[], choices=["ours", "img2dataset"], help="lanes to leave out")
    parser.add_argument("--img2dataset", type=Path, required=True, help="the program to compare with")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    arguments = _parsed()
    with ExitStack() as stack:
        stack.enter_context(alone())
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = scratch / "requests.jsonl"
        web = stack.enter_context(
            running_web(log, distinct=arguments.photos, latency_s=_LATENCY_S, photo_bytes=_PHOTO_BYTES)
        )
        addresses = scratch / "addresses.txt"
        addresses.write_text("\n".join(by_address(arguments.photos, web.port)), "ascii")
        measure(Course(web, addresses, arguments.photos, scratch), arguments)


if __name__ == "__main__":
    main()
