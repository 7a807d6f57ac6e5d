"""/labels: what could be indexed."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from app.api.deps import PAGE, Cursor, LabelPath, Limit, Using, decode_cursor, page
from app.api.problems import responses
from app.api.schemas.labels import Label, LabelPage
from app.flows.browsing import BrowsedLabel

router = APIRouter(tags=["Catalogue"])

Sort = Literal["label_id", "name", "-image_count", "-indexed_count"]


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
    labels = [label for label in await services.browsing.labels() if _matches(label, q, indexed)]
    after = decode_cursor(cursor, [int, str] if sort.startswith("-") else [str, str])
    found, next_cursor = page(labels, lambda label: _key(label, sort), after, limit)
    return LabelPage(items=[Label.of(label) for label in found], next_cursor=next_cursor)


@router.get("/labels/{label_id}", summary="One label of the catalogue", responses=responses(404, 422, 503))
async def get_label(services: Using, label_id: LabelPath) -> Label:
    """One label. An unknown one is answered with up to five near names."""
    return Label.of(await services.browsing.label(label_id))


def _matches(browsed: BrowsedLabel, q: str | None, indexed: bool | None) -> bool:  # noqa: FBT001 - as it is asked
    label = browsed.label
    named = not q or q.lower() in label.label_id or q.casefold() in label.name.casefold()
    return named and (indexed is None or indexed == bool(browsed.indexed_count))


def _key(browsed: BrowsedLabel, sort: Sort) -> tuple[Any, ...]:
    label = browsed.label
    keys = {
        "label_id": label.label_id,
        "name": label.name.casefold(),
        "-image_count": -label.image_count,
        "-indexed_count": -browsed.indexed_count,
    }
    return keys[sort], label.label_id
