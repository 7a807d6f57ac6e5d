"""`lookalike serve`: flags -> settings. The service itself is in `serve`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Catalog = Annotated[
    Path | None,
    typer.Option(help="Folder of photos, file or folder of an iMaterialist data set, or table (LOOKALIKE_CATALOG)."),
]
Catalogs = Annotated[
    Path | None, typer.Option(help="TOML file that names several catalogues instead (LOOKALIKE_CATALOGS).")
]
Keep = Annotated[
    Literal["original", "thumbnail", "none"] | None,
    typer.Option(help="What is kept of a downloaded photo (LOOKALIKE_KEEP; else original)."),
]


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on (LOOKALIKE_HOST; else 127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on, 0 for a free one (LOOKALIKE_PORT; else 8000).")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder for all that is kept (LOOKALIKE_DATA_DIR; else ./data).")
    ] = None,
    catalog: Catalog = None,
    catalogs: Catalogs = None,
    keep: Keep = None,
    store: Annotated[str | None, typer.Option(help="Where vectors live (LOOKALIKE_STORE; else embedded).")] = None,
    model: Annotated[
        Path | None, typer.Option(help="The network's file (LOOKALIKE_MODEL; else the one that comes along).")
    ] = None,
    views: Annotated[
        int | None,
        typer.Option(help="Crops of a photo that are embedded; 2: more accurate, slower (LOOKALIKE_VIEWS; else 1)."),
    ] = None,
    colour_weight: Annotated[
        float | None, typer.Option(help="Weight of colour beside the network (LOOKALIKE_COLOUR_WEIGHT; else 0.25).")
    ] = None,
    product_from: Annotated[
        Literal["auto", "label", "folder", "image"] | None,
        typer.Option(help="What a product is (LOOKALIKE_PRODUCT_FROM; else auto)."),
    ] = None,
    insecure: Annotated[
        bool | None,
        typer.Option("--insecure/--no-insecure", help="Listen beyond loopback without a key (LOOKALIKE_INSECURE)."),
    ] = None,
    access_log: Annotated[
        bool | None,
        typer.Option("--access-log/--no-access-log", help="Write a line for each request (LOOKALIKE_ACCESS_LOG)."),
    ] = None,
) -> None:
    """Run the service until Ctrl-C. Jobs that are under way go on at the next start.

    A flag goes before its variable. Exit code 0 after Ctrl-C or SIGTERM, 1 when it cannot start, 2 for wrong settings.
    """
    flags = {
        "host": host, "port": port, "data_dir": data_dir, "catalog": catalog, "catalogs": catalogs,
        "keep": keep, "store": store, "model": model, "views": views, "colour_weight": colour_weight,
        "product_from": product_from, "insecure": insecure, "access_log": access_log,
    }  # fmt: skip
    # The one import inside a function: the service takes over a second to load, and verbs that only ask it need not.
    from app.cli import serve as service  # noqa: PLC0415

    service.serve(service.settings_from({name: value for name, value in flags.items() if value is not None}))
