"""/search: which products look like this photo."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from app.api.bodies import Body, Photo, read_body, validated
from app.api.deps import Using
from app.api.problems import responses
from app.api.schemas.search import SearchAnswer, SearchRequest
from app.domain.errors import ImageRejectedError, InvalidRequestError, Reason
from app.domain.imaging import parse_crop
from app.flows.searching import Search
from app.flows.services import Services

router = APIRouter(tags=["Search"])

_BODY: dict[str, Any] = {
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
            "multipart/form-data": {"schema": {"$ref": "#/components/schemas/SearchForm"}},
            "application/json": {"schema": {"$ref": "#/components/schemas/SearchRequest"}},
        },
    },
}


@router.post(
    "/search",
    summary="Search with a photo",
    responses=responses(400, 404, 409, 413, 415, 422, 503),
    openapi_extra=_BODY,
)
async def search_products(services: Using, request: Request, response: Response) -> SearchAnswer:
    """Find the products, or photos, that look most like a photo.

    Send exactly one of: the photo as `image` in a form; its address as `image_url`, or the id of an indexed image as
    `image_id`, in a form or in JSON. An address that leads nowhere, or to where the service may not go, is answered 422
    `url_not_fetchable`. `label_id` narrows the search before it runs; in a form it may be repeated. The photo is never
    stored.
    """
    body = await read_body(request, services.max_upload_bytes, repeated=frozenset({"label_id"}))
    wanted = validated(SearchRequest, body.fields)
    search = Search(
        photo=_photo(body, wanted),
        image_id=wanted.image_id,
        image_url=wanted.image_url,
        label_ids=wanted.label_ids,
        k=wanted.k,
        group_by=wanted.group_by,
        min_score=wanted.min_score,
        crop=parse_crop(wanted.crop) if wanted.crop is not None else None,
        exact=wanted.exact,
    )
    return await answered(services, response, search)


async def answered(services: Services, response: Response, search: Search) -> SearchAnswer:
    """Run a search and say how long each part took."""
    found = await services.searching.search(search)
    timing = found.timing
    response.headers["Server-Timing"] = (
        f"decode;dur={timing.decode_ms:.1f}, embed;dur={timing.embed_ms:.1f}, search;dur={timing.search_ms:.1f}"
    )
    return SearchAnswer.of(found, search, space=services.store.space, model=services.embedder.card)


def _photo(body: Body, wanted: SearchRequest) -> bytes | None:
    photos: Sequence[Photo] = body.photos.get("image", ())
    named = [source for source in (wanted.image_id, wanted.image_url) if source is not None]
    if len(photos) + len(named) != 1 or set(body.photos) - {"image"}:
        detail = "Send exactly one of: a file in `image` (multipart/form-data), `image_url`, or `image_id`."
        raise InvalidRequestError("query_source", detail)
    if photos and not photos[0].data:
        raise ImageRejectedError(Reason.UNDECODABLE, "The `image` part is empty; send the photo's bytes.")
    return photos[0].data if photos else None
