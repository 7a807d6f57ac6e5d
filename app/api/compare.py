"""/compare: how alike two photos are."""

from typing import Final

from fastapi import APIRouter, Request, Response

from app.api.bodies import Body, bytes_of, read_body, two_bodies, validated
from app.api.deps import Using
from app.api.problems import responses
from app.api.schemas.compare import COMPARED, CompareAnswer, CompareFields, CompareRequest
from app.domain.errors import InvalidRequestError
from app.flows.querying import Source

router = APIRouter(tags=["Search"])

_REPEATED: Final = frozenset({"image_id", "image_url"})


@router.post(
    "/compare",
    summary="Compare two photos",
    responses=responses(400, 404, 409, 413, 415, 422, 503),
    openapi_extra=two_bodies("CompareForm", "CompareRequest"),
)
async def compare_photos(services: Using, request: Request, response: Response) -> CompareAnswer:
    """Tell how alike two photos are: their cosine, as a search would score it, and how likely they show one product.

    Send exactly two. In a form they are files in `image`, an `image_id` or an `image_url`, each of which may be
    repeated; in JSON `a` and `b` have an `image_id` or an `image_url` each. The order makes no difference, and neither
    photo is stored. `same_product_probability` is fitted with the confidences of answers, and null, with a `reason`, as
    long as nothing was calibrated.
    """
    body = await read_body(request, COMPARED * services.max_upload_bytes, repeated=_REPEATED)
    sources = _of_form(body) if body.is_form else _of_json(body)
    compared = await services.comparing.compare(*sources)
    response.headers["Server-Timing"] = f"decode;dur={compared.decode_ms:.1f}, embed;dur={compared.embed_ms:.1f}"
    return CompareAnswer.of(compared)


def _of_form(body: Body) -> tuple[Source, Source]:
    if set(body.photos) - {"image"}:
        raise _wrong_sources()
    wanted = validated(CompareFields, body.fields)
    photos = [Source((bytes_of(photo),)) for photo in body.photos.get("image", ())]
    by_id = [Source(image_id=image_id) for image_id in wanted.image_id]
    return _two([*photos, *by_id, *(Source(image_url=url) for url in wanted.image_url)])


def _of_json(body: Body) -> tuple[Source, Source]:
    wanted = validated(CompareRequest, body.fields)
    if len(wanted.a.sources) != 1 or len(wanted.b.sources) != 1:
        raise _wrong_sources()
    return _two([*wanted.a.sources, *wanted.b.sources])


def _two(sources: list[Source]) -> tuple[Source, Source]:
    if len(sources) != COMPARED:
        raise _wrong_sources()
    return sources[0], sources[1]


def _wrong_sources() -> InvalidRequestError:
    detail = (
        "Send exactly two photos: in a form files in `image`, an `image_id` or an `image_url`; in JSON"
        ' {"a": {...}, "b": {...}} with one `image_id` or `image_url` each.'
    )
    return InvalidRequestError("query_source", detail)
