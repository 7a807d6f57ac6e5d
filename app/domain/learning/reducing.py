"""A space's vectors over the whole gallery -> the few directions that keep their cosines.

The basis is that of principal components without centring, as the vectors are compared by their directions from the
origin. It needs their `SecondMoment` alone, so they stream through as the features do.
"""

import numpy as np
import numpy.typing as npt

from app.domain.features import Vectors
from app.domain.learning.moments import SecondMoment


def basis_of(second: SecondMoment, dimensions: int) -> Vectors:
    """The vectors' second moment, [d, d] -> float32 [d, dimensions], orthonormal, the strongest directions first.

    All d where fewer than `dimensions` are there.
    """
    _, directions = np.linalg.eigh(second.total)
    strongest: npt.NDArray[np.float64] = directions[:, ::-1][:, :dimensions]
    return np.ascontiguousarray(strongest, np.float32)
