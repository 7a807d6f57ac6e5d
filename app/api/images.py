"""/images: single indexed images, their files, and what looks like them."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import FileResponse

from app.api.bodies import parse_document
from app.api.deps import CHANGES, ImagePath, Using
from app.api.problems import changing, responses
from app.api.schemas.common import FILTER_EXAMPLE, Exact, GroupBy, K, LabelId, MinScore
from app.api.schemas.images import Image, ImageChanges
from app.api.schemas.search import SearchAnswer
from app.api.search import answered
from app.domain.records import MediaFile
from app.flows.searching import Search

router = APIRouter(tags=["Images"])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": _BINARY, "image/*": _BINARY}, "description": "The file"},
    206: {"description": "The part that `Range` asks for"},
    304: {"description": "`If-None-Match` holds the file's ETag"},
    **responses(404, 422),
    503: {**responses(503)[503], "description": "`media_elsewhere`: another process keeps it; `store_unavailable`"},
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # A photo is only ever a photo, whatever its bytes are made to look like.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-cache",
}


@router.get("/images/{image_id}", summary="One indexed image", responses=responses(404, 422, 503))
async def get_image(services: Using, image_id: ImagePath) -> Image:
    """What is known of it, and where its file is."""
    return Image.of(await services.browsing.image(image_id))


@router.patch(
    "/images/{image_id}",
    summary="Change what is said of an image",
    responses=changing(404, 422),
    dependencies=CHANGES,
)
async def change_image(services: Using, image_id: ImagePath, changes: ImageChanges) -> Image:
    """Give an image another product, title or attributes; nothing is embedded, searches see it at once.

    A later `sync` or `rebuild` of its label says of it again what the catalogue says.
    """
    return Image.of(await services.editing.edit(image_id, changes.edit))


@router.delete(
    "/images/{image_id}",
    summary="Delete an image",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=changing(404, 422),
    dependencies=CHANGES,
)
async def delete_image(services: Using, image_id: ImagePath) -> None:
    """Take an image from the index, under all its labels, and forget its files.

    Jobs pass over it from now on. It comes back when its label is taken out of the index and indexed again.
    """
    await services.editing.delete(image_id)


@router.get(
    "/images/{image_id}/content", summary="An image's file", response_class=FileResponse, responses=_FILE_RESPONSES
)
async def get_image_content(services: Using, request: Request, image_id: ImagePath) -> Response:
    """The file as it was indexed, its type told by its bytes."""
    return _sent(request, await services.browsing.content(image_id))


@router.get(
    "/images/{image_id}/thumbnail",
    summary="An image's thumbnail",
    response_class=FileResponse,
    responses=_FILE_RESPONSES,
)
async def get_image_thumbnail(services: Using, request: Request, image_id: ImagePath) -> Response:
    """A JPEG of at most 256 pixels a side."""
    return _sent(request, await services.browsing.thumbnail(image_id))


@router.get(
    "/images/{image_id}/similar", summary="What looks like an indexed image", responses=responses(404, 409, 422, 503)
)
async def get_similar_images(
    services: Using,
    response: Response,
    image_id: ImagePath,
    label_id: Annotated[list[LabelId] | None, Query(description="Search under these labels only.")] = None,
    k: Annotated[K, Query()] = 10,
    group_by: Annotated[GroupBy, Query()] = "product",
    min_score: Annotated[MinScore, Query()] = None,
    exact: Annotated[Exact, Query()] = False,  # noqa: FBT002 - a query parameter
    wanted: Annotated[
        str | None,
        Query(
            alias="filter",
            description="The filter of a search, as JSON.",
            examples=[json.dumps(FILTER_EXAMPLE)],
        ),
    ] = None,
) -> SearchAnswer:
    """As a search by `image_id`, the image itself left out. `label_id` and `filter` narrow it before it runs."""
    search = Search(
        image_id=image_id,
        label_ids=frozenset(label_id) if label_id else None,
        k=k,
        group_by=group_by,
        min_score=min_score,
        exact=exact,
        filter=None if wanted is None else parse_document(wanted),
        without_itself=True,
    )
    return await answered(services, response, search)


def _sent(request: Request, file: MediaFile) -> Response:
    headers = {**_HEADERS, "ETag": file.etag}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if file.etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return FileResponse(file.path, media_type=file.media_type, headers=headers)
