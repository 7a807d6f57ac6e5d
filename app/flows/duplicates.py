"""A label's images -> those that are in the index once more, under this label or another one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.domain.duplicates import Duplicate, duplicate, may_be_one
from app.domain.errors import BusyError
from app.domain.features import Vector, unit
from app.domain.ports import Store
from app.domain.records import Entry, StoredFeatures
from app.flows.browsing import Browsing
from app.flows.finding import Finding, Wanted

MOST_LOOKED_AT: Final = 200
"""Images of a page; each costs a search."""
MOST_SHOWN: Final = 50
"""Duplicates of one image: the nearest."""
_BLOCK: Final = 16
"""Images looked at side by side, as far as there are turns."""
_MOST_PAGES: Final = 8
"""At once."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """An image and its duplicates, the nearest first."""

    entry: Entry
    duplicates: Sequence[Duplicate]


@dataclass(frozen=True, slots=True)
class RepeatedPage:
    """Images that have duplicates, by rising image id; the next page is beyond `looked_up_to`, None at the end."""

    items: Sequence[Repeated]
    looked_up_to: str | None


class Duplicates:
    """Looks for photos that are in the index more than once. Between them all pages search `at_once`, in turn."""

    def __init__(self, browsing: Browsing, store: Store, *, at_once: int) -> None:
        """`at_once` is fewer than there are threads for searches, so that one is always left for those."""
        self._browsing = browsing
        self._store = store
        self._finding = Finding(store)
        self._turns = asyncio.Semaphore(at_once)
        self._inside = 0

    async def page(self, label_id: str, after: str, count: int) -> RepeatedPage:
        """Up to `count` images beyond `after` that have duplicates, among the next MOST_LOOKED_AT of the label.

        Images of another space are passed over. Raises NotFoundError, BusyError for a page too many.
        """
        if self._inside >= _MOST_PAGES:
            raise BusyError("Too many lists of duplicates are being made; try again in a second.")
        self._inside += 1
        try:
            if await self._store.unindexed([label_id]):
                await self._browsing.index(label_id)  # raises what is the matter with it
            return await self._page(label_id, after, count)
        finally:
            self._inside -= 1

    async def _page(self, label_id: str, after: str, count: int) -> RepeatedPage:
        image_ids = [member.image_id for member in await self._store.members(label_id, after, MOST_LOOKED_AT)]
        found: list[Repeated] = []
        for start in range(0, len(image_ids), _BLOCK):
            found += await self._among(image_ids[start : start + _BLOCK])
            if len(found) >= count:
                break
        if len(found) >= count:
            return RepeatedPage(found[:count], found[count - 1].entry.image_id)
        return RepeatedPage(found, image_ids[-1] if len(image_ids) == MOST_LOOKED_AT else None)

    async def _among(self, image_ids: Sequence[str]) -> list[Repeated]:
        entries, features = await asyncio.gather(self._store.entries(image_ids), self._store.features_of(image_ids))
        known = [entries[image_id] for image_id in image_ids if image_id in entries and image_id in features]
        looked_at = await asyncio.gather(
            *(self._looked_at(entry, _vector(features[entry.image_id])) for entry in known)
        )
        return [one for one in looked_at if one.duplicates]

    async def _looked_at(self, entry: Entry, vector: Vector) -> Repeated:
        async with self._turns:
            wanted = Wanted(MOST_SHOWN, "image", left_out=entry.image_id)
            shown = [result.hits[0].entry for result in (await self._finding.find(vector, wanted)).results]
            others = [other for other in shown if may_be_one(entry, other)]
            # What a hit scores is a matter of the live space; the thresholds are of features.
            features = await self._store.features_of([other.image_id for other in others]) if others else {}
        found = [
            duplicate(entry, other, float(np.clip(vector @ _vector(features[other.image_id]), -1.0, 1.0)))
            for other in others
            if other.image_id in features
        ]
        return Repeated(entry, [one for one in found if one])


def _vector(features: StoredFeatures) -> Vector:
    return unit(features.astype(np.float32))
