"""A photo -> its vector -> hits -> products."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from app.domain.errors import InvalidRequestError, ModelMismatchError, NotFoundError
from app.domain.features import Vector, unit
from app.domain.filters import Filter, parse_filter
from app.domain.grouping import by_image, by_product
from app.domain.imaging import Box, prepare
from app.domain.ports import Catalogue, Downloads, Embedder, Store, Workers
from app.domain.records import LabelIndex, ProductHit, Query

GroupBy = Literal["product", "image"]

_OVERFETCH: Final = 4
"""Photos fetched for each product wanted; when too few products are among them, this many times more."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for and how: a photo's bytes, its address on the web, or the id of an indexed image.

    `filter` is JSON as its caller wrote it, None for none.
    """

    photo: bytes | None = None
    image_url: str | None = None
    image_id: str | None = None
    label_ids: frozenset[str] | None = None
    k: int = 10
    group_by: GroupBy = "product"
    min_score: float | None = None
    crop: Box | None = None
    exact: bool = False
    filter: object = None
    without_itself: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds."""

    decode_ms: float = 0.0
    embed_ms: float = 0.0
    search_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """Results in order. Width and height are the query photo's, after the EXIF turn; `crop` is what was looked at."""

    width: int
    height: int
    crop: Box | None
    results: Sequence[ProductHit]
    timing: Timing
    warnings: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class _QueryVector:
    vector: Vector
    width: int
    height: int
    decode_ms: float = 0.0
    embed_ms: float = 0.0


class Searching:
    """Finds what looks like a photo. Query photos are never stored."""

    def __init__(
        self, embedder: Embedder, workers: Workers, store: Store, catalogue: Catalogue, downloads: Downloads
    ) -> None:
        """Searches have workers of their own: indexing does not make them wait."""
        self._embedder = embedder
        self._workers = workers
        self._store = store
        self._catalogue = catalogue
        self._downloads = downloads

    async def search(self, search: Search) -> Found:
        """Answer a search. Raises what the arrows on the way raise: see domain.errors."""
        await self._check_labels(search.label_ids)
        wanted = await self._parsed(search.filter)
        query = await self._query_vector(search)
        started = time.perf_counter()
        results = await self._results(search, wanted, query.vector)
        warnings = () if results else await self._why_nothing(search)
        timing = Timing(query.decode_ms, query.embed_ms, _ms_since(started))
        return Found(query.width, query.height, search.crop, results, timing, warnings)

    async def _check_labels(self, label_ids: frozenset[str] | None) -> None:
        for label_id in sorted(await self._store.unindexed(label_ids or ())):
            if await self._catalogue.label(label_id):
                detail = f"Label '{label_id}' is not indexed yet: POST /index/{label_id} first."
            else:
                detail = f"There is no label '{label_id}': GET /index lists what is indexed, GET /labels what could be."
            raise NotFoundError("label_not_indexed", detail)

    async def _parsed(self, document: object) -> Filter | None:
        return None if document is None else parse_filter(document, await self._catalogue.attributes())

    async def _query_vector(self, search: Search) -> _QueryVector:
        if search.image_id is not None:
            return await self._stored_vector(search.image_id, search.crop)
        photo = search.photo
        if search.image_url is not None:
            photo = await self._downloads.query_photo(search.image_url)
        return await self._workers.run(self._embed, photo or b"", search.crop)

    def _embed(self, photo: bytes, crop: Box | None) -> _QueryVector:
        started = time.perf_counter()
        prepared = prepare(photo, self._embedder.recipe, crop)
        decode_ms = _ms_since(started)
        started = time.perf_counter()
        vector = self._embedder.embed([prepared])[0]
        return _QueryVector(vector, prepared.width, prepared.height, decode_ms, _ms_since(started))

    async def _stored_vector(self, image_id: str, crop: Box | None) -> _QueryVector:
        if crop:
            detail = "crop goes with a photo, not with image_id: post the image itself."
            raise InvalidRequestError("invalid_crop", detail)
        entry = await self._store.entry(image_id)
        if entry is None:
            raise NotFoundError("image_not_found", f"No indexed image has the id '{image_id}'.")
        features = await self._store.features(image_id)
        if features is None:
            again = f"POST /index/{entry.label_ids[0]} again."
            raise ModelMismatchError(f"Image '{image_id}' was indexed with another model or settings: {again}")
        return _QueryVector(unit(features.astype(np.float32)), entry.width, entry.height)

    async def _results(self, search: Search, wanted: Filter | None, vector: Vector) -> list[ProductHit]:
        left_out = search.image_id if search.without_itself else None
        grouped = by_image if search.group_by == "image" else by_product
        count = search.k * (1 if search.group_by == "image" else _OVERFETCH) + (left_out is not None)
        while True:
            hits = await self._store.search(Query(vector, count, search.label_ids, search.exact, wanted))
            results = grouped([hit for hit in hits if hit.entry.image_id != left_out], search.k)
            if len(results) == search.k or len(hits) < count:
                return [result for result in results if _reaches(result, search.min_score)]
            count *= _OVERFETCH

    async def _why_nothing(self, search: Search) -> tuple[str, ...]:
        indexed = await self._store.labels()
        labels = [label for label in indexed if search.label_ids is None or label.label_id in search.label_ids]
        if labels and all(_is_stale(label) for label in labels):
            detail = "What is indexed was made with another model or settings: POST /index/{label_id} again, for each."
            raise ModelMismatchError(detail)
        if not labels:
            return ("Nothing is indexed yet: POST /index/{label_id} first.",)
        return ()


def _is_stale(label: LabelIndex) -> bool:
    return label.stale_count == label.image_count


def _reaches(result: ProductHit, min_score: float | None) -> bool:
    return min_score is None or result.score >= min_score


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
