"""`lookalike search`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.client import Json, Service
from app.cli.errors import UsageError
from app.cli.tables import results_table
from app.cli.target import AsJson, Url, targeted
from app.cli.terminal import note


def search(
    context: typer.Context,
    *,
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A photo's file; the service does not keep it.")],
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
    given = {
        "k": k,
        "group_by": group_by,
        "min_score": min_score,
        "crop": crop,
        "exact": exact or None,
        "filter": wanted,
    }
    fields: dict[str, str | list[str]] = {name: str(value) for name, value in given.items() if value is not None}
    if label_ids:
        fields["label_id"] = label_ids
    with target.service() as service:
        found = _searched(service, photo, fields)
    for warning in found.get("warnings", ()):
        note(f"warning: {warning}")
    target.answer(found, results_table(found))


def _searched(service: Service, photo: Path, fields: Mapping[str, str | list[str]]) -> Json:
    try:
        with photo.open("rb") as file:
            return service.search(file, fields)
    except OSError as error:
        raise UsageError(f"{photo} cannot be read: {error.strerror}.") from error
