"""`lookalike evaluate`: its flags. The evaluation itself is in `evaluating` and `asking_a_service`."""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from app.cli.errors import UsageError
from app.cli.target import AsJson, targeted
from app.domain.evaluating.plan import MOST_REPEATS, QUERIES, Plan

_GALLERY: Final = "catalogue"
"""What the service calls the only catalogue that is indexed."""

Place = Annotated[
    Path,
    typer.Argument(metavar="FOLDER|TABLE", help="Labelled photos: a catalogue, as LOOKALIKE_CATALOG names one."),
]
Queries = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER|TABLE", help="Labelled photos that ask; the others are the gallery."),
]
Split = Annotated[
    float | None,
    typer.Option(min=0.01, max=0.99, help="Without --queries: the share of each product's photos that asks (0.2)."),
]
Unknown = Annotated[
    float, typer.Option(min=0, max=0.9, help="The share of the products that is taken out of the gallery.")
]
Unseen = Annotated[
    float,
    typer.Option(
        min=0, max=0.9, help="The share of the products that come after it has learned; only their photos ask."
    ),
]
ByRecentSearches = Annotated[
    bool,
    typer.Option(
        "--by-recent-searches", help="Fit confidences to the scores of a half of the questions; the others ask."
    ),
]
Repeats = Annotated[int, typer.Option(min=1, max=MOST_REPEATS, help="How often, with other chances.")]
ProductFrom = Annotated[
    Literal["auto", "label", "folder", "image"],
    typer.Option(help="What a product is: the product folder or else the label's (folder); the label; ..."),
]
Against = Annotated[
    str | None, typer.Option(metavar="URL", help="A running service: the photos of FOLDER or TABLE ask it.")
]
Reports = Annotated[
    list[Path] | None,
    typer.Option("--report", metavar="FILE", help="Write it as .html, .md or .json, by the file's end; repeatable."),
]


def evaluate(
    context: typer.Context,
    *,
    place: Place,
    queries: Queries = None,
    split: Split = None,
    unknown: Unknown = 0.0,
    unseen: Unseen = 0.0,
    by_recent_searches: ByRecentSearches = False,
    repeats: Repeats = 1,
    product_from: ProductFrom = "folder",
    against: Against = None,
    reports: Reports = None,
    as_json: AsJson = False,
) -> None:
    """Tell how well labelled photos find their products, and how far the answers can be trusted.

    Without --against a service of its own is filled in a temporary folder, with the settings of LOOKALIKE_VIEWS and so
    on, and learns from the gallery; it takes about as long as indexing the photos does. With it, nothing of the service
    changes. The report shows the photos that were mistaken.
    """
    if against and (queries or split or unknown or unseen or by_recent_searches or repeats > 1):
        raise UsageError(
            "--against asks a service as it is, without --queries, --split, --unknown, --unseen, --by-recent-searches"
            " and --repeats."
        )
    if queries and split:
        raise UsageError("--split is for photos that are the gallery, too: with --queries, all of those ask.")
    # As in `serve_flags`: what a service is made of takes a second to load, and other verbs need not.
    from app.cli import evaluating  # noqa: PLC0415

    plan = Plan(QUERIES if queries else _GALLERY, split, None, unknown, repeats, unseen, by_recent_searches)
    wanted = evaluating.Wanted(place, queries, plan, product_from, against)
    evaluating.evaluate(wanted, reports or [], targeted(context, None, as_json=as_json))
