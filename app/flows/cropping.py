"""A query photo in which the product may be small -> parts of it that are worth a search of their own."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from app.domain.cropping import Suggestion, suggested
from app.domain.features import Vector
from app.domain.imaging import Box, Limits
from app.domain.ports import Store
from app.flows.finding import Finding, Wanted
from app.flows.querying import Looked

_PHOTOS: Final = 200
"""Of the indexed photos, the nearest to the query as a whole. Fewer leave out more products that are small in it; in a
very large gallery so many may, too."""
_WHOLE: Final = Box(0.0, 0.0, 1.0, 1.0)


class Cropping:
    """Suggests crops of a query by what the photos nearest to it look like."""

    def __init__(self, store: Store) -> None:
        """Search a store."""
        self._finding = Finding(store)
        self._store = store

    async def suggest(self, looked: Looked, features: Vector, wanted: Wanted, crop: Box | None) -> Sequence[Suggestion]:
        """Crops, best first, of a photo that was looked at with its map; none where nothing is indexed, or no map.

        `features` and `wanted` are what was searched; a crop of a crop lies in it. Raises what `Finding.find` does.
        """
        if looked.seen is None:
            return ()
        nearest = await self._finding.find(features, replace(wanted, k=_PHOTOS, group_by="image"))
        found = await self._store.features_of([result.hits[0].entry.image_id for result in nearest.results])
        if not found:
            return ()
        photos = np.stack(list(found.values()))
        # Hundreds of vectors: beside the loop.
        crops = await asyncio.to_thread(suggested, looked.seen.cells, photos, looked.seen.box, crop or _WHOLE)
        return [one for one in crops if _is_large_enough(one.box, looked)]


def _is_large_enough(box: Box, looked: Looked) -> bool:
    """Whether a search takes it as a crop."""
    width_px, height_px = (box.x_max - box.x_min) * looked.width, (box.y_max - box.y_min) * looked.height
    return min(width_px, height_px) >= Limits().min_side_px
