"""Products -> their photos' vectors, which every product search scores: those seen before are kept in memory.

Vectors are kept under the version of their entry, which every change raises: what another process changes is seen by
the next search, and nothing has to be told to anybody.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from app.adapters.stores.elasticsearch import queries
from app.adapters.stores.elasticsearch.client import Cluster
from app.adapters.stores.elasticsearch.documents import parse_features
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.reading import Reading
from app.domain.ports.store import MAX_PHOTOS
from app.domain.records import ProductPhotos, StoredFeatures
from app.domain.spaces import Space

_PAGE: Final = 2000
_READ_AT_ONCE: Final = 500
_MAX_BYTES: Final = 64_000_000
"""20,000 photos of whole vectors, 80,000 of 384 numbers."""
_AFTER_ALL_IMAGES: Final = "\U0010ffff"
"""Behind every image id."""

_Key = tuple[str, str, int]
"""A space's id, an image's, and its entry's version."""


class ProductVectors:
    """Photos of products as of the last refresh."""

    def __init__(self, cluster: Cluster, names: Names, reading: Reading) -> None:
        """Nothing is kept yet."""
        self._cluster = cluster
        self._names = names
        self._reading = reading
        self._kept: OrderedDict[_Key, StoredFeatures] = OrderedDict()
        self._bytes = 0

    async def photos(self, space: Space, product_ids: Sequence[str]) -> dict[str, ProductPhotos]:
        """The first photos of each product by image id, with their vectors in a space."""
        listed = await self._listed(space, product_ids)
        versions = {image_id: version for photos in listed.values() for image_id, version in photos}
        vectors = await self._vectors(space, versions)
        there = {
            product_id: [image_id for image_id, _ in photos if image_id in vectors]
            for product_id, photos in listed.items()
        }
        return {
            product_id: ProductPhotos(tuple(image_ids), np.stack([vectors[image_id] for image_id in image_ids]))
            for product_id, image_ids in there.items()
            if image_ids
        }

    async def _listed(self, space: Space, product_ids: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
        """Image ids and versions of each product's first photos."""
        listed: dict[str, list[tuple[str, int]]] = {}
        after: Sequence[str] = ()
        while True:
            body = queries.of_products(product_ids, space.fingerprint, after, _PAGE)
            hits = await self._cluster.hits(self._names.entries, body)
            for hit in hits:
                listed.setdefault(hit["sort"][0], []).append((hit["sort"][1], hit["_version"]))
            if len(hits) < _PAGE:
                return {product_id: photos[:MAX_PHOTOS] for product_id, photos in listed.items()}
            last = hits[-1]["sort"]
            # A product of many photos is left once there are enough of it.
            after = last if len(listed[last[0]]) < MAX_PHOTOS else (last[0], _AFTER_ALL_IMAGES)

    async def _vectors(self, space: Space, versions: Mapping[str, int]) -> dict[str, StoredFeatures]:
        """By image id, of those that are there still; what changed meanwhile, as it is now."""
        vectors, missing = dict[str, StoredFeatures](), list[str]()
        for image_id, version in versions.items():
            row = self._kept.get((space.space_id, image_id, version))
            if row is None:
                missing.append(image_id)
            else:
                self._kept.move_to_end((space.space_id, image_id, version))
                vectors[image_id] = row
        for first in range(0, len(missing), _READ_AT_ONCE):
            vectors |= await self._read(space, missing[first : first + _READ_AT_ONCE])
        return vectors

    async def _read(self, space: Space, image_ids: Sequence[str]) -> dict[str, StoredFeatures]:
        found = await self._reading.truth(image_ids, with_features=True, fields=["space"])
        ours = {image_id: one for image_id, one in found.items() if one.source["space"] == space.fingerprint}
        if not ours:
            return {}
        rows = await asyncio.to_thread(_projected, space, [one.fields for one in ours.values()])
        for (image_id, one), row in zip(ours.items(), rows, strict=True):
            self._keep((space.space_id, image_id, one.version), row)
        return dict(zip(ours, rows, strict=True))

    def _keep(self, key: _Key, row: StoredFeatures) -> None:
        if key not in self._kept:
            self._kept[key] = row
            self._bytes += row.nbytes
        while self._bytes > _MAX_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.nbytes


def _projected(space: Space, fields: Sequence[Mapping[str, Any]]) -> list[StoredFeatures]:
    """A vector of its own for each, so that what is forgotten is freed."""
    vectors = space.vectors(np.array([parse_features(each) for each in fields], np.float16))
    return [row.copy() for row in vectors]
