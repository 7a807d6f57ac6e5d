"""Spaces: which vectors may be compared, how features become them, and what is known of how that was learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

import numpy as np

from app.domain.features import Vector
from app.domain.learning.projection import Projection
from app.domain.records import StoredFeatures

NOTHING_LEARNED: Final = "none"


@dataclass(frozen=True, slots=True)
class Space:
    """Vectors that may be compared: one model with its settings, and what was learned on top, if anything.

    `fingerprint` names everything that changes a photo's features, `dimensions` counts the numbers of a vector.
    """

    space_id: str
    fingerprint: str
    dimensions: int
    projection: Projection | None = field(default=None, compare=False, repr=False)

    @classmethod
    def raw(cls, fingerprint: str, dimensions: int) -> Self:
        """The space of a model's own features, nothing learned on top."""
        return cls(f"raw-{fingerprint[:12]}", fingerprint, dimensions)

    @property
    def feature_dimensions(self) -> int:
        """How many numbers a photo's features have."""
        return len(self.projection.mean) if self.projection else self.dimensions

    def query(self, features: Vector) -> Vector:
        """Features of unit length, float32 [feature dimensions] -> the vector to search for, float32 [dimensions]."""
        return self.projection.apply(features) if self.projection else features

    def vectors(self, features: StoredFeatures) -> StoredFeatures:
        """Kept features, float16 [n, feature dimensions] -> vectors of this space, float16 [n, dimensions]."""
        return self.projection.apply(features).astype(np.float16) if self.projection else features


@dataclass(frozen=True, slots=True)
class FittedOn:
    """What a projection was learned from."""

    images: int
    products: int


@dataclass(frozen=True, slots=True)
class SpaceCard:
    """What is known of a space.

    `before` and `after` are the figures of its self-check, with the raw features and with its vectors.
    """

    space_id: str
    fingerprint: str
    projection: str
    dimensions: int
    fitted_at: datetime | None = None
    fitted_on: FittedOn | None = None
    before: Mapping[str, float] | None = None
    after: Mapping[str, float] | None = None

    @classmethod
    def raw(cls, space: Space) -> Self:
        """Of a space with nothing learned."""
        return cls(space.space_id, space.fingerprint, NOTHING_LEARNED, space.dimensions)


@dataclass(frozen=True, slots=True)
class LearnedSpace:
    """A space and its card, as they are kept; neither ever changes."""

    space: Space
    card: SpaceCard
