"""A photo's features -> the nearest photos in the live space -> products in order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from app.domain.answering.scoring import product_score
from app.domain.errors import SpaceChangedError
from app.domain.features import Vector
from app.domain.filters import Filter
from app.domain.grouping import by_image, by_product
from app.domain.ports import Store
from app.domain.records import ProductHit, ProductPhotos, Query, StoredFeatures
from app.domain.spaces import Space

GroupBy = Literal["product", "image"]

_OVERFETCH: Final = 4
"""Photos fetched for each product wanted; when too few products are among them, this many times more."""
_FEWEST_PHOTOS: Final = 64
"""Among so many, at least, products are looked for: the one that is nearest as a whole may not have the first photo."""
_TRIES: Final = 5
_SHORTEST: Final = 1e-12
"""Length of a sum of vectors that point away from each other: it has no direction."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be found, and where. `left_out` is an image that is not shown and does not count."""

    k: int
    group_by: GroupBy
    label_ids: frozenset[str] | None = None
    filter: Filter | None = None
    exact: bool = False
    left_out: str | None = None


@dataclass(frozen=True, slots=True)
class Nearest:
    """Products, or photos each as a result of its own, by falling score; all of one space.

    `best_image_ids` are the photos that told how the first product looks.
    """

    space: Space
    group_by: GroupBy
    results: Sequence[ProductHit]
    best_image_ids: Sequence[str] = ()


class Finding:
    """Searches of the live space. One that is switched meanwhile is searched anew, from the beginning."""

    def __init__(self, store: Store) -> None:
        """Search a store."""
        self._store = store

    async def find(self, features: Vector, wanted: Wanted) -> Nearest:
        """The nearest to a photo's features. Raises what `Store.search` does."""
        for _ in range(_TRIES - 1):
            try:
                return await self._find(features, wanted)
            except SpaceChangedError:
                continue
        return await self._find(features, wanted)

    async def _find(self, features: Vector, wanted: Wanted) -> Nearest:
        space = self._store.space
        # A large matrix: beside the loop.
        vector = await asyncio.to_thread(space.query, features) if space.projection else features
        return await (self._images if wanted.group_by == "image" else self._products)(space, vector, wanted)

    async def _images(self, space: Space, vector: Vector, wanted: Wanted) -> Nearest:
        query = _query(space, vector, wanted, wanted.k + (wanted.left_out is not None))
        hits = [hit for hit in await self._store.search(query) if hit.entry.image_id != wanted.left_out]
        return Nearest(space, "image", by_image(hits, wanted.k))

    async def _products(self, space: Space, vector: Vector, wanted: Wanted) -> Nearest:
        query = _query(space, vector, wanted, max(_FEWEST_PHOTOS, _OVERFETCH * wanted.k))
        while True:
            hits = await self._store.search(query)
            products = by_product([hit for hit in hits if hit.entry.image_id != wanted.left_out])
            if len(products) >= wanted.k or len(hits) < query.k:
                return await self._ranked(space, vector, products[: _scored(wanted.k)], wanted)
            query = replace(query, k=query.k * _OVERFETCH)

    async def _ranked(self, space: Space, vector: Vector, products: Sequence[ProductHit], wanted: Wanted) -> Nearest:
        """The products by all of their photos. One that is gone meanwhile keeps its nearest photo's score."""
        found = await self._store.photos_of([product.product_id for product in products], space.space_id)
        photos = {product_id: _without(shown, wanted.left_out) for product_id, shown in found.items()}
        several = {product_id: shown.vectors for product_id, shown in photos.items() if len(shown.image_ids) > 1}
        # A product's only photo is its prototype too: its score stands. Thousands of photos may count: beside the loop.
        scored = await asyncio.to_thread(_all_scored, vector, products, several) if several else products
        ranked = sorted(scored, key=lambda product: (-product.score, product.product_id))[: wanted.k]
        best = photos.get(ranked[0].product_id) if ranked else None
        return Nearest(space, "product", ranked, best.image_ids if best else ())


def _all_scored(
    vector: Vector, products: Sequence[ProductHit], photos: Mapping[str, StoredFeatures]
) -> list[ProductHit]:
    return [
        replace(product, score=_score(vector, photos[product.product_id])) if product.product_id in photos else product
        for product in products
    ]


def _scored(k: int) -> int:
    """How many products, by their nearest photo, are looked at as a whole: that reads all of their photos."""
    return 2 * k + 10


def _query(space: Space, vector: Vector, wanted: Wanted, count: int) -> Query:
    return Query(vector, count, wanted.label_ids, wanted.exact, wanted.filter, space.space_id)


def _without(photos: ProductPhotos, left_out: str | None) -> ProductPhotos:
    if left_out not in photos.image_ids:
        return photos
    place = photos.image_ids.index(left_out)
    image_ids = (*photos.image_ids[:place], *photos.image_ids[place + 1 :])
    return ProductPhotos(image_ids, np.delete(photos.vectors, place, axis=0))


def _score(vector: Vector, photos: StoredFeatures) -> float:
    """Of unit vectors, float32 [dimensions] and float16 [n, dimensions]."""
    rows = photos.astype(np.float32)
    cosines = rows @ vector
    length = max(float(np.linalg.norm(rows.sum(axis=0))), _SHORTEST)
    return product_score(cosines.tolist(), float(cosines.sum()) / length)
