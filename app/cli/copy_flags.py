"""`lookalike copy`: its flags. The copying itself is in `copying`."""

from typing import Annotated

import typer

from app.cli.target import AsJson, targeted

_STORES = "embedded:DATA_DIR or elasticsearch[+https]://host:port"


def copy(
    context: typer.Context,
    *,
    source: Annotated[str, typer.Option("--from", metavar="STORE", help=f"What is copied: {_STORES}.")],
    target: Annotated[str, typer.Option("--to", metavar="STORE", help="Where to, written likewise.")],
    as_json: AsJson = False,
) -> None:
    """Copy a store: entries with their features, labels, deletions. No photo is fetched or embedded again.

    Stop the service first: nothing may change the source meanwhile, and an embedded one must not be in use. What the
    target has besides stays. Kept photos are files, and stay in their folder. The same call again goes on after one
    that was interrupted. A cluster is asked with LOOKALIKE_STORE_API_KEY, LOOKALIKE_STORE_NAMESPACE and so on, as by
    the service; where the source's differ, set LOOKALIKE_FROM_STORE_API_KEY, _USER, _PASSWORD, _CA_FILE, _NAMESPACE.

    Exit code 1 when it could not be done, or the target refused an entry; 2 for wrong arguments or settings.
    """
    # As in `serve_flags`: what it takes to open a store takes a second to load, and other verbs need not.
    from app.cli import copying  # noqa: PLC0415

    copying.copy(source, target, targeted(context, None, as_json=as_json))
