"""Watching jobs until they end, with a bar for each stage on stderr where that is a terminal."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from app.cli.client import Json, Service, is_live
from app.cli.plain import plain
from app.cli.tables import done
from app.cli.terminal import progress_console

_POLL_S: Final = 0.25
_ASKED_AT_ONCE: Final = 8
"""Jobs that are asked for in a round: the service takes them in turn, and those behind only wait."""
_STAGES: Final = ("downloaded", "embedded", "indexed")


@dataclass(frozen=True)
class Stage:
    """How far images are: `count` went through, `completed` of `total` need it no more."""

    name: str
    count: int
    completed: int
    total: int


def follow(service: Service, jobs: Sequence[Json], expected: int) -> list[Json]:
    """The same jobs once all have ended. `expected`: how many images they have, as far as is known."""
    latest = {job["job_id"]: job for job in jobs}
    with _bars() as bars:
        rows = {name: bars.add_task(name.capitalize(), total=expected, count=0, note="") for name in _STAGES}
        while live := [job_id for job_id, job in latest.items() if is_live(job)]:
            _draw(bars, rows, latest.values(), expected)
            time.sleep(_POLL_S)
            latest |= {job_id: service.job(job_id) for job_id in live[:_ASKED_AT_ONCE]}
    return list(latest.values())


def stages(jobs: Collection[Json], expected: int) -> list[Stage]:
    """How far jobs are at each stage. Images that were there already go through none."""
    wanted = total(jobs, expected) - _sum(jobs, "already_there")
    # What failed needs no more of any stage, and what shares its bytes with another is not embedded.
    ended = _sum(jobs, "indexed") + _sum(jobs, "failed")
    downloaded = _sum(jobs, "downloaded")
    return [
        Stage("downloaded", downloaded, min(wanted, max(ended, downloaded + _sum(jobs, "failed"))), wanted),
        Stage("embedded", _sum(jobs, "embedded"), ended, wanted),
        Stage("indexed", _sum(jobs, "indexed"), ended, wanted),
    ]


def doing(jobs: Collection[Json]) -> str:
    """What jobs are at, in a word or two; at work it is how fast, and how long they will still take."""
    waiting = [job["waiting_for"] for job in jobs if job.get("waiting_for")]
    if waiting:
        return f"waiting for {plain(waiting[0])}"
    if all(job["state"] == "queued" for job in jobs):
        return "queued"
    rates = [job["rate_images_per_s"] for job in jobs if is_live(job) and job.get("rate_images_per_s")]
    return f"{sum(rates):.0f} images/s" if rates else ""


def time_left(jobs: Collection[Json], left: int) -> str:
    """The service's own word for one job; for several what is left at the rate of all."""
    live = [job for job in jobs if is_live(job)]
    if len(jobs) == 1 and live and live[0].get("eta_s") is not None:
        seconds = live[0]["eta_s"]
    else:
        rate = sum(job.get("rate_images_per_s") or 0 for job in live)
        seconds = left / rate if rate else None
    return "" if seconds is None else f", {timedelta(seconds=round(seconds))} left"


def total(jobs: Collection[Json], expected: int) -> int:
    """How many images jobs have: a job that has not begun may not know yet, the catalogue does."""
    known = _sum(jobs, "total")
    return max(known, expected) if any(map(is_live, jobs)) else known


def _sum(jobs: Collection[Json], name: str) -> int:
    return sum(job.get("progress", {}).get(name, 0) for job in jobs)


def _draw(bars: Progress, rows: dict[str, TaskID], jobs: Collection[Json], expected: int) -> None:
    found = stages(jobs, expected)
    for stage in found:
        bars.update(rows[stage.name], completed=stage.completed, total=stage.total, count=stage.count)
    pace = doing(jobs)
    left = time_left(jobs, total(jobs, expected) - sum(map(done, jobs))) if pace.endswith("/s") else ""
    bars.update(rows[_STAGES[-1]], note=pace + left)


def _bars() -> Progress:
    console = progress_console()
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[count]}/{task.total}", markup=False),
        TextColumn("{task.fields[note]}", markup=False, style="cyan"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
