"""/index/{label_id}/duplicates: photos that are in the index more than once."""

from fastapi import APIRouter

from app.api.deps import PAGE, Cursor, LabelPath, Limit, Using, decode_cursor, encode_cursor
from app.api.problems import responses
from app.api.schemas.duplicates import DuplicatePage, DuplicatesOfImage
from app.domain.duplicates import MAX_HASH_DISTANCE, MIN_COSINE
from app.flows.duplicates import MOST_LOOKED_AT

router = APIRouter(tags=["Index"])

_DUPLICATES = f"""The label's images, by rising `image_id`, that are in the index once more, with the others.

`same_bytes` is one file under two ids; `near_identical` a photo that was encoded again, resized or cut a little: a
cosine of at least {MIN_COSINE}, and perceptual hashes that differ in at most {MAX_HASH_DISTANCE} of 64 bits. Of
copies of real photos that finds all that were encoded again or cut by a hundredth on each side, 94 of 100 shrunk to 256
pixels, and 96 of 100 cut by a fortieth; two photos of one product in one pose may be among them. The others may be
under any label, and two images of this one stand at each other. Where they are of different products, or have no label
in common, it is `label_noise`.

A page looks at up to {MOST_LOOKED_AT} images, so it may hold fewer than `limit`, or none: only a `next_cursor` of null
is the end. Images of another model or setting are passed over.
"""


@router.get(
    "/index/{label_id}/duplicates",
    summary="Photos that are there more than once",
    description=_DUPLICATES,
    responses=responses(404, 422, 503),
)
async def list_duplicates(
    services: Using, label_id: LabelPath, limit: Limit = PAGE, cursor: Cursor = None
) -> DuplicatePage:
    """See `_DUPLICATES`."""
    (after,) = decode_cursor(cursor, [str]) or ("",)
    found = await services.duplicates.page(label_id, after, limit)
    next_cursor = None if found.looked_up_to is None else encode_cursor([found.looked_up_to])
    return DuplicatePage(items=[DuplicatesOfImage.of(each) for each in found.items], next_cursor=next_cursor)
