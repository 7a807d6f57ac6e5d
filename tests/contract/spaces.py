"""Learned spaces for tests: projections by chance, which no store may tell from fitted ones."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np

from app.domain.learning.projection import Projection
from app.domain.ports import Store
from app.domain.records import Hit, NewEntry, Query
from app.domain.spaces import FittedOn, LearnedSpace, Space, SpaceCard
from tests.contract.stores import SPACE, Floats

_DISCRIMINANT: Final = 3


def learned(name: str, seed: int, raw: Space = SPACE) -> LearnedSpace:
    """A space on top of another, with a projection by chance."""
    chance = np.random.default_rng(seed)
    size = raw.dimensions
    projection = Projection(
        mean=(chance.standard_normal(size) / 8).astype(np.float32),
        whitening=chance.standard_normal((size, size)).astype(np.float32),
        discriminant=chance.standard_normal((size, _DISCRIMINANT)).astype(np.float32),
        share=0.25,
    )
    space = Space(name, raw.fingerprint, projection.dimensions, projection)
    fitted = datetime(2026, 1, 1 + seed, tzinfo=UTC), FittedOn(100, 20)
    figures = {"before": {"photo_r1": 0.7}, "after": {"photo_r1": 0.9}}
    card = SpaceCard(name, raw.fingerprint, "chance", space.dimensions, *fitted, figures["before"], figures["after"])
    return LearnedSpace(space, card)


def in_space(space: Space, entries: Sequence[NewEntry]) -> list[NewEntry]:
    """Entries with their vectors in a space for features."""
    vectors = space.vectors(np.array([each.features for each in entries], np.float16))
    return [replace(each, features=vector) for each, vector in zip(entries, vectors, strict=True)]


async def found_in(store: Store, space: Space, features: Floats, k: int = 10, *label_ids: str) -> list[Hit]:
    """What a search in a space finds that is near to a photo's features."""
    query = Query(space.query(features), k, frozenset(label_ids) or None, space_id=space.space_id)
    return list(await store.search(query))
