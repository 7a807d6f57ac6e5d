"""What a verb that started jobs says of them: while they run, and once they have ended."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import typer

from app.cli.client import Json, Service, is_live
from app.cli.errors import CommandError, ExitCode
from app.cli.following import follow
from app.cli.tables import jobs_table, summary
from app.cli.target import Target
from app.cli.terminal import note

_NOT_THROUGH: Final = frozenset({"failed", "cancelled", "interrupted"})


@contextmanager
def telling_what_goes_on(jobs: Sequence[Json]) -> Iterator[None]:
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


def answer_started(target: Target, jobs: Sequence[Json]) -> None:
    """Print jobs that nobody waits for."""
    target.answer(_listed(jobs), jobs_table(jobs))


def answer_ended(service: Service, target: Target, jobs: list[Json], expected: int) -> None:
    """Wait for the end and print what became of jobs. Exit code 1 when one of a label did not get through."""
    jobs[:] = follow(service, jobs, expected)
    wanting = [job for job in _of_labels(service, jobs) if job["state"] != "succeeded"]
    target.answer(_listed(jobs), summary(jobs, wanting))
    if any(job["state"] in _NOT_THROUGH for job in wanting):
        raise typer.Exit(ExitCode.PROBLEM)


def _listed(jobs: Sequence[Json]) -> Json:
    return {"items": list(jobs), "next_cursor": None}


def _of_labels(service: Service, jobs: Sequence[Json]) -> list[Json]:
    """Each label's own job, where something is wanting: a parent does not tell which of its children that is."""
    parents = [job for job in jobs if job.get("children")]
    children = [child for job in parents if job["state"] != "succeeded" for child in job["children"]]
    return [job for job in jobs if not job.get("children")] + [service.job(child) for child in children]
