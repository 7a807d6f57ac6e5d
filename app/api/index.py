"""/index: what can be found, and making it so."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response, status

from app.api.bodies import Photo, read_body, validated
from app.api.deps import CHANGES, PAGE, Cursor, LabelPath, Limit, Using, decode_cursor, page
from app.api.jobs import begun
from app.api.problems import changing, responses
from app.api.schemas.common import parse_attributes
from app.api.schemas.images import Image
from app.api.schemas.jobs import JobOut
from app.api.schemas.labels import Index, IndexManyOptions, IndexOptions, IndexPage, UploadFields
from app.domain.errors import ImageRejectedError, InvalidRequestError, Reason
from app.domain.naming import printable
from app.domain.records import LabelIndex
from app.flows.services import Services
from app.flows.uploading import Upload

router = APIRouter(tags=["Index"])

_MAX_NAME = 255


@router.get("/index", summary="What is indexed", responses=responses(422, 503))
async def list_indexes(services: Using, limit: Limit = PAGE, cursor: Cursor = None) -> IndexPage:
    """Every label with indexed images."""
    after = decode_cursor(cursor, [str])
    indexes = await services.browsing.indexes()
    found, next_cursor = page(indexes, lambda index: (index.label_id,), after, limit)
    return IndexPage(items=[await _shown(services, index) for index in found], next_cursor=next_cursor)


@router.get("/index/{label_id}", summary="What is indexed under a label", responses=responses(404, 422, 503))
async def get_index(services: Using, label_id: LabelPath) -> Index:
    """How many images and products, how large, in which space, and whether a job is at work on it."""
    return await _shown(services, await services.browsing.index(label_id))


@router.post(
    "/index/{label_id}",
    summary="Index a label",
    status_code=status.HTTP_202_ACCEPTED,
    responses={200: {"model": JobOut, "description": "The label's job is live already"}, **changing(404, 422)},
    dependencies=CHANGES,
)
async def index_label(
    services: Using, response: Response, label_id: LabelPath, options: Annotated[IndexOptions | None, Body()] = None
) -> JobOut:
    """Start a job that indexes the label's images; `Location` is where to watch it.

    `resume`, the default, indexes what is missing, of the label's first images where there is a `limit`; `sync` also
    brings titles, prices and products up to date without embedding, and removes what left the catalogue; `rebuild`
    fetches and embeds everything again, in place, and removes what is not found any more.
    """
    wanted = options or IndexOptions()
    return begun(services, response, *await services.jobs.start(label_id, limit=wanted.limit, mode=wanted.mode))


@router.post(
    "/index",
    summary="Index many labels, or all",
    status_code=status.HTTP_202_ACCEPTED,
    responses=changing(404, 422),
    dependencies=CHANGES,
)
async def index_many(services: Using, response: Response, options: IndexManyOptions) -> JobOut:
    """Start a job for each label, and one whose `children` they are. A label whose job is live keeps that."""
    if options.all == (options.label_ids is not None):
        raise InvalidRequestError("invalid_request", 'Send either {"label_ids": [...]} or {"all": true}.')
    return begun(services, response, await services.jobs.start_many(options.label_ids, options.mode))


@router.delete(
    "/index/{label_id}",
    summary="Take a label out of the index",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=changing(404, 422),
    dependencies=CHANGES,
)
async def delete_index(services: Using, label_id: LabelPath) -> None:
    """From the answer on no search shows the label's images. One that has other labels stays under those."""
    await services.removing.drop_label(label_id)


@router.post(
    "/index/{label_id}/images",
    summary="Add an own image",
    status_code=status.HTTP_201_CREATED,
    responses={
        200: {"model": Image, "description": "The same bytes were there; the label was added"},
        **changing(400, 413, 415, 422),
    },
    dependencies=CHANGES,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/UploadForm"}}},
        }
    },
)
async def add_image(services: Using, request: Request, response: Response, label_id: LabelPath) -> Image:
    """Index one image that the caller sends. The label is made if need be, and the image is kept."""
    body = await read_body(request, services.max_upload_bytes)
    form = validated(UploadFields, dict(body.fields))
    photo = _the_image(body.photos.get("image", ()))
    entry, new = await services.uploading.add(
        Upload(
            label_id=label_id,
            data=photo.data,
            name=printable(photo.name)[:_MAX_NAME],
            product_id=form.product_id,
            title=form.title,
            attributes=parse_attributes(form.attributes),
        )
    )
    if not new:
        response.status_code = status.HTTP_200_OK
    response.headers["Location"] = f"/images/{entry.image_id}"
    return Image.of(entry)


async def _shown(services: Services, index: LabelIndex) -> Index:
    return Index.of(
        index,
        space=services.store.space,
        model=services.embedder.card,
        method=services.store.method,
        job=await services.jobs.live_job(index.label_id),
    )


def _the_image(photos: Sequence[Photo]) -> Photo:
    if len(photos) != 1:
        raise InvalidRequestError("query_source", "Send multipart/form-data with exactly one file in `image`.")
    if not photos[0].data:
        raise ImageRejectedError(Reason.UNDECODABLE, "The `image` part is empty; send the file's bytes.")
    return photos[0]
