"""/search: which products look like this photo."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from app.api.bodies import Body, Photo, bytes_of, read_body, two_bodies, validated
from app.api.deps import Using
from app.api.problems import problem_of, responses
from app.api.schemas.search import (
    MAX_BATCH,
    MAX_VIEWS,
    BatchAnswer,
    BatchFailed,
    BatchFound,
    IdentifyAnswer,
    SearchAnswer,
    SearchOptions,
    SearchRequest,
)
from app.domain.cropping import MAX_CROPS
from app.domain.errors import InvalidRequestError, LookalikeError
from app.domain.rocchio import NEGATIVE_WEIGHT, POSITIVE_WEIGHT
from app.flows.searching import EXPLAINED, Found, Search
from app.flows.services import Services

router = APIRouter(tags=["Search"])

_DOCUMENTS: Final = frozenset({"filter"})
_REPEATED: Final = frozenset({"label_id", "positive_image_ids", "negative_image_ids"})
_PHOTOS_TIMES: Final = 5
"""A request's photos together, in largest photos."""


_SEARCH: Final = f"""Find the products, or photos, that look most like a photo.

Send exactly one of: the photo as `image` in a form; its address as `image_url`, or the id of an indexed image as
`image_id`, in a form or in JSON. An address that leads nowhere, or to where the service may not go, is answered 422
`url_not_fetchable`. `label_id` and `filter` narrow the search before it runs; in a form lists are fields that are
repeated, and `filter` is JSON in a string. The photo is never stored.

**Several photos of one object**: `image` up to {MAX_VIEWS} times in one form. What is searched with is the direction
of the mean of their vectors; `crop` is cut from each of them, and `query` tells the size of the first.

**More like these, less like those**: `positive_image_ids` and `negative_image_ids` are indexed images that move the
photo's vector `q` (Rocchio's relevance feedback, on vectors of unit length): first to
`p = unit(q + {POSITIVE_WEIGHT} * mean(positives))`, then to `q' = unit(p - {NEGATIVE_WEIGHT} * mean(negatives))`.
However many negatives there are, they turn `p` by no more than 14.5 degrees: `cos(q', p) >= 0.968`. Scores are then
cosines with `q'`. The examples themselves are found, or not, as all images are.

**Why**: with `why` each of the first {EXPLAINED} results tells the indexed photo that matched, and has a map of 7 x 7
regions of the query (of its first photo): the cosine of each region, as the network last sees it, with that photo as a
whole. It is a diagnostic for people who wonder about a result, no outline of a thing, and the network looks once more
for it.

**A small product in a large photo**: with `suggest_crops` the answer has up to {MAX_CROPS} `suggested_crops`, parts of
the query (of its first photo) whose regions, pooled, look most like one of the indexed photos that are nearest to the
whole. Send one back as `crop`, with the photo, to search with it alone. They are hints: nothing was taught to point at
products, a part without any has a score, too, and only the centre square that the network sees is looked through.
"""


@router.post(
    "/search",
    summary="Search with a photo",
    description=_SEARCH,
    responses=responses(400, 404, 409, 413, 415, 422, 503),
    openapi_extra=two_bodies("SearchForm", "SearchRequest"),
)
async def search_products(services: Using, request: Request, response: Response) -> SearchAnswer:
    """Search with what /search takes; see `_SEARCH`."""
    body = await read_body(request, _PHOTOS_TIMES * services.max_upload_bytes, repeated=_REPEATED, documents=_DOCUMENTS)
    wanted = validated(SearchRequest, body.fields)
    return await answered(services, response, wanted.search_for(_views(body, wanted)))


@router.post(
    "/identify",
    summary="Which product is it",
    responses=responses(400, 404, 409, 413, 415, 422, 503),
    openapi_extra=two_bodies("SearchForm", "SearchRequest"),
)
async def identify(services: Using, request: Request, response: Response) -> IdentifyAnswer:
    """The answer of /search alone: which product a photo shows, how sure that is, or that it is probably none.

    It takes what /search takes.
    """
    found = await search_products(services, request, response)
    return IdentifyAnswer(query=found.query, answer=found.answer, timing_ms=found.timing_ms, warnings=found.warnings)


@router.post(
    "/search/batch",
    summary="Search with several photos",
    responses=responses(400, 413, 422, 503),
    openapi_extra=two_bodies("BatchForm", "BatchRequest"),
)
async def search_batch(services: Using, request: Request) -> BatchAnswer:
    """Run up to 32 searches; the answer has an outcome for each, in order: its `result`, or its `error`.

    Send the photos as `image`, repeated, in a form whose other fields are for all of them; or in JSON `queries`, each
    as /search takes it. One that fails never fails the others: its `error` is what /search would have answered. A batch
    leaves room for single searches, so that it may take longer than these would.
    """
    body = await read_body(request, _PHOTOS_TIMES * services.max_upload_bytes, repeated=_REPEATED, documents=_DOCUMENTS)
    attempts = [_attempt(query) for query in _queries(body)]
    found = iter(await services.search_batches.search([one for one in attempts if isinstance(one, Search)]))
    results = [next(found) if isinstance(one, Search) else one for one in attempts]
    return BatchAnswer(outcomes=[_outcome(services, request, *numbered) for numbered in enumerate(results)])


def _outcome(
    services: Services, request: Request, index: int, result: Found | LookalikeError | RequestValidationError
) -> BatchFound | BatchFailed:
    if isinstance(result, Found):
        return BatchFound(index=index, result=_shown(services, result))
    return BatchFailed(index=index, error=problem_of(request, result))


def _queries(body: Body) -> list[Callable[[], Search]]:
    """What makes each search of a batch. Raises InvalidRequestError or RequestValidationError for the batch."""
    if not body.photos:
        if "queries" not in body.fields:
            detail = "Send files in `image` (multipart/form-data), or in JSON `queries`, a list of searches."
            raise InvalidRequestError("query_source", detail)
        return [partial(_query, query) for query in validated(_Queries, body.fields).queries]
    photos = body.photos.get("image", ())
    if set(body.photos) - {"image"} or len(photos) > MAX_BATCH:
        detail = f"Send up to {MAX_BATCH} files, each in `image` (multipart/form-data)."
        raise InvalidRequestError("query_source", detail)
    wanted = validated(SearchOptions, body.fields)
    return [partial(_search_for, photo, wanted) for photo in photos]


class _Queries(BaseModel):
    """A batch in JSON, before its searches are looked at one by one."""

    model_config = ConfigDict(extra="forbid")

    queries: list[Any] = Field(min_length=1, max_length=MAX_BATCH)


def _query(fields: Any) -> Search:
    wanted = validated(SearchRequest, fields)
    _check_sources(wanted, photos=False)
    return wanted.search_for(())


def _attempt(make: Callable[[], Search]) -> Search | LookalikeError | RequestValidationError:
    try:
        return make()
    except (LookalikeError, RequestValidationError) as error:
        return error


async def answered(services: Services, response: Response, search: Search) -> SearchAnswer:
    """Run a search and say how long each part took."""
    found = await services.searching.search(search)
    timing = found.timing
    response.headers["Server-Timing"] = (
        f"decode;dur={timing.decode_ms:.1f}, embed;dur={timing.embed_ms:.1f}, search;dur={timing.search_ms:.1f}"
    )
    return _shown(services, found)


def _shown(services: Services, found: Found) -> SearchAnswer:
    return SearchAnswer.of(found, model=services.embedder.card)


def _views(body: Body, wanted: SearchRequest) -> list[bytes]:
    photos: Sequence[Photo] = body.photos.get("image", ())
    if set(body.photos) - {"image"}:
        raise _wrong_sources()
    _check_sources(wanted, photos=bool(photos))
    if len(photos) > MAX_VIEWS:
        detail = (
            f"Send up to {MAX_VIEWS} files in `image`, which are views of one object;"
            " POST /search/batch takes photos of several."
        )
        raise InvalidRequestError("query_source", detail)
    return [bytes_of(photo) for photo in photos]


def _check_sources(wanted: SearchRequest, *, photos: bool) -> None:
    if [photos, wanted.image_id is not None, wanted.image_url is not None].count(True) != 1:
        raise _wrong_sources()


def _wrong_sources() -> InvalidRequestError:
    detail = "Send exactly one of: a file in `image` (multipart/form-data), `image_url`, or `image_id`."
    return InvalidRequestError("query_source", detail)


def _search_for(photo: Photo, wanted: SearchOptions) -> Search:
    return wanted.search([bytes_of(photo)])
