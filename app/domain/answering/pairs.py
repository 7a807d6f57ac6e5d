"""The cosine of two photos -> the probability that they show one product.

How often two photos that are compared are of one product, nobody can tell: every other time, it is assumed, and else of
two by chance. The model is p = sigmoid(b0 + b1 cosine), the cosine standardised, fitted to pairs of the gallery's own
photos, held out of all that is learned. Two products that look alike get too much: of them there are few by chance.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.answering.regression import logistic, sigmoid
from app.domain.features import Vectors

Numbers = npt.NDArray[np.int64]
"""int64 [n]."""

MIN_PAIRS: Final = 30
"""Of either kind."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos whose products are known: their cosine, and whether it is one product."""

    cosine: float
    same: bool


@dataclass(frozen=True, slots=True)
class PairCalibration:
    """A fitted model of whether two photos show one product, where half of all pairs do and half are by chance.

    `intercept` and `slope` are of the cosine less `mean`, over `scale`.
    """

    mean: float
    scale: float
    intercept: float
    slope: float
    same_count: int
    other_count: int

    def probability(self, cosine: float) -> float:
        """P(the two photos show one product), in [0, 1]."""
        return float(sigmoid(np.array(self.intercept + self.slope * (cosine - self.mean) / self.scale)))


def fit_pairs(pairs: Sequence[Pair]) -> PairCalibration | None:
    """Pairs, weighed so that either kind has half of the weight -> a calibration; None if they are too few."""
    cosines, same = np.array([each.cosine for each in pairs]), np.array([each.same for each in pairs], np.bool_)
    same_count = int(same.sum())
    if min(same_count, len(pairs) - same_count) < MIN_PAIRS:
        return None
    mean, scale = float(cosines.mean()), max(float(cosines.std()), 1e-9)
    weights = np.where(same, 0.5 / same_count, 0.5 / (len(pairs) - same_count)) * len(pairs)
    intercept, slope = logistic(np.column_stack([np.ones(len(pairs)), (cosines - mean) / scale]), same, weights)
    return PairCalibration(mean, scale, float(intercept), float(slope), same_count, len(pairs) - same_count)


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """Photos that make pairs: `vectors` float32 [n, d] of unit length, whose each is, and its fold, int64 [n]."""

    vectors: Vectors
    products: Numbers
    folds: Numbers

    def pairs(self, asking: Numbers, there: Numbers, chance: np.random.Generator) -> dict[int, tuple[Pair, ...]]:
        """By row of `asking`: with a photo of its product from another fold, and with one of another among `there`.

        Both by chance, and as far as there are such.
        """
        return {row: tuple(self._pairs(row, there, chance)) for row in asking.tolist()}

    def _pairs(self, row: int, there: Numbers, chance: np.random.Generator) -> Iterator[Pair]:
        own = np.flatnonzero((self.products == self.products[row]) & (self.folds != self.folds[row]))
        for same, rows in ((True, own), (False, there[self.products[there] != self.products[row]])):
            if len(rows):
                yield Pair(float(self.vectors[row] @ self.vectors[chance.choice(rows)]), same)
