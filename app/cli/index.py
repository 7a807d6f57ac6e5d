"""`lookalike index`: start jobs, watch them, tell what became of them."""

from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from app.cli.client import Json, Service
from app.cli.ending import answer_ended, answer_started, telling_what_goes_on
from app.cli.errors import CommandError, UsageError
from app.cli.target import AsJson, Follows, Url, targeted


def index(
    context: typer.Context,
    *,
    label_ids: Annotated[list[str] | None, typer.Argument(metavar="[LABEL]...", help="Ids of labels.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every label of the catalogue.")] = False,
    mode: Annotated[
        Literal["resume", "sync", "rebuild"] | None,
        typer.Option(
            help="resume (default): what is missing; sync: also titles, prices, and what left the catalogue goes;"
            " rebuild: everything anew."
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many images of each label, in the catalogue's order.")
    ] = None,
    follows: Follows = True,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Index labels of the catalogue.

    Single images that could not be indexed are counted by reason and leave the exit code 0. It is 1 when a label's job
    failed, was cancelled or was interrupted.
    """
    wanted = list(dict.fromkeys(label_ids or ()))
    if every == bool(wanted):
        raise UsageError("Name labels, or say --all for every label.")
    if limit is not None and mode in {"sync", "rebuild"}:
        raise UsageError(f"--limit goes with --mode resume only: {mode} takes all images.")
    target = targeted(context, url, as_json=as_json)
    with target.service() as service:
        labels = service.labels() if every else [service.label(label_id) for label_id in wanted]
        if not labels:
            raise CommandError("The catalogue has no labels: start the service with --catalog PATH.")
        jobs: list[Json] = []
        with telling_what_goes_on(jobs):
            if every and limit is None:
                jobs.append(service.index_all(mode))
            else:
                _start_each(service, jobs, labels, limit, mode)
            if follows:
                answer_ended(service, target, jobs, _images(labels, limit))
            else:
                answer_started(target, jobs)


def _start_each(
    service: Service, jobs: list[Json], labels: Sequence[Json], limit: int | None, mode: str | None
) -> None:
    """Add a job for each label."""
    # One by one: when a later one is refused, those before are known to go on.
    for label in labels:
        jobs.append(service.index(label["label_id"], limit, mode))  # noqa: PERF401 - as above


def _images(labels: Sequence[Json], limit: int | None) -> int:
    counts = [label.get("image_count", 0) for label in labels]
    return sum(counts if limit is None else [min(count, limit) for count in counts])
