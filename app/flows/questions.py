"""A catalogue of labelled photos -> questions: each with its features, and the product that it ought to find."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.domain.errors import ImageRejectedError
from app.domain.evaluating.plan import QUERIES
from app.domain.evaluating.records import Question
from app.domain.features import Vector, unit
from app.domain.imaging import Prepared, prepare
from app.domain.ports import Catalogue, Embedder, Workers
from app.domain.records import CatalogueImage, ProductFrom, StoredFeatures
from app.flows.indexing import as_stored, product_of
from app.flows.photos import Photos

_BATCH: Final = 16
_MOST: Final = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A question and its photo's features; `image` is the catalogue's, None for a photo that is indexed."""

    question: Question
    features: StoredFeatures
    image: CatalogueImage | None = None

    @property
    def vector(self) -> Vector:
        """float32 [dimensions], unit length."""
        return unit(self.features.astype(np.float32))


async def labelled(
    catalogue: Catalogue, product_from: ProductFrom, label_ids: Collection[str] | None = None
) -> AsyncIterator[tuple[Question, CatalogueImage]]:
    """A catalogue's photos under these labels, or all, and what they ought to find; at most 20,000."""
    count = 0
    for label in await catalogue.labels():
        if label_ids is not None and label.label_id not in label_ids:
            continue
        async for block in catalogue.images(label.label_id):
            for image in block[: _MOST - count]:
                # An indexed image may have the same id: no image id has a slash.
                yield Question(image.name, product_of(product_from, image), f"{QUERIES}/{image.image_id}"), image
            count += len(block)
            if count >= _MOST:
                return


class Questions:
    """Reads questions. Nothing of them is stored."""

    def __init__(
        self, catalogue: Catalogue, photos: Photos, embedder: Embedder, workers: Workers, product_from: ProductFrom
    ) -> None:
        """What a product is, `product_from` tells, as for what is indexed."""
        self._catalogue = catalogue
        self._photos = photos
        self._embedder = embedder
        self._workers = workers
        self._product_from = product_from

    async def all(self, label_ids: Collection[str] | None, stop: asyncio.Event) -> tuple[list[Asked], int]:
        """Every photo under these labels that can be read, and how many cannot; fewer when `stop` is set."""
        asked, failed, batch = list[Asked](), 0, list[tuple[Question, CatalogueImage]]()
        async for pair in labelled(self._catalogue, self._product_from, label_ids):
            batch.append(pair)
            if len(batch) == _BATCH:
                failed += await self._take(batch, asked)
                batch = []
                if stop.is_set():
                    break
        return asked, failed + await self._take(batch, asked)

    async def _take(self, batch: Sequence[tuple[Question, CatalogueImage]], asked: list[Asked]) -> int:
        """How many of a batch could not be read; the others are asked."""
        photos = await asyncio.gather(*(self._photos.read(image) for _, image in batch))
        looked = await self._workers.run(self._look, photos)
        found = [(pair, features) for pair, features in zip(batch, looked, strict=True) if features is not None]
        asked += [Asked(question, features, image) for (question, image), features in found]
        return len(batch) - len(found)

    def _look(self, photos: Sequence[bytes | None]) -> list[StoredFeatures | None]:
        prepared = [self._prepared(photo) for photo in photos]
        good = [one for one in prepared if one]
        rows = iter(as_stored(self._embedder.embed(good)) if good else ())
        return [next(rows) if one else None for one in prepared]

    def _prepared(self, photo: bytes | None) -> Prepared | None:
        try:
            return prepare(photo, self._embedder.recipe) if photo else None
        except ImageRejectedError:
            return None
