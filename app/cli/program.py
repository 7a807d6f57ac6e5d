"""`lookalike`: the verbs put together, and how each of them ends."""

import sys
from typing import Annotated

import typer

from app import __version__
from app.cli import jobs
from app.cli.catalogue import catalogue
from app.cli.copy_flags import copy
from app.cli.errors import CommandError
from app.cli.evaluate import evaluate
from app.cli.index import index
from app.cli.labels import labels
from app.cli.search import search
from app.cli.serve_flags import serve
from app.cli.status import status
from app.cli.target import AsJson, Url, targeted
from app.cli.terminal import note, tolerate_any_name

_EXIT_CODES = """
Exit codes: 0 fine; 1 the service answered with a problem, is not ready or did not start, or a job failed, was
cancelled or was interrupted; 2 wrong arguments or settings; 3 no Lookalike service answers at --url; 130 Ctrl-C.
"""

application = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # in boxes, a narrow terminal cuts the names of variables short
    epilog=_EXIT_CODES,
)
for verb in (serve, status, catalogue, labels, index, search, evaluate, copy):
    application.command()(verb)
application.add_typer(jobs.application, name="jobs")


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        typer.echo(f"lookalike {__version__}")
        raise typer.Exit


@application.callback()
def _before_the_verb(
    context: typer.Context,
    *,
    url: Url = None,
    as_json: AsJson = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Which products look like this photo?

    `serve` runs the service, `evaluate` tells how good it is, `copy` moves its store; the others ask it.
    """
    context.obj = targeted(context, url, as_json=as_json)


def run() -> None:
    """Run the command line of this process and end it; what can be expected to fail ends in a sentence."""
    tolerate_any_name()
    try:
        application(prog_name="lookalike")
    except CommandError as error:
        for sentence in str(error).splitlines():
            note(f"error: {sentence}")
        sys.exit(error.exit_code)
