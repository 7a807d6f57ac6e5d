"""The ledger's port where several processes share a store: this process' own ledger, and summaries that all can read.

The indexer writes its own ledger, and summaries of what it wrote. A job has ended when its summary says so, for callers
of any process: then none of them ever sees it live again, and whoever takes over after a kill never ends it twice.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from app.adapters.ledger.ledger import SqliteLedger
from app.adapters.ledger.mirroring import Mirroring
from app.adapters.ledger.summaries import Summaries, Summary
from app.domain.errors import LookalikeError, NotTheIndexerError, Reason
from app.domain.jobs import (
    LIVE,
    FailedImage,
    HostOutcomes,
    Job,
    JobKind,
    JobRequest,
    JobState,
    Option,
    Outcome,
    PlannedImage,
)
from app.domain.ports import Leadership
from app.domain.records import CatalogueImage

_PATIENCE_S: Final = 2.0
"""How long whoever asks for a job that has just ended waits for its summary."""


class MirroredLedger:
    """See the port. Nothing is written to the ledger but by the indexer."""

    def __init__(self, ledger: SqliteLedger, summaries: Summaries, leadership: Leadership, where: str) -> None:
        """`where` is the address that other processes, and callers, reach this one at."""
        self._ledger = ledger
        self._summaries = summaries
        self._leadership = leadership
        self._mirroring = Mirroring(ledger, summaries, where)
        self._own: set[str] = set()
        """While this process is the indexer: the jobs that its ledger is the truth of."""
        self._leading = False

    async def take_over(self) -> None:
        """Go on with every live job of the store."""
        await self._summaries.claim()
        live = await self._summaries.live()
        jobs = {summary.job.job_id for summary in live}
        ended = {child for summary in live for child in summary.job.children} - jobs
        found = [*live, *await self._summaries.known(ended)]
        await self._ledger.adopt([await self._bounded(summary) for summary in found])
        await self._mirroring.now(jobs)
        self._mirroring.open()
        self._own, self._leading = jobs, True

    async def _bounded(self, summary: Summary) -> Summary:
        """A retry is bounded as the job was that it tries again: which images those were is not known here."""
        origin: Summary | None = summary
        while origin and origin.job.retry_of:
            origin = next(iter(await self._summaries.known([origin.job.retry_of])), None)
        return replace(summary, job=replace(summary.job, limit=origin.job.limit)) if origin else summary

    async def let_go(self) -> None:
        """Leave the jobs to another process."""
        self._leading, self._own = False, set()
        await self._mirroring.close()

    # New jobs: none is acknowledged before every process can find it.

    async def open_index_job(self, request: JobRequest) -> tuple[Job, bool]:
        """A new job for a label, or its live one."""
        self._check_leading()
        job, new = await self._ledger.open_index_job(request)
        await self._make_known(job)
        return job, new

    async def open_index_jobs(self, requests: Sequence[JobRequest]) -> Job:
        """A parent of such jobs."""
        self._check_leading()
        job = await self._ledger.open_index_jobs(requests)
        await self._make_known(job)
        return job

    async def open_job(self, kind: JobKind, options: Mapping[str, Option]) -> tuple[Job, bool]:
        """A new job of another kind than index, or the live one."""
        self._check_leading()
        job, new = await self._ledger.open_job(kind, options)
        await self._make_known(job)
        return job, new

    async def open_retry(self, job_id: str, reasons: Collection[Reason]) -> tuple[Job, bool]:
        """A new job of the images that failed in another."""
        self._check_leading()
        await self._check_has_images(job_id)
        job, new = await self._ledger.open_retry(job_id, reasons)
        await self._make_known(job)
        return job, new

    async def _make_known(self, job: Job) -> None:
        new = [job_id for job_id in (job.job_id, *job.children) if not self._mirroring.is_told(job_id)]
        self._own.update(new)
        try:
            await self._mirroring.now([job.job_id, *new])
        except LookalikeError:
            for job_id in new:
                await self._ledger.cancel(job_id)
            raise

    # The work: the ledger is written, its summaries behind it.

    async def plan(self, job_id: str, first: int, images: Sequence[CatalogueImage]) -> None:
        """Write down images of a job."""
        await self._ledger.plan(job_id, first, images)

    async def planned(self, job_id: str, total: int) -> None:
        """The plan is whole."""
        await self._ledger.planned(job_id, total)
        self._mirroring.soon([job_id])

    async def is_planned(self, job_id: str) -> bool:
        """Whether that was said."""
        return await self._ledger.is_planned(job_id)

    async def pending(self, job_id: str, after: int, count: int) -> list[PlannedImage]:
        """Images without an outcome."""
        return await self._ledger.pending(job_id, after, count)

    async def record(self, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
        """Write jobs' outcomes."""
        await self._ledger.record(outcomes)
        self._mirroring.soon(outcomes)

    async def start(self, job_id: str, remarks: Sequence[str] = ()) -> None:
        """Queued -> running."""
        await self._ledger.start(job_id, remarks)
        self._mirroring.soon([job_id], hurry=True)

    async def finish(self, job_id: str, state: JobState, detail: str | None = None) -> None:
        """End a live job."""
        await self._ledger.finish(job_id, state, detail)
        self._mirroring.soon([job_id], hurry=True)

    async def cancel(self, job_id: str) -> None:
        """End a live job and what is left of it."""
        await self._ledger.cancel(job_id)
        self._mirroring.soon([job_id], hurry=True)

    # What is asked.

    async def job(self, job_id: str) -> Job | None:
        """One job."""
        if job_id not in self._own:
            return next((summary.job for summary in await self._summaries.known([job_id])), None)
        job = await self._ledger.job(job_id)
        if job and job.state not in LIVE and not self._mirroring.has_ended(job_id):
            with suppress(LookalikeError, TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    await self._mirroring.now([job_id])
        return self._shown(job) if job else None

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> list[Job]:
        """Newest first."""
        found = await self._summaries.jobs(before, count)
        own = self._own.intersection(job.job_id for job in found)
        latest = {job.job_id: job for job in await self._ledger.with_parents(own)} if own else {}
        return [self._shown(latest[job.job_id]) if job.job_id in own else job for job in found]

    def _shown(self, job: Job) -> Job:
        if job.state in LIVE or self._mirroring.has_ended(job.job_id):
            return job
        return replace(job, state=JobState.RUNNING, finished_at=None)

    async def failures(
        self, job_id: str, *, reasons: Collection[Reason] = (), after: int = 0, count: int
    ) -> list[FailedImage]:
        """A job's failures by rising `seq`, where they were written down."""
        await self._check_has_images(job_id)
        return await self._ledger.failures(job_id, reasons=reasons, after=after, count=count)

    async def host_outcomes(self, label_id: str) -> list[HostOutcomes]:
        """What became of a label's images in jobs of this process, which is the indexer."""
        self._check_leading()
        return await self._ledger.host_outcomes(label_id)

    async def live(self) -> list[Job]:
        """Queued and running jobs, oldest first."""
        return await self._ledger.live()

    async def live_job(self, label_id: str) -> Job | None:
        """The label's live job."""
        return await (self._ledger if self._leading else self._summaries).live_job(label_id)

    async def ping(self) -> None:
        """Whether this process' own ledger answers."""
        await self._ledger.ping()

    def _check_leading(self) -> None:
        if not self._leading:
            raise NotTheIndexerError(self._leadership.where)

    async def _check_has_images(self, job_id: str) -> None:
        if job_id not in self._own:
            for summary in await self._summaries.known([job_id]):
                if summary.ledger_id != self._ledger.ledger_id:
                    raise NotTheIndexerError(summary.where)
        elsewhere = await self._ledger.kept_at(job_id)
        if elsewhere is not None:
            raise NotTheIndexerError(elsewhere)
