"""The runner: takes jobs in turn, a few at once, and brings each to its end.

The ledger has every image and its outcome, so a job goes on after a restart where it was.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.errors import NotTheIndexerError, StoreUnavailableError
from app.domain.jobs import LIVE, Job, JobKind, Option
from app.domain.ports import Ledger
from app.flows.run import Run
from app.flows.waiting import Waiting, WaitsFor

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a job goes, how long it will still take, what it waits for: as far as this process can tell.

    `fetched_ahead` photos are fetched, and have no outcome yet.
    """

    rate_images_per_s: float | None = None
    eta_s: float | None = None
    waiting_for: WaitsFor | None = None
    fetched_ahead: int = 0


class Work(Protocol):
    """What brings jobs of a kind to their end."""

    async def work(self, run: Run) -> None:
        """Go on with a job, from its beginning or after a restart. Raises StoreUnavailableError, NotTheIndexerError."""


class Part(Protocol):
    """What works for running jobs."""

    def open(self) -> None:
        """Begin, with nothing left of a time before."""

    async def close(self) -> None:
        """End."""


class Runner:
    """Runs up to `jobs_at_once` jobs: while one waits for its slowest host, others go on."""

    def __init__(
        self,
        ledger: Ledger,
        works: Mapping[JobKind, Work],
        waiting: Waiting,
        *,
        jobs_at_once: int,
        parts: Sequence[Part] = (),
    ) -> None:
        """Nothing runs before `open`. `parts` are open whenever jobs run."""
        self._ledger = ledger
        self._works = works
        self._waiting = waiting
        self._jobs_at_once = jobs_at_once
        self._parts = parts
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._runs: dict[str, Run] = {}
        self._refused: set[str] = set()
        self._stopping = False
        self._workers: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Go on with the jobs that are live, and begin to take new ones; after `close` as at the first time."""
        live = await self._ledger.live()
        self._queue = asyncio.Queue()
        self._refused.clear()
        self._stopping = False
        self._waiting.open()
        for part in self._parts:
            part.open()
        for job in live:
            self.enqueue(job.job_id)
        self._workers = [asyncio.create_task(self._work(), name="jobs") for _ in range(self._jobs_at_once)]

    async def begin(self, kind: JobKind, options: Mapping[str, Option]) -> tuple[Job, bool]:
        """A new job of no label, and True; or the live one of its kind, and False."""
        job, new = await self._ledger.open_job(kind, options)
        if new:
            self.enqueue(job.job_id)
        return job, new

    def enqueue(self, job_id: str) -> None:
        """Take a job when its turn comes."""
        self._queue.put_nowait(job_id)

    async def stop(self, job_id: str) -> None:
        """Begin nothing more of a job; what is being fetched is given up, what is at hand is finished and recorded."""
        self._refused.add(job_id)
        run = self._runs.get(job_id)
        if run:
            run.halt()
            await run.ended.wait()

    def pace(self, job: Job) -> Pace:
        """The pace of a running job, or of a parent by its children."""
        runs = [run for job_id in (job.job_id, *job.children) if (run := self._runs.get(job_id))]
        if not runs:
            return Pace()
        rate = sum(run.rate() for run in runs)
        left = job.progress.total - job.progress.done
        return Pace(
            rate_images_per_s=rate,
            eta_s=left / rate if rate > 0 else None,
            waiting_for=self._waiting.now,
            fetched_ahead=sum(run.fetched_ahead for run in runs),
        )

    async def close(self) -> None:
        """Let what is at hand finish; the rest goes on when it is opened again, here or in another process."""
        self._stopping = True
        self._waiting.close()
        await asyncio.gather(*(self.stop(job_id) for job_id in list(self._runs)))
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._workers = []
        for part in reversed(self._parts):
            await part.close()

    async def _work(self) -> None:
        while True:
            job = await self._waiting.until_there(self._next)
            if job and self._is_wanted(job):
                run = self._runs[job.job_id] = Run(job)
                try:
                    await self._bring_to_its_end(run)
                finally:
                    del self._runs[job.job_id]
                    run.ended.set()

    async def _bring_to_its_end(self, run: Run) -> None:
        try:
            await self._waiting.until_there(lambda: self._works[run.job.kind].work(run))
        except StoreUnavailableError:
            _log.warning("Job %s stops where it is, and goes on at the next start.", run.job.job_id)
        except NotTheIndexerError:
            _log.warning("Job %s is left to the process that is the indexer now.", run.job.job_id)

    def _is_wanted(self, job: Job) -> bool:
        # A linked job is enqueued once more by its new parent.
        at_rest = job.job_id not in self._runs and job.job_id not in self._refused
        return job.state in LIVE and at_rest and not self._stopping

    async def _next(self) -> Job | None:
        return await self._ledger.job(await self._queue.get())
