"""Photos -> the folds in which they are held out, near-identical ones together.

A photo is found too easily while another one of the same scene stays in the gallery.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.learning.moments import Features

Numbers = npt.NDArray[np.int64]
"""int64 [n]."""

NEAR_IDENTICAL_COSINE: Final = 0.97
_ROWS_AT_ONCE: Final = 1024


def groups_of_near_identical(features: Features) -> Numbers:
    """int64 [n]: photos that a chain of cosines over .97 joins have one number, that of their first row.

    Every pair is compared: n^2 D / 2 multiplications.
    """
    groups = np.arange(len(features))
    wide = features.astype(np.float32)
    for first in range(0, len(wide), _ROWS_AT_ONCE):
        near = wide[first : first + _ROWS_AT_ONCE] @ wide[first:].T > NEAR_IDENTICAL_COSINE
        for row in np.flatnonzero(np.count_nonzero(near, axis=1) > 1):
            _join(groups, first + np.flatnonzero(near[row]))
    return groups


def folds(groups: Numbers, count: int, seed: int) -> Numbers:
    """int64 [n]: the fold of each row, in [0, count). A group is in one fold; they are about equally large."""
    _, places, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(sizes))
    middles = np.cumsum(sizes[order]) - sizes[order] / 2
    fold_of = np.empty(len(sizes), np.int64)
    fold_of[order] = middles * count // max(len(places), 1)
    return np.asarray(fold_of[places])


def _join(groups: Numbers, rows: Numbers) -> None:
    """Give all groups of these rows the lowest number among them."""
    joined = np.unique(groups[rows])
    if len(joined) > 1:
        groups[np.isin(groups, joined)] = joined[0]
