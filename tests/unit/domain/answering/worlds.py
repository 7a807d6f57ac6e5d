"""Made-up worlds in which the right probability is known."""

import numpy as np
import numpy.typing as npt

from app.domain.answering.calibration import Example, Signals

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

RIGHT, WRONG, UNKNOWN = 0, 1, 2
MEANS = np.array([[0.60, 0.50, 0.80], [0.50, 0.25, 0.75], [0.45, 0.32, 0.66]])  # score, sqrt(lead), raw
SPREAD = np.array([0.08, 0.10, 0.06])
RIGHT_SHARE = 0.9  # of known queries


def queries(count: int, unknown_share: float, seed: int) -> list[Example]:
    """So many queries of the world, this share of them of unknown products."""
    chance = np.random.default_rng(seed)
    known = (1 - unknown_share) * RIGHT_SHARE, (1 - unknown_share) * (1 - RIGHT_SHARE)
    sorts = chance.choice(3, size=count, p=[*known, unknown_share])
    terms = chance.normal(MEANS[sorts], SPREAD)
    return [
        Example(Signals(score, max(root, 0.0) ** 2, raw), sort == RIGHT, sort != UNKNOWN)
        for sort, (score, root, raw) in zip(sorts.tolist(), terms.tolist(), strict=True)
    ]


def signals_of(examples: list[Example]) -> list[Signals]:
    return [each.signals for each in examples]


def right_of(examples: list[Example]) -> Bools:
    return np.array([each.right for each in examples])


def known_of(examples: list[Example]) -> Bools:
    return np.array([each.known for each in examples])


def true_probabilities(examples: list[Example], unknown_share: float) -> Floats:
    """By Bayes, from the densities that the queries were drawn from."""
    terms = np.array([[each.score, each.lead**0.5, each.raw] for each in signals_of(examples)])
    logs = -0.5 * (((terms[:, np.newaxis] - MEANS) / SPREAD) ** 2).sum(axis=2)
    shares = np.array([(1 - unknown_share) * RIGHT_SHARE, (1 - unknown_share) * (1 - RIGHT_SHARE), unknown_share])
    densities = np.exp(logs) * shares
    return np.asarray(densities[:, RIGHT] / densities.sum(axis=1))


def photos(products: int, each: int, seed: int, width: int = 24, noise: float = 0.6) -> tuple[Floats32, list[str]]:
    """float32 [products * each, width] of unit length around a direction for each product, and their product ids.

    Most of what differs within a product lies in a few directions, as light and background do.
    """
    chance = np.random.default_rng(seed)
    centres = np.repeat(chance.normal(size=(products, width)), each, axis=0)
    scales = np.where(np.arange(width) < width // 4, 3.0, 0.5) * noise
    rows = centres + chance.normal(size=centres.shape) * scales
    ids = [f"p{number // each:03}" for number in range(len(rows))]
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), ids
