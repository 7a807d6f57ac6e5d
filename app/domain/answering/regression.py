"""Logistic regression of a few terms, by iteratively reweighted least squares."""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_RIDGE: Final = 1.0
_ROUNDS: Final = 50
_SETTLED: Final = 1e-9
_LONGEST_STEP: Final = 3.0
_FARTHEST: Final = 30.0  # log-odds beyond which nothing changes any more in a double


def sigmoid(log_odds: Floats) -> Floats:
    """Log-odds -> probabilities, never quite 0 or 1."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -_FARTHEST, _FARTHEST))))


def logistic(design: Floats, outcomes: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """float64 [n, k] whose first column is 1, bool [n], weights [n] -> float64 [k], the coefficients.

    Maximum likelihood with a ridge of 1 (a normal prior of unit variance on each but the constant), so that examples
    that can be told apart without fault have an answer as well. The scale of the weights is that of the counts.
    """
    ridge = np.full(design.shape[1], _RIDGE)
    ridge[0] = 1e-3
    found = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        probabilities = sigmoid(design @ found)
        curvature = weights * probabilities * (1 - probabilities)
        slope = design.T @ (weights * (outcomes - probabilities)) - ridge * found
        step = np.linalg.solve(design.T @ (design * curvature[:, np.newaxis]) + np.diag(ridge), slope)
        found = found + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        if np.abs(step).max() < _SETTLED:
            break
    return found
