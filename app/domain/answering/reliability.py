"""Probabilities and what came true -> how far they can be trusted, as `GET /calibration` shows it.

The expected calibration error is that of Naeini et al. (2015) with bins of equal mass; its sampling floor is what a
perfectly calibrated model would show with as many queries and these probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.answering.calibration import Calibration, Example, weights_of_examples

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BINS: Final = 10
PRECISIONS: Final = (0.90, 0.95, 0.99)
_DRAWS: Final = 200


@dataclass(frozen=True, slots=True)
class Bin:
    """Queries of nearly one probability: their mean of it, the share that was right, how many they are."""

    mean_probability: float
    share_right: float
    count: int


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The lowest threshold that keeps a precision, and the share of queries at or above it.

    The three are None where no threshold keeps it among enough queries to tell (1 / (1 - precision): 100 for 99 %).
    """

    wanted_precision: float
    threshold: float | None
    coverage: float | None
    precision: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well probabilities meet what came true.

    `ece` and `ece_floor` in [0, 1]; the areas under the curve are None where one of the two sorts is missing.
    """

    bins: tuple[Bin, ...]
    ece: float
    ece_floor: float
    auroc_right: float | None
    auroc_known: float | None
    operating_points: tuple[OperatingPoint, ...]


def reliability_of(
    probabilities: Floats, right: Bools, known: Bools, *, seed: int, weights: Floats | None = None
) -> Reliability:
    """float64 [n], bool [n], bool [n], at least one -> their reliability. `weights` float64 [n], all 1 if None."""
    order = np.argsort(probabilities, kind="stable")
    rising, outcomes = probabilities[order], right[order]
    masses = np.ones(len(order)) if weights is None else weights[order]
    binned = _Binned(rising, masses)
    return Reliability(
        bins=binned.bins(outcomes),
        ece=binned.error(outcomes),
        ece_floor=binned.floor(seed),
        auroc_right=area_under_curve(rising, outcomes, masses),
        auroc_known=area_under_curve(rising, known[order], masses),
        operating_points=tuple(_operating_point(rising, outcomes, masses, wanted) for wanted in PRECISIONS),
    )


def reliability_of_examples(
    calibration: Calibration, examples: Sequence[Example], asked: Sequence[float] = (), *, seed: int
) -> Reliability:
    """What a calibration shows on examples, at least one, weighed so that unknown ones have its `fitted_prior`.

    `asked` are the scores that the examples are tilted to, as in `fit_calibration`.
    """
    right = np.array([each.right for each in examples])
    known = np.array([each.known for each in examples])
    probabilities = calibration.probabilities([each.signals for each in examples])
    weights = weights_of_examples(examples, calibration.fitted_prior, asked)
    return reliability_of(probabilities, right, known, seed=seed, weights=weights)


def area_under_curve(values: Floats, positive: Bools, weights: Floats) -> float | None:
    """P(a positive has the larger value than a negative), ties counted half; None if either is missing."""
    _, place = np.unique(values, return_inverse=True)
    positives = np.bincount(place, weights * positive)
    negatives = np.bincount(place, weights * ~positive)
    pairs = positives.sum() * negatives.sum()
    below = np.cumsum(negatives) - negatives / 2
    return float(positives @ below / pairs) if pairs else None


class _Binned:
    """Rising probabilities cut into bins of equal mass."""

    def __init__(self, rising: Floats, masses: Floats) -> None:
        middles = np.cumsum(masses) - masses / 2
        places = np.minimum((middles * BINS / masses.sum()).astype(np.int64), BINS - 1)
        self._starts = np.flatnonzero(np.diff(places, prepend=-1))
        self._masses, self._rising = masses, rising
        self._bin_masses = np.add.reduceat(masses, self._starts)

    def bins(self, outcomes: Bools) -> tuple[Bin, ...]:
        counts = np.diff(self._starts, append=len(outcomes))
        columns = (self._means(self._rising).tolist(), self._means(outcomes).tolist(), counts.tolist())
        return tuple(Bin(*row) for row in zip(*columns, strict=True))

    def error(self, outcomes: Bools) -> float:
        gaps = np.abs(self._means(self._rising) - self._means(outcomes))
        return float(gaps @ self._bin_masses / self._masses.sum())

    def floor(self, seed: int) -> float:
        """The mean error of outcomes drawn by these very probabilities."""
        chance = np.random.default_rng(seed)
        draws = (chance.random(len(self._rising)) < self._rising for _ in range(_DRAWS))
        return float(np.mean([self.error(outcomes) for outcomes in draws]))

    def _means(self, values: Floats | Bools) -> Floats:
        return np.asarray(np.add.reduceat(values * self._masses, self._starts) / self._bin_masses)


def _operating_point(rising: Floats, right: Bools, masses: Floats, wanted: float) -> OperatingPoint:
    """Thresholds are tried where a probability begins, so that equal ones are on one side."""
    precisions = (np.cumsum((masses * right)[::-1]) / np.cumsum(masses[::-1]))[::-1]
    answered = np.arange(len(rising), 0, -1)
    begins = np.diff(rising, prepend=-1.0) > 0
    kept = np.flatnonzero(begins & (precisions >= wanted) & (answered * (1 - wanted) >= 1 - 1e-9))
    if not len(kept):
        return OperatingPoint(wanted, None, None, None)
    first = int(kept[0])
    coverage = float(masses[first:].sum() / masses.sum())
    return OperatingPoint(wanted, float(rising[first]), coverage, float(precisions[first]))
