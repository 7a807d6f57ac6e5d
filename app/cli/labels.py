"""`lookalike labels`."""

from typing import Annotated

import typer

from app.cli.tables import labels_table
from app.cli.target import AsJson, Url, targeted


def labels(
    context: typer.Context,
    *,
    q: Annotated[
        str | None, typer.Option("--q", metavar="TEXT", help="Only labels whose id or name holds this.")
    ] = None,
    indexed: Annotated[
        bool | None, typer.Option("--indexed/--not-indexed", help="Only labels with indexed images, or without.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List the labels of the catalogue, and how much of each is indexed."""
    target = targeted(context, url, as_json=as_json)
    with target.service() as service:
        found = service.labels(q, indexed=indexed)
    target.answer({"items": found, "next_cursor": None}, labels_table(found))
