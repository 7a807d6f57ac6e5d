"""`lookalike search`."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import typer

from app.cli.client import Json, Service
from app.cli.errors import UsageError
from app.cli.tables import results_table
from app.cli.target import AsJson, Url, targeted
from app.cli.terminal import note


def search(
    context: typer.Context,
    *,
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO...", help="A photo's file, or up to 5 of one object; the service keeps none."),
    ],
    label_ids: Annotated[
        list[str] | None, typer.Option("--label", metavar="LABEL", help="Search under this label only; repeatable.")
    ] = None,
    k: Annotated[int | None, typer.Option("--k", help="How many results (1 to 100; 10 unless given).")] = None,
    group_by: Annotated[
        Literal["product", "image"] | None, typer.Option(help="One result for each product (default), or each photo.")
    ] = None,
    min_score: Annotated[float | None, typer.Option(help="Only results that score at least this (-1 to 1).")] = None,
    crop: Annotated[
        str | None,
        typer.Option(metavar="BOX", help="A part of the photo: x_min,y_min,x_max,y_max, shares from 0 to 1."),
    ] = None,
    like: Annotated[
        list[str] | None, typer.Option(metavar="IMAGE_ID", help="An indexed image like what is meant; repeatable.")
    ] = None,
    unlike: Annotated[
        list[str] | None, typer.Option(metavar="IMAGE_ID", help="An indexed image unlike it; repeatable.")
    ] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Compare with every entry.")] = False,
    wanted: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="JSON",
            help='Conditions on attributes that the catalogue declares, such as \'{"lt": {"price": 20}}\'.',
        ),
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Find the products, or photos, that look most like a photo."""
    target = targeted(context, url, as_json=as_json)
    given = {"k": k, "group_by": group_by, "min_score": min_score, "crop": crop, "exact": exact or None}
    lists = {"label_id": label_ids, "positive_image_ids": like, "negative_image_ids": unlike}
    fields = _fields({**given, "filter": wanted}, lists)
    with target.service() as service:
        found = _searched(service, photos, fields)
    for warning in found.get("warnings", ()):
        note(f"warning: {warning}")
    target.answer(found, results_table(found))


def _fields(given: Mapping[str, object], lists: Mapping[str, list[str] | None]) -> dict[str, str | list[str]]:
    """The form, without what nothing was said of."""
    said = {name: str(value) for name, value in given.items() if value is not None}
    return {**said, **{name: values for name, values in lists.items() if values}}


def _searched(service: Service, photos: Sequence[Path], fields: Mapping[str, str | list[str]]) -> Json:
    with ExitStack() as stack:
        return service.search([_opened(photo, stack) for photo in photos], fields)


def _opened(photo: Path, stack: ExitStack) -> BinaryIO:
    try:
        return stack.enter_context(photo.open("rb"))
    except OSError as error:
        raise UsageError(f"{photo} cannot be read: {error.strerror}.") from error
