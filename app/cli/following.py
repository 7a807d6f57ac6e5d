"""Watching jobs until they end, with a bar on stderr where that is a terminal."""

import time
from collections.abc import Collection, Sequence
from typing import Final

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from app.cli.client import Json, Service, is_live
from app.cli.plain import plain
from app.cli.tables import done
from app.cli.terminal import progress_console

_POLL_S: Final = 0.2


def follow(service: Service, jobs: Sequence[Json], expected: int) -> list[Json]:
    """The same jobs once all have ended. `expected`: how many images they have, as far as is known."""
    latest = {job["job_id"]: job for job in jobs}
    with _bar() as bar:
        task = bar.add_task("Starting", total=expected)
        # One after the other, as the service runs them: many waiting jobs are not asked for again and again.
        for job_id, first in latest.items():
            job = first
            while is_live(job):
                _draw(bar, task, latest.values(), expected)
                time.sleep(_POLL_S)
                latest[job_id] = job = service.job(job_id)
            _draw(bar, task, latest.values(), expected)
    return list(latest.values())


def doing(jobs: Collection[Json]) -> str:
    """What jobs are at, in a word or two."""
    waiting = [job["waiting_for"] for job in jobs if job.get("waiting_for")]
    if waiting:
        return f"Waiting for {plain(waiting[0])}"
    if all(job["state"] == "queued" for job in jobs):
        return "Queued"
    return "Indexing" if any(map(is_live, jobs)) else "Ended"


def total(jobs: Collection[Json], expected: int) -> int:
    """How many images jobs have: a job that has not begun does not know yet, the catalogue does."""
    known: int = sum(job.get("progress", {}).get("total", 0) for job in jobs)
    return max(known, expected) if any(map(is_live, jobs)) else known


def _draw(bar: Progress, task: TaskID, jobs: Collection[Json], expected: int) -> None:
    completed = sum(map(done, jobs))
    bar.update(task, description=doing(jobs), completed=completed, total=total(jobs, expected))


class _Rate(ProgressColumn):
    """Images a second, of late."""

    def render(self, task: Task) -> Text:
        """Nothing until there is something to tell."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.0f} images/s" if speed else "", "cyan")


def _bar() -> Progress:
    console = progress_console()
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TextColumn("eta"),
        TimeRemainingColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
