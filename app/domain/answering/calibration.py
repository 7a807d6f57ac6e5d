"""What is seen of the best product -> the probability that it is the right one.

The model is p = sigmoid(b0 + b1 score + b2 sqrt(lead) + b3 raw), each signal standardised, fitted to examples whose
answer is known; the square root because a lead from .00 to .05 tells more than one from .30 to .35.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.answering.pairs import Pair
from app.domain.answering.regression import logistic, sigmoid
from app.domain.answering.tilting import tilted

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MIN_EXAMPLES: Final = 30
"""Of either kind, right and unknown: ten for each signal."""
_LEAST_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Signals:
    """What is seen of the best product, as cosines.

    `score` is its product score, `lead` that score less the second product's (0 where there is no second), `raw` the
    best cosine of the raw features among the product's own photos.
    """

    score: float
    lead: float
    raw: float


@dataclass(frozen=True, slots=True)
class Example:
    """A query whose answer is known: `right` if its best product is its own, `known` if its own is in the gallery.

    `pairs` are the photo and single others, made for some of the queries.
    """

    signals: Signals
    right: bool
    known: bool
    pairs: tuple[Pair, ...] = ()


class Lack(StrEnum):
    """What is missing for a calibration, in words for the caller."""

    RIGHT = f"too few photos find their own product when they are held out ({MIN_EXAMPLES} are needed)"
    UNKNOWN = f"too few photos could be asked as ones of an unknown product ({MIN_EXAMPLES} are needed)"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted model of the answer's probability.

    `coefficients` and `unknown_coefficients` start with the constant, then one for each standardised signal: the first
    tell P(right), the second P(the product is unknown | the answer is wrong). `fitted_prior` is the share of
    unknown products among the queries that both assume.
    """

    means: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    unknown_coefficients: tuple[float, ...]
    fitted_prior: float
    right_count: int
    wrong_count: int
    unknown_count: int

    def probability(self, signals: Signals, prior_unknown: float | None = None) -> float:
        """P(the best product is the right one), in [0, 1]; `probabilities` of one."""
        return float(self.probabilities([signals], prior_unknown)[0])

    def probabilities(self, signals: Sequence[Signals], prior_unknown: float | None = None) -> Floats:
        """float64 [n]: for each, P(the best product is the right one).

        `prior_unknown` in [0, 1] is the share of queries whose product is not in the gallery, `fitted_prior` if None.
        Another one shifts the three parts by Bayes: with P(right) = p, P(unknown) = u and r, t the factors by which
        the shares of known and of unknown queries change, p' = p r / ((1 - u) r + u t). Assumed is that photos of
        known products, right and wrong ones alike, and photos of unknown ones look as they did in the examples, and
        only their shares differ.
        """
        design = _design(np.array([_terms(each) for each in signals]), self.means, self.scales)
        right = sigmoid(design @ np.array(self.coefficients))
        if prior_unknown is None:
            return right
        unknown = (1 - right) * sigmoid(design @ np.array(self.unknown_coefficients))
        known_by, unknown_by = (1 - prior_unknown) / (1 - self.fitted_prior), prior_unknown / self.fitted_prior
        return np.asarray(right * known_by / ((1 - unknown) * known_by + unknown * unknown_by))


def lack(examples: Sequence[Example]) -> Lack | None:
    """Why these examples are too few to fit; None if they are enough."""
    if sum(each.right for each in examples) < MIN_EXAMPLES:
        return Lack.RIGHT
    return Lack.UNKNOWN if sum(not each.known for each in examples) < MIN_EXAMPLES else None


def fit_calibration(
    examples: Sequence[Example], prior_unknown: float, asked: Sequence[float] = ()
) -> Calibration | None:
    """Examples, weighed so that unknown ones have the share `prior_unknown` (held in [.01, .99]) -> a calibration.

    `asked` are best product scores of what was asked of late, with answers that nobody knows: the examples are `tilted`
    towards them. None if the examples are too few: `lack` tells of what.
    """
    if lack(examples) is not None:
        return None
    prior = min(max(prior_unknown, _LEAST_SHARE), 1 - _LEAST_SHARE)
    terms = np.array([_terms(each.signals) for each in examples])
    right = np.array([each.right for each in examples])
    known = np.array([each.known for each in examples])
    means, scales = terms.mean(axis=0), np.maximum(terms.std(axis=0), 1e-9)
    design, weights = _design(terms, means, scales), weights_of_examples(examples, prior, asked)
    return Calibration(
        means=tuple(means.tolist()),
        scales=tuple(scales.tolist()),
        coefficients=tuple(logistic(design, right, weights).tolist()),
        unknown_coefficients=tuple(logistic(design[~right], ~known[~right], weights[~right]).tolist()),
        fitted_prior=prior,
        right_count=int(right.sum()),
        wrong_count=int((known & ~right).sum()),
        unknown_count=int((~known).sum()),
    )


def weights_of(known: Bools, prior_unknown: float) -> Floats:
    """float64 [n], 1 on average: the unknown ones together have the share `prior_unknown`."""
    shares = np.where(known, (1 - prior_unknown) / max(known.sum(), 1), prior_unknown / max((~known).sum(), 1))
    return np.asarray(shares / shares.mean())


def weights_of_examples(examples: Sequence[Example], prior_unknown: float, asked: Sequence[float] = ()) -> Floats:
    """float64 [n], 1 on average: `weights_of` them, `tilted` towards the scores of what was asked."""
    scores = np.array([each.signals.score for each in examples])
    known = np.array([each.known for each in examples])
    return tilted(weights_of(known, prior_unknown), scores, known, asked)


def _terms(signals: Signals) -> tuple[float, float, float]:
    return signals.score, math.sqrt(max(signals.lead, 0.0)), signals.raw


def _design(terms: Floats, means: npt.ArrayLike, scales: npt.ArrayLike) -> Floats:
    standardised = (terms.reshape(-1, 3) - np.asarray(means)) / np.asarray(scales)
    return np.column_stack([np.ones(len(standardised)), standardised])
