"""/search: which products look like this photo."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from app.api.bodies import Body, Photo, read_body, validated
from app.api.deps import Using
from app.api.problems import problem_of, responses
from app.api.schemas.search import (
    MAX_BATCH,
    BatchAnswer,
    BatchFailed,
    BatchFound,
    SearchAnswer,
    SearchOptions,
    SearchRequest,
)
from app.domain.errors import ImageRejectedError, InvalidRequestError, LookalikeError, Reason
from app.flows.searching import Found, Search
from app.flows.services import Services

router = APIRouter(tags=["Search"])

_DOCUMENTS: Final = frozenset({"filter"})
_REPEATED: Final = frozenset({"label_id"})
_BATCH_TIMES: Final = 5
"""A batch's photos together, in largest photos."""


def _body(form: str, json: str) -> dict[str, Any]:
    """The description of an operation with two kinds of body, by the names of their schemas."""
    return {
        # Said here, since client generators fail on an operation that has two bodies and no optional parameter.
        "parameters": [
            {
                "name": "X-Request-ID",
                "in": "header",
                "required": False,
                "description": "Your own name for this request; it comes back, and stands in the service's log.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": {"$ref": f"#/components/schemas/{form}"}},
                "application/json": {"schema": {"$ref": f"#/components/schemas/{json}"}},
            },
        },
    }


@router.post(
    "/search",
    summary="Search with a photo",
    responses=responses(400, 404, 409, 413, 415, 422, 503),
    openapi_extra=_body("SearchForm", "SearchRequest"),
)
async def search_products(services: Using, request: Request, response: Response) -> SearchAnswer:
    """Find the products, or photos, that look most like a photo.

    Send exactly one of: the photo as `image` in a form; its address as `image_url`, or the id of an indexed image as
    `image_id`, in a form or in JSON. An address that leads nowhere, or to where the service may not go, is answered 422
    `url_not_fetchable`. `label_id` and `filter` narrow the search before it runs; in a form `label_id` may be repeated,
    and `filter` is JSON in a string. The photo is never stored.
    """
    body = await read_body(request, services.max_upload_bytes, repeated=_REPEATED, documents=_DOCUMENTS)
    wanted = validated(SearchRequest, body.fields)
    return await answered(services, response, wanted.search(_photo(body, wanted), wanted.image_url, wanted.image_id))


@router.post(
    "/search/batch",
    summary="Search with several photos",
    responses=responses(400, 413, 422, 503),
    openapi_extra=_body("BatchForm", "BatchRequest"),
)
async def search_batch(services: Using, request: Request) -> BatchAnswer:
    """Run up to 32 searches; the answer has an outcome for each, in order: its `result`, or its `error`.

    Send the photos as `image`, repeated, in a form whose other fields are for all of them; or in JSON `queries`, each
    as /search takes it. One that fails never fails the others: its `error` is what /search would have answered. A batch
    leaves room for single searches, so that it may take longer than these would.
    """
    body = await read_body(request, _BATCH_TIMES * services.max_upload_bytes, repeated=_REPEATED, documents=_DOCUMENTS)
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
    _check_sources(wanted, 0)
    return wanted.search(None, wanted.image_url, wanted.image_id)


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
    return SearchAnswer.of(found, space=services.store.space, model=services.embedder.card)


def _photo(body: Body, wanted: SearchRequest) -> bytes | None:
    photos: Sequence[Photo] = body.photos.get("image", ())
    if set(body.photos) - {"image"}:
        raise _wrong_sources()
    _check_sources(wanted, len(photos))
    return _bytes_of(photos[0]) if photos else None


def _check_sources(wanted: SearchRequest, photo_count: int) -> None:
    named = [source for source in (wanted.image_id, wanted.image_url) if source is not None]
    if photo_count + len(named) != 1:
        raise _wrong_sources()


def _wrong_sources() -> InvalidRequestError:
    detail = "Send exactly one of: a file in `image` (multipart/form-data), `image_url`, or `image_id`."
    return InvalidRequestError("query_source", detail)


def _search_for(photo: Photo, wanted: SearchOptions) -> Search:
    return wanted.search(_bytes_of(photo))


def _bytes_of(photo: Photo) -> bytes:
    if not photo.data:
        raise ImageRejectedError(Reason.UNDECODABLE, "The `image` part is empty; send the photo's bytes.")
    return photo.data
