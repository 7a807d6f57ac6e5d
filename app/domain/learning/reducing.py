"""A space's vectors over the whole gallery -> the few directions that keep their cosines.

The basis is that of principal components without centring, as the vectors are compared by their directions from the
origin. It needs their `SecondMoment` alone, so they stream through as the features do.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.features import Vectors
from app.domain.learning.moments import SecondMoment


@dataclass(frozen=True, slots=True)
class Reduction:
    """How many numbers a vector keeps: `dimensions` once the gallery has `from_photos`, all before; None: all.

    A gallery of fewer photos than `dimensions` keeps all as well: it does not tell so many directions.
    """

    dimensions: int | None = None
    from_photos: int = 0

    def of(self, photos: int) -> int | None:
        """For a gallery of so many photos; None: all."""
        return self.dimensions if photos >= max(self.from_photos, self.dimensions or 0) else None


WHOLE: Final = Reduction()
_NOTHING: Final = 1e-6  # of the largest eigenvalue; float32 rounds off as much


def basis_of(second: SecondMoment, dimensions: int) -> Vectors:
    """The vectors' second moment, [d, d] -> float32 [d, dimensions], orthonormal, the strongest directions first.

    All d where fewer than `dimensions` are there.
    """
    _, directions = np.linalg.eigh(second.total)
    strongest: npt.NDArray[np.float64] = directions[:, ::-1][:, :dimensions]
    return np.ascontiguousarray(strongest, np.float32)


def basis_of_vectors(vectors: Vectors, dimensions: int) -> Vectors:
    """The same of vectors that are in memory, float32 [n, d]; no more than there are directions in them.

    Of fewer vectors than d, their cosines tell it, in a fraction of the time.
    """
    count, width = vectors.shape
    if count >= width:
        second = SecondMoment(width)
        second.add(vectors)
        return basis_of(second, dimensions)
    values, directions = np.linalg.eigh((vectors @ vectors.T).astype(np.float64))
    strongest = np.flatnonzero(values > _NOTHING * values[-1])[::-1][:dimensions]
    return np.ascontiguousarray(vectors.T @ (directions[:, strongest] / np.sqrt(values[strongest])), np.float32)
