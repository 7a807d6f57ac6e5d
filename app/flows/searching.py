"""A photo -> its vector -> hits -> products."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from app.domain.cropping import Suggestion
from app.domain.errors import ModelMismatchError, NotFoundError
from app.domain.features import Vector
from app.domain.filters import Filter, parse_filter
from app.domain.imaging import Box
from app.domain.ports import Catalogue, Store
from app.domain.records import Hit, LabelIndex, ProductHit
from app.domain.regions import Regions, likeness
from app.domain.rocchio import moved
from app.domain.spaces import Space
from app.flows.answering import Answer, Answering
from app.flows.cropping import Cropping
from app.flows.finding import Finding, GroupBy, Wanted
from app.flows.querying import Looked, Querying, Seen, Source

_ANSWERED: Final = 2
"""Products that an answer takes: the best, and how much it leads."""
EXPLAINED: Final = 3
"""Results, the first ones, that are told why."""
_NO_MAP: Final = "why: an image_id brings no pixels, so there is no map; post the photo itself to have one."
_NO_CROPS: Final = "suggest_crops: an image_id brings no pixels to crop; post the photo itself to have crops suggested."


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for and how: a photo's bytes, its address on the web, or the id of an indexed image.

    `other_views` are more photos of the object in `photo`, `positive_image_ids` and `negative_image_ids` indexed images
    that are like what is meant, and unlike it. `filter` is JSON as its caller wrote it, None for none.
    """

    photo: bytes | None = None
    other_views: tuple[bytes, ...] = ()
    image_url: str | None = None
    image_id: str | None = None
    label_ids: frozenset[str] | None = None
    k: int = 10
    group_by: GroupBy = "product"
    min_score: float | None = None
    crop: Box | None = None
    exact: bool = False
    filter: object = None
    positive_image_ids: tuple[str, ...] = ()
    negative_image_ids: tuple[str, ...] = ()
    why: bool = False
    suggest_crops: bool = False
    prior_unknown: float | None = None
    without_itself: bool = False

    @property
    def source(self) -> Source:
        """What is looked at."""
        return Source((self.photo or b"", *self.other_views), self.image_url, self.image_id)


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds."""

    decode_ms: float = 0.0
    embed_ms: float = 0.0
    search_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Why:
    """The indexed photo that matched, and what parts of the query look like it: `box` is what `regions` divide.

    Without them where the query brought no pixels, or the photo is gone since.
    """

    image_id: str
    regions: Regions | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Results in order. Width and height are the query photo's, after the EXIF turn; `crop` is what was looked at.

    `whys` are those of the first results; `suggested_crops` are parts worth a search of their own, best first. Neither
    is there where it was not asked for.
    """

    width: int
    height: int
    crop: Box | None
    space: Space
    answer: Answer
    results: Sequence[ProductHit]
    timing: Timing
    warnings: Sequence[str] = field(default_factory=tuple)
    whys: Sequence[Why] = field(default_factory=tuple)
    suggested_crops: Sequence[Suggestion] = field(default_factory=tuple)


class Searching:
    """Finds what looks like a photo. Query photos are never stored."""

    def __init__(self, querying: Querying, answering: Answering, store: Store, catalogue: Catalogue) -> None:
        """`querying` looks at the photos, `answering` tells which product it is."""
        self._answering = answering
        self._querying = querying
        self._finding = Finding(store)
        self._cropping = Cropping(store)
        self._store = store
        self._catalogue = catalogue

    async def search(self, search: Search) -> Found:
        """Answer a search. Raises what the arrows on the way raise: see domain.errors."""
        await self._check_labels(search.label_ids)
        wanted = _wanted(search, await self._parsed(search.filter))
        looked = await self._querying.look_at(search.source, search.crop, mapped=search.why or search.suggest_crops)
        started = time.perf_counter()
        features = await self._moved(search, looked.vector)
        nearest = await self._finding.find(features, wanted)
        answer = await self._answering.answer(nearest, features, search.prior_unknown)
        results = [one for one in nearest.results[: search.k] if _reaches(one, search.min_score)]
        warnings = () if results else await self._why_nothing(search)
        timing = Timing(looked.decode_ms, looked.embed_ms, _ms_since(started))
        found = Found(looked.width, looked.height, search.crop, nearest.space, answer, results, timing, warnings)
        if search.suggest_crops:
            found = await self._cropped(found, looked, features, wanted)
        return await self._explained(found, looked) if search.why else found

    async def _check_labels(self, label_ids: frozenset[str] | None) -> None:
        for label_id in sorted(await self._store.unindexed(label_ids or ())):
            if await self._catalogue.label(label_id):
                detail = f"Label '{label_id}' is not indexed yet: POST /index/{label_id} first."
            else:
                detail = f"There is no label '{label_id}': GET /index lists what is indexed, GET /labels what could be."
            raise NotFoundError("label_not_indexed", detail)

    async def _parsed(self, document: object) -> Filter | None:
        return None if document is None else parse_filter(document, await self._catalogue.attributes())

    async def _moved(self, search: Search, vector: Vector) -> Vector:
        """The query as its examples move it."""
        if not search.positive_image_ids and not search.negative_image_ids:
            return vector
        positives = await self._querying.vectors(search.positive_image_ids)
        return moved(vector, positives, await self._querying.vectors(search.negative_image_ids))

    async def _cropped(self, found: Found, looked: Looked, features: Vector, wanted: Wanted) -> Found:
        crops = await self._cropping.suggest(looked, features, wanted, found.crop)
        warnings = (*found.warnings, *(() if looked.seen else (_NO_CROPS,)))
        return replace(found, suggested_crops=crops, warnings=warnings)

    async def _explained(self, found: Found, looked: Looked) -> Found:
        nearest = [result.hits[0] for result in found.results[:EXPLAINED]]
        whys = [await self._why(hit, looked.seen) for hit in nearest]
        return replace(found, whys=whys, warnings=(*found.warnings, *(() if looked.seen else (_NO_MAP,))))

    async def _why(self, hit: Hit, seen: Seen | None) -> Why:
        image_id = hit.entry.image_id
        features = await self._store.features(image_id) if seen else None
        if seen is None or features is None:
            return Why(image_id)
        return Why(image_id, likeness(seen.cells, features), seen.box)

    async def _why_nothing(self, search: Search) -> tuple[str, ...]:
        indexed = await self._store.labels()
        labels = [label for label in indexed if search.label_ids is None or label.label_id in search.label_ids]
        if labels and all(_is_stale(label) for label in labels):
            detail = "What is indexed was made with another model or settings: POST /index/{label_id} again, for each."
            raise ModelMismatchError(detail)
        if not labels:
            return ("Nothing is indexed yet: POST /index/{label_id} first.",)
        return ()


def _wanted(search: Search, parsed: Filter | None) -> Wanted:
    return Wanted(
        k=max(search.k, _ANSWERED),
        group_by=search.group_by,
        label_ids=search.label_ids,
        filter=parsed,
        exact=search.exact,
        left_out=search.image_id if search.without_itself else None,
    )


def _is_stale(label: LabelIndex) -> bool:
    return label.stale_count == label.image_count


def _reaches(result: ProductHit, min_score: float | None) -> bool:
    return min_score is None or result.score >= min_score


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
