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
    """How many numbers a vector keeps: `dimensions` once the gallery has `from_photos`, all before; None: all."""

    dimensions: int | None = None
    from_photos: int = 0

    def of(self, photos: int) -> int | None:
        """For a gallery of so many photos; None: all."""
        return self.dimensions if photos >= self.from_photos else None


WHOLE: Final = Reduction()


def basis_of(second: SecondMoment, dimensions: int) -> Vectors:
    """The vectors' second moment, [d, d] -> float32 [d, dimensions], orthonormal, the strongest directions first.

    All d where fewer than `dimensions` are there.
    """
    _, directions = np.linalg.eigh(second.total)
    strongest: npt.NDArray[np.float64] = directions[:, ::-1][:, :dimensions]
    return np.ascontiguousarray(strongest, np.float32)
