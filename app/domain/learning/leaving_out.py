"""A gallery in memory -> its vectors in a space that was learned without some of its photos, by subtraction."""

from collections.abc import Sequence
from itertools import compress
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.features import Vectors, unit
from app.domain.learning.fitting import fit, spread_of
from app.domain.learning.moments import Features, Moments
from app.domain.learning.reducing import basis_of_vectors
from app.domain.learning.spanning import in_their_span

_MOST_TELLING: Final = 8192  # vectors tell a basis of theirs nearly as well as all do
Mask = npt.NDArray[np.bool_]


class LeavingOut:
    """Photos that are learned from, but for those that are held out."""

    def __init__(self, features: Features, product_ids: Sequence[str], dimensions: int | None = None) -> None:
        """[n, D] of unit length and their products. `dimensions` cuts the vectors as the live space does; None: not."""
        self._width, self._features = features.shape[1], in_their_span(features)
        self._product_ids, self._dimensions = product_ids, dimensions
        self._moments = self._sums(np.ones(len(features), np.bool_))

    def vectors(self, held: Mask) -> Vectors | None:
        """float32 [n, d], unit length: all photos, in a space learned without those held, but for a rotation.

        None where the others teach nothing.
        """
        moments, left = self._moments.minus(self._sums(held)), ~held
        projection = fit(moments, spread_of(self._features[left], self._named(left), moments), self._width)
        return None if projection is None else self._cut(projection.apply(self._features), left)

    def _cut(self, vectors: Vectors, left: Mask) -> Vectors:
        if self._dimensions is None or self._dimensions >= vectors.shape[1]:
            return vectors
        rows = np.flatnonzero(left)
        rows = rows[:: 1 + len(rows) // _MOST_TELLING]
        return unit(vectors @ basis_of_vectors(vectors[rows], self._dimensions))

    def _sums(self, rows: Mask) -> Moments:
        moments = Moments(self._features.shape[1])
        moments.add(self._features[rows], self._named(rows))
        return moments

    def _named(self, rows: Mask) -> list[str]:
        return list(compress(self._product_ids, rows.tolist()))
