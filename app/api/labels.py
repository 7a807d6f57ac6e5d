"""/labels and /catalogues: what could be indexed, and what reading it found."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query

from app.api.deps import PAGE, CataloguePath, Cursor, LabelPath, Limit, Using, decode_cursor, encode_cursor, page
from app.api.problems import responses
from app.api.schemas.catalogues import BadRecordOut, BadRecordPage, Catalogue, CataloguePage
from app.api.schemas.labels import Label, LabelDetail, LabelPage
from app.flows.browsing import BrowsedLabel

router = APIRouter(tags=["Catalogue"])

Sort = Literal["label_id", "name", "-image_count", "-indexed_count"]

_KEYS: Final[dict[Sort, Callable[[BrowsedLabel], tuple[Any, ...]]]] = {
    "label_id": lambda browsed: (browsed.label.label_id, ""),
    "name": lambda browsed: (browsed.label.name.casefold(), browsed.label.label_id),
    "-image_count": lambda browsed: (-browsed.label.image_count, browsed.label.label_id),
    "-indexed_count": lambda browsed: (-browsed.indexed_count, browsed.label.label_id),
}


@router.get("/labels", summary="Labels of the catalogue", responses=responses(422, 503))
async def list_labels(
    services: Using,
    q: Annotated[str | None, Query(description="Only labels whose id or name holds this.")] = None,
    indexed: Annotated[bool | None, Query(description="Only labels with indexed images, or without.")] = None,
    sort: Annotated[Sort, Query(description="The order; `-` is falling.")] = "label_id",
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> LabelPage:
    """Every label that could be indexed, with how many images it has and how many of them are indexed."""
    after = decode_cursor(cursor, [int, str] if sort.startswith("-") else [str, str])
    labels = [label for label in await services.browsing.labels() if _matches(label, q, indexed)]
    found, next_cursor = page(labels, _KEYS[sort], after, limit)
    return LabelPage(items=[Label.of(label) for label in found], next_cursor=next_cursor)


@router.get("/labels/{label_id}", summary="One label of the catalogue", responses=responses(404, 422, 503))
async def get_label(services: Using, label_id: LabelPath) -> LabelDetail:
    """One label, and what became so far of images at the hosts that most of its images come from.

    An unknown one is answered with up to five near names.
    """
    label = await services.browsing.label(label_id)
    return LabelDetail.of_hosts(label, await services.browsing.hosts(label_id))


@router.get("/catalogues", summary="What reading the catalogues found", responses=responses(422, 503))
async def list_catalogues(services: Using, limit: Limit = PAGE, cursor: Cursor = None) -> CataloguePage:
    """Each catalogue with its counts, and how many records could not be taken as they are, by reason."""
    after = decode_cursor(cursor, [str])
    found, next_cursor = page(await services.browsing.reports(), lambda report: (report.name,), after, limit)
    return CataloguePage(items=[Catalogue.of(report) for report in found], next_cursor=next_cursor)


@router.get(
    "/catalogues/{name}/bad-records",
    summary="Records that could not be taken as they are",
    responses=responses(404, 422, 503),
)
async def list_bad_records(
    services: Using, name: CataloguePath, limit: Limit = PAGE, cursor: Cursor = None
) -> BadRecordPage:
    """Where in a catalogue's files they stand, and what is wrong with them."""
    place = decode_cursor(cursor, [int])
    seen = place[0] if place else 0
    records = await services.browsing.bad_records(name, seen, limit + 1)
    more = encode_cursor((seen + limit,)) if len(records) > limit else None
    return BadRecordPage(items=[BadRecordOut.of(record) for record in records[:limit]], next_cursor=more)


def _matches(browsed: BrowsedLabel, q: str | None, indexed: bool | None) -> bool:  # noqa: FBT001 - as it is asked
    label = browsed.label
    named = not q or q.lower() in label.label_id or q.casefold() in label.name.casefold()
    return named and (indexed is None or indexed == bool(browsed.indexed_count))
