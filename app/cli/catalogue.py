"""`lookalike catalogue`."""

from typing import Annotated

import typer

from app.cli.client import Json, Service
from app.cli.errors import CommandError, UsageError
from app.cli.tables import bad_records_table, catalogue_cards, more_of
from app.cli.target import AsJson, Target, Url, targeted


def catalogue(
    context: typer.Context,
    *,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A catalogue's name, where there are several.")
    ] = None,
    bad: Annotated[bool, typer.Option("--bad", help="List the records that could not be taken as they are.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many of them.")] = 50,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Tell what reading the catalogue found: its counts, and its bad records by reason, or with --bad one by one."""
    target = targeted(context, url, as_json=as_json)
    with target.service() as service:
        found = [one for one in service.catalogues() if name in {None, one.get("name")}]
        if not found:
            raise CommandError(f"There is no catalogue '{name}'." if name else "The service has no catalogue.")
        if bad:
            _show_bad_records(service, target, found, limit)
            return
    target.answer({"items": found, "next_cursor": None}, catalogue_cards(found))


def _show_bad_records(service: Service, target: Target, found: list[Json], limit: int) -> None:
    if len(found) > 1:
        names = ", ".join(str(one.get("name")) for one in found)
        raise UsageError(f"There are several catalogues: name one of {names}.")
    records = service.bad_records(found[0]["name"], limit)
    target.answer(records, bad_records_table(records["items"]), *more_of(records))
