"""Features -> vectors of a learned space (the formulas: README, "How it learns")."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from app.domain.features import Vectors, unit
from app.domain.learning.blocks import in_blocks

Features = npt.NDArray[np.floating]
"""float16 or float32 [n, D] or [D], unit length."""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """e(x) = [sqrt(1 - a) unit(z), sqrt(a) unit(z U)] with z = (x - m) W; cut by a basis if there is one.

    `mean` float32 [D], `whitening` W float32 [D, D], `discriminant` U float32 [D, c], `share` a in [0, 1], `basis`
    float32 [D + c, d] or None.
    """

    mean: Vectors
    whitening: Vectors
    discriminant: Vectors
    share: float
    basis: Vectors | None = None

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        if self.basis is not None:
            return int(self.basis.shape[1])
        return int(self.whitening.shape[1] + self.discriminant.shape[1])

    def apply(self, features: Features) -> Vectors:
        """Features -> float32 [n, dimensions] or [dimensions], unit length."""
        if features.ndim == 1:
            return self._applied(features)
        vectors = np.empty((len(features), self.dimensions), np.float32)
        for rows in in_blocks(len(features)):
            vectors[rows] = self._applied(features[rows])
        return vectors

    def reduced(self, basis: Vectors) -> Self:
        """The same, cut by a basis: float32 [D + c, d], orthonormal columns."""
        return replace(self, basis=basis)

    def _applied(self, features: Features) -> Vectors:
        z = np.asarray((features.astype(np.float32) - self.mean) @ self.whitening, np.float32)
        within, between = unit(z), unit(np.asarray(z @ self.discriminant, np.float32))
        whole = np.concatenate([(1 - self.share) ** 0.5 * within, self.share**0.5 * between], axis=-1, dtype=np.float32)
        return unit(whole if self.basis is None else whole @ self.basis)

    def arrays(self) -> Mapping[str, npt.NDArray[np.float32]]:
        """All of it by name, to be kept; `projection_of` is the way back."""
        basis = {} if self.basis is None else {"basis": self.basis}
        share = np.array(self.share, np.float32)
        parts = {"mean": self.mean, "whitening": self.whitening, "discriminant": self.discriminant}
        return {**parts, "share": share, **basis}


def projection_of(arrays: Mapping[str, npt.NDArray[np.float32]]) -> Projection:
    """What `arrays` told."""
    share = float(arrays["share"])
    return Projection(arrays["mean"], arrays["whitening"], arrays["discriminant"], share, arrays.get("basis"))
