"""`lookalike index`: start jobs, watch them, tell what became of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Final

import typer

from app.cli.client import Json, Service, is_live
from app.cli.errors import CommandError, ExitCode, UsageError
from app.cli.following import follow
from app.cli.tables import jobs_table, summary
from app.cli.target import AsJson, Target, Url, targeted
from app.cli.terminal import note

_NOT_THROUGH: Final = frozenset({"failed", "cancelled", "interrupted"})


def index(
    context: typer.Context,
    *,
    label_ids: Annotated[list[str] | None, typer.Argument(metavar="[LABEL]...", help="Ids of labels.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every label of the catalogue.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many images of each label, in the catalogue's order.")
    ] = None,
    follows: Annotated[bool, typer.Option("--follow/--no-follow", help="Wait until the jobs have ended.")] = True,
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
    target = targeted(context, url, as_json=as_json)
    with target.service() as service:
        labels = service.labels() if every else [service.label(label_id) for label_id in wanted]
        if not labels:
            raise CommandError("The catalogue has no labels: start the service with --catalog FOLDER.")
        jobs: list[Json] = []
        with _telling_what_goes_on(jobs):
            _start(service, jobs, labels, whole=every and limit is None, limit=limit)
            if follows:
                jobs[:] = follow(service, jobs, _images(labels, limit))
        _answer(service, target, jobs, ended=follows)


def _start(service: Service, jobs: list[Json], labels: Sequence[Json], *, whole: bool, limit: int | None) -> None:
    """Add a job for each label, or one for the whole catalogue."""
    if whole:
        jobs.append(service.index_all())
        return
    # One by one: when a later one is refused, those before are known to go on.
    for label in labels:
        jobs.append(service.index(label["label_id"], limit))  # noqa: PERF401 - as above


def _images(labels: Sequence[Json], limit: int | None) -> int:
    counts = [label.get("image_count", 0) for label in labels]
    return sum(counts if limit is None else [min(count, limit) for count in counts])


@contextmanager
def _telling_what_goes_on(jobs: Sequence[Json]) -> Iterator[None]:
    """Leaving early ends the watching, not the jobs: say so."""
    try:
        yield
    except (KeyboardInterrupt, CommandError) as error:
        live = [job["job_id"] for job in jobs if is_live(job)]
        if live:
            goes_on = "goes on" if len(live) == 1 else "go on"
            note(f"{', '.join(live)} {goes_on}. Watch with `lookalike jobs`, end with `lookalike jobs cancel ID`.")
        if isinstance(error, KeyboardInterrupt):
            raise typer.Exit(ExitCode.INTERRUPTED) from error
        raise


def _answer(service: Service, target: Target, jobs: Sequence[Json], *, ended: bool) -> None:
    found = {"items": list(jobs), "next_cursor": None}
    if not ended:
        target.answer(found, jobs_table(jobs))
        return
    wanting = [job for job in _of_labels(service, jobs) if job["state"] != "succeeded"]
    target.answer(found, summary(jobs, wanting))
    if any(job["state"] in _NOT_THROUGH for job in wanting):
        raise typer.Exit(ExitCode.PROBLEM)


def _of_labels(service: Service, jobs: Sequence[Json]) -> list[Json]:
    """Each label's own job, where something is wanting: a parent does not tell which of its children that is."""
    parents = [job for job in jobs if job.get("children")]
    children = [child for job in parents if job["state"] != "succeeded" for child in job["children"]]
    return [job for job in jobs if not job.get("children")] + [service.job(child) for child in children]
