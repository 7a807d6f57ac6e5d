"""What was asked lately, whose answers nobody knows -> how much each example of a calibration counts.

A customer's photo is less like the gallery's photos than those are like each other, so what is asked scores lower than
held-out photos do. The examples are weighed by exp(t score), known and unknown ones each within their share, with the t
at which their mean score is that of what was asked: an exponential tilt, the least change that meets the mean (Csiszar,
I-divergence geometry, 1975). It takes the share of unknown products as told: what it is wrong by, it makes worse.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MIN_ASKED: Final = 50
"""Fewer scores leave the examples as they are."""
_MOST_TILT: Final = 3.0  # times a standard deviation of the scores
_HALVINGS: Final = 40


def tilted(weights: Floats, scores: Floats, known: Bools, asked: Sequence[float]) -> Floats:
    """float64 [n], 1 on average: weights, float64 [n], after the tilt towards the scores of what was asked.

    Either kind of example, `known` bool [n], keeps its share of the whole weight.
    """
    if len(asked) < MIN_ASKED:
        return weights
    standard = (scores - scores.mean()) / max(float(scores.std()), 1e-9)
    wanted = (float(np.mean(asked)) - scores.mean()) / max(float(scores.std()), 1e-9)
    low, high = -_MOST_TILT, _MOST_TILT
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = np.average(standard, weights=_tilted(weights, standard, known, middle)) < wanted
        low, high = (middle, high) if below else (low, middle)
    return _tilted(weights, standard, known, (low + high) / 2)


def _tilted(weights: Floats, standard: Floats, known: Bools, tilt: float) -> Floats:
    after = weights * np.exp(tilt * standard)
    for kind in (known, ~known):
        if kind.any():
            after[kind] *= weights[kind].sum() / after[kind].sum()
    return np.asarray(after / after.mean())
