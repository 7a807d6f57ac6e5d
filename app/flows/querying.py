"""Photos, a photo on the web, or an indexed image -> the vector that stands for it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.domain.errors import InvalidRequestError, ModelMismatchError, NotFoundError
from app.domain.features import Vector, Vectors, unit
from app.domain.imaging import Box, prepare
from app.domain.pixels import SHORTER_SIDES
from app.domain.ports import Downloads, Embedder, Store, Workers
from app.domain.records import Entry
from app.domain.regions import LastMap, seen_box
from app.domain.rocchio import mean_view


@dataclass(frozen=True, slots=True)
class Source:
    """What is looked at: photos of one object, one photo's address on the web, or the id of an indexed image."""

    photos: tuple[bytes, ...] = ()
    image_url: str | None = None
    image_id: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The last map of a photo's first view, and the part of the photo that it shows."""

    cells: LastMap
    box: Box


@dataclass(frozen=True, slots=True)
class Looked:
    """A source's vector; of several photos the direction of their mean. Width, height and `seen` are the first's."""

    vector: Vector
    width: int
    height: int
    seen: Seen | None = None
    decode_ms: float = 0.0
    embed_ms: float = 0.0


class Querying:
    """Looks at what is searched with or compared. Nothing of it is stored."""

    def __init__(self, embedder: Embedder, workers: Workers, store: Store, downloads: Downloads) -> None:
        """Searches have workers of their own: indexing does not make them wait."""
        self._embedder = embedder
        self._workers = workers
        self._store = store
        self._downloads = downloads

    async def look_at(self, source: Source, crop: Box | None = None, *, mapped: bool = False) -> Looked:
        """See a source, or the same part of each of its photos; `mapped` photos also have their last map.

        Raises ImageRejectedError, InvalidRequestError url_not_fetchable or invalid_crop, BusyError, and what
        `vectors` raises.
        """
        if source.image_id is not None:
            return await self._stored(source.image_id, crop)
        photos = source.photos
        if source.image_url is not None:
            photos = (await self._downloads.query_photo(source.image_url),)
        return await self._workers.run(self._look, photos, crop, mapped=mapped)

    async def vectors(self, image_ids: Sequence[str]) -> Vectors:
        """float32 [n, dimensions] of unit length, row i for indexed image i.

        Raises NotFoundError image_not_found, ModelMismatchError for an image of another space.
        """
        entries = await self._store.entries(image_ids)
        for image_id in image_ids:
            if image_id not in entries:
                raise _unknown(image_id)
        found = await self._store.features_of(image_ids)
        for image_id in image_ids:
            if image_id not in found:
                raise _stale(entries[image_id])
        rows = [found[image_id] for image_id in image_ids]
        return unit(np.array(rows, np.float32).reshape(len(rows), self._embedder.card.dimensions))

    def _look(self, photos: Sequence[bytes], crop: Box | None, *, mapped: bool) -> Looked:
        started = time.perf_counter()
        # One after the other: no two decoded photos are in memory at once.
        prepared = [prepare(photo, self._embedder.recipe, crop) for photo in photos]
        decode_ms = _ms_since(started)
        started = time.perf_counter()
        vector = mean_view(self._embedder.embed(prepared))
        width, height = prepared[0].width, prepared[0].height
        seen = None
        if mapped:
            box = seen_box(width, height, crop, SHORTER_SIDES[self._embedder.recipe.views][0])
            seen = Seen(self._embedder.maps(prepared[:1])[0], box)
        return Looked(vector, width, height, seen, decode_ms, _ms_since(started))

    async def _stored(self, image_id: str, crop: Box | None) -> Looked:
        if crop:
            detail = "crop goes with a photo, not with image_id: post the image itself."
            raise InvalidRequestError("invalid_crop", detail)
        entry = await self._store.entry(image_id)
        if entry is None:
            raise _unknown(image_id)
        return Looked(await self._vector(entry), entry.width, entry.height)

    async def _vector(self, entry: Entry) -> Vector:
        features = await self._store.features(entry.image_id)
        if features is None:
            raise _stale(entry)
        return unit(features.astype(np.float32))


def _stale(entry: Entry) -> ModelMismatchError:
    again = f"POST /index/{entry.label_ids[0]} again."
    return ModelMismatchError(f"Image '{entry.image_id}' was indexed with another model or settings: {again}")


def _unknown(image_id: str) -> NotFoundError:
    return NotFoundError("image_not_found", f"No indexed image has the id '{image_id}'.")


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
