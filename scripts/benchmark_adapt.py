"""What learning from a gallery costs: seconds of each step, and memory beyond idle. Run by scripts/benchmark_adapt.

The gallery is made up: a direction for each product, and variation within products that is strong in some directions.
It lies in a file as float16 and streams through in blocks, as a store's does; what reading it takes is counted, what
making it took is not. Linear algebra takes as many threads as there are cores.
"""

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from benchmarks.processes import alone, memory_of
from benchmarks.report import Goal, print_report, table

from app.domain.answering.calibration import fit_calibration
from app.domain.answering.examples import cross_fitted
from app.domain.answering.reliability import reliability_of_examples
from app.domain.features import unit
from app.domain.learning.checking import SelfCheck, checked
from app.domain.learning.fitting import fit, spread_of
from app.domain.learning.moments import Features, Moments, SecondMoment
from app.domain.learning.projection import Projection
from app.domain.learning.reducing import basis_of

_BLOCK: Final = 4096
_SEED: Final = 6
_STRONG_SHARE: Final = 0.1
_WITHIN: Final = (6.0, 0.8)
"""How much photos of a product differ in the strong directions and in the others, in those between products."""
_CUT: Final = 384
_PRIOR_UNKNOWN: Final = 0.1
_SAMPLE_INTERVAL_S: Final = 0.01
_GOAL_PHOTOS: Final = 100_000
_GOAL_FIT_S: Final = 30
_GOAL_PROOF_S: Final = 180
_GOAL_MB: Final = 700
_GOAL_MANY_MB: Final = 1500

Half = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Gallery:
    """Features in a file, float16 [photos, dimensions]; photo n is of product `products[n]`."""

    file: Path
    dimensions: int
    products: npt.NDArray[np.int64]

    @property
    def nbytes(self) -> int:
        """Of all features."""
        return len(self.products) * self.dimensions * 2

    def blocks(self) -> Iterator[tuple[Half, list[str]]]:
        """All photos, block by block, and the ids of their products."""
        with self.file.open("rb") as file:
            for first in range(0, len(self.products), _BLOCK):
                named = self.products[first : first + _BLOCK]
                rows = np.fromfile(file, np.float16, len(named) * self.dimensions)
                yield rows.reshape(len(named), -1), [f"product-{number}" for number in named.tolist()]


@dataclass(frozen=True, slots=True)
class Step:
    """A part of learning: its seconds, and the most memory beyond what there was before all of them."""

    name: str
    seconds: float
    above_idle_mb: float


class Clock:
    """Times steps, and watches this process' own memory meanwhile."""

    def __init__(self) -> None:
        """Idle is now."""
        self.steps: list[Step] = []
        self._idle_mb = memory_of(os.getpid()).anonymous_mb

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        peaks, done = [0.0], threading.Event()
        watch = threading.Thread(target=self._watch, args=(peaks, done))
        watch.start()
        started = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            done.set()
            watch.join()
        self.steps.append(Step(name, seconds, max(peaks)))

    def _watch(self, peaks: list[float], done: threading.Event) -> None:
        while not done.wait(_SAMPLE_INTERVAL_S):
            peaks.append(memory_of(os.getpid()).anonymous_mb - self._idle_mb)


def make(file: Path, photos: int, dimensions: int, products: int) -> Gallery:
    """Write a gallery in which each product has as many photos as any other, give or take one, in no order."""
    chance = np.random.default_rng(_SEED)
    numbers = chance.permutation(np.arange(photos) % products)
    centres = chance.standard_normal((products, dimensions), np.float32)
    strong = chance.random(dimensions) < _STRONG_SHARE
    scales = np.where(strong, *_WITHIN).astype(np.float32)
    with file.open("wb") as out:
        for first in range(0, photos, _BLOCK):
            own = centres[numbers[first : first + _BLOCK]]
            rows = own + scales * chance.standard_normal(own.shape, np.float32)
            unit(rows).astype(np.float16).tofile(out)
    return Gallery(file, dimensions, numbers)


def learn(gallery: Gallery, clock: Clock) -> Projection:
    """Two passes and the fit."""
    moments, spread = Moments(gallery.dimensions), 0.0
    with clock.step("sums, first pass"):
        for features, ids in gallery.blocks():
            moments.add(features, ids)
    with clock.step("spread, second pass"):
        for features, ids in gallery.blocks():
            spread += spread_of(features, ids, moments)
    with clock.step("fit"):
        projection = fit(moments, spread)
    if projection is None:
        sys.exit("There is nothing to learn from so few photos: take more of each product.")
    return projection


def use(projection: Projection, gallery: Gallery, cut: int, clock: Clock) -> None:
    """Project all photos, and cut the space."""
    with clock.step("vectors of all"):
        for features, _ in gallery.blocks():
            projection.apply(features).astype(np.float16)
    with clock.step(f"basis of {cut or _CUT}"):
        second = SecondMoment(projection.dimensions)
        for features, _ in gallery.blocks():
            second.add(projection.apply(features))
        projection.reduced(basis_of(second, cut or _CUT))


def check(gallery: Gallery, most: int, cut: int, clock: Clock) -> SelfCheck:
    """The self-check and the calibration on whole products with so many photos together."""
    features, ids = _sample(gallery, most)
    with clock.step(f"self-check on {len(ids):,}"):
        found = checked(features, ids, _SEED, cut or None)
    with clock.step(f"calibration on {len(ids):,}"):
        folds = cross_fitted(features, ids, _SEED, adapted=True, dimensions=cut or None)
        examples = [each for fold in folds for each in fold]
        if (calibration := fit_calibration(examples, _PRIOR_UNKNOWN)) is not None:
            reliability_of_examples(calibration, examples, seed=_SEED)
    return found


def _sample(gallery: Gallery, most: int) -> tuple[Features, Sequence[str]]:
    last = np.searchsorted(np.cumsum(np.bincount(gallery.products)), most, side="right")
    kept, names = list[Half](), list[str]()
    place = 0
    for features, ids in gallery.blocks():
        chosen = gallery.products[place : place + len(ids)] < last
        kept.append(features[chosen])
        names += [each for each, stays in zip(ids, chosen.tolist(), strict=True) if stays]
        place += len(ids)
    return np.concatenate(kept), names


def _goals(photos: int, steps: Sequence[Step]) -> list[Goal]:
    if photos < _GOAL_PHOTOS:
        return []
    learning, proof = steps[:3], steps[-2:]
    many = photos > _GOAL_PHOTOS
    memory = Goal("MB beyond idle", max(each.above_idle_mb for each in learning), _GOAL_MANY_MB if many else _GOAL_MB)
    if many:
        return [memory]
    seconds = Goal("seconds of sums, spread and fit", sum(each.seconds for each in learning), _GOAL_FIT_S)
    proved = Goal("seconds of self-check and calibration", sum(each.seconds for each in proof), _GOAL_PROOF_S)
    return [seconds, memory, proved]


def _measure(arguments: argparse.Namespace, folder: Path) -> None:
    gallery = make(folder / "features", arguments.photos, arguments.dimensions, arguments.products)
    clock = Clock()
    most = min(arguments.checked, arguments.photos)
    use(learn(gallery, clock), gallery, arguments.cut, clock)
    found = check(gallery, most, arguments.cut, clock)
    title = f"{arguments.photos:,} photos x {arguments.dimensions}, {arguments.products:,} products"
    tables = [
        table(title, ("", "s", "MB beyond idle"), [
            (each.name, each.seconds, each.above_idle_mb) for each in clock.steps
        ]),
        table("R@1 of the self-check", ("", "before", "after", "error", "photos"), [
            (name, one.before, one.after, one.standard_error, one.count)
            for name, one in (("photos held out", found.photos), ("products held out", found.products))
        ]),
    ]  # fmt: skip
    figures = {"gallery": title, "steps": [asdict(each) for each in clock.steps], "check": asdict(found)}
    print_report(tables, _goals(arguments.photos, clock.steps), figures, as_json=arguments.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What learning from a gallery costs.")
    parser.add_argument("--photos", type=int, default=_GOAL_PHOTOS, help="how many (100000)")
    parser.add_argument("--dimensions", type=int, default=1664, help="of their features (1664)")
    parser.add_argument("--products", type=int, default=5000, help="how many (5000)")
    parser.add_argument("--checked", type=int, default=20_000, help="photos for self-check and calibration (20000)")
    parser.add_argument("--cut", type=int, default=0, help="numbers that vectors are cut to for these; 0: none (0)")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    return parser.parse_args()


def main() -> None:
    """Measure and print; what was written is removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by SIGTERM."))
    arguments = _arguments()
    with alone(), tempfile.TemporaryDirectory(prefix="lookalike-benchmark-") as folder:
        _measure(arguments, Path(folder))


if __name__ == "__main__":
    main()
