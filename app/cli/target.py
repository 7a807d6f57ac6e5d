"""Which service a verb speaks to, and in which form it prints the answer."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType

from app.cli.client import DEFAULT_URL, Service
from app.cli.terminal import show, show_json

URL_VARIABLE: Final = "LOOKALIKE_URL"

Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help=f"Where the service listens ({URL_VARIABLE}; else {DEFAULT_URL})."),
]
Follows = Annotated[bool, typer.Option("--follow/--no-follow", help="Wait until the jobs have ended.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the service's JSON to stdout, and nothing else.")]


@dataclass(frozen=True, slots=True)
class Target:
    """What `--url` and `--json` say."""

    url: str | None = None
    as_json: bool = False

    def service(self) -> Service:
        """The service: the flag's, the variable's or this machine's own. Raises UsageError."""
        return Service(self.url or os.environ.get(URL_VARIABLE) or DEFAULT_URL)

    def answer(self, found: Mapping[str, Any], *shown: RenderableType) -> None:
        """Print what was found: for machines as it came, for people as it is shown."""
        if self.as_json:
            show_json(found)
        else:
            show(*shown)


def targeted(context: typer.Context, url: str | None, *, as_json: bool) -> Target:
    """The flags of a verb, and where it has none those before the verb."""
    above = context.obj if isinstance(context.obj, Target) else Target()
    return Target(url or above.url, as_json or above.as_json)
