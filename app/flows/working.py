"""A job's life in this process: planned, its images brought, its end."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from app.domain.errors import (
    CatalogueError,
    LookalikeError,
    NotFoundError,
    NotTheIndexerError,
    StoreUnavailableError,
)
from app.domain.jobs import Job, JobMode, JobState, PlannedImage, final_state
from app.domain.ports import Downloads, Ledger, Store
from app.flows.bringing import Bringing
from app.flows.browsing import Browsing
from app.flows.meeting import Meeting
from app.flows.recording import Recorder
from app.flows.run import Run
from app.flows.sweeping import Sweeping
from app.flows.waiting import Waiting

_log = logging.getLogger(__name__)

_PAGE: Final = 128
_BEGUN_AT_ONCE: Final = 8
"""Then others have their turn: a page that begins all at once would hold up whoever asks for something meanwhile."""


class Working:
    """Brings a job to its end. All jobs together have at most `under_way` images at work."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        store: Store,
        browsing: Browsing,
        downloads: Downloads,
        meeting: Meeting,
        bringing: Bringing,
        recorder: Recorder,
        sweeping: Sweeping,
        waiting: Waiting,
        under_way: int,
    ) -> None:
        """The parts of a job's way, in its order."""
        self._ledger = ledger
        self._store = store
        self._browsing = browsing
        self._downloads = downloads
        self._meeting = meeting
        self._bringing = bringing
        self._recorder = recorder
        self._sweeping = sweeping
        self._waiting = waiting
        self._places = asyncio.Semaphore(under_way)

    async def work(self, run: Run) -> None:
        """Bring a job to its end.

        Raises StoreUnavailableError, NotTheIndexerError; called again, it goes on where it was.
        """
        try:
            await self._ledger.start(run.job.job_id)
            await self._plan(run)
            await self._bring_all(run)
            if not run.stop.is_set():
                await self._end(run.job)
        except (CatalogueError, NotFoundError) as error:
            await self._give_up(run.job, JobState.INTERRUPTED, error)
        except (StoreUnavailableError, NotTheIndexerError):
            raise
        except Exception as error:  # noqa: BLE001
            _log.exception("Job %s failed", run.job.job_id)
            await self._give_up(run.job, JobState.FAILED, error)  # a bug ends its job, not the ones behind it

    async def _give_up(self, job: Job, state: JobState, error: Exception) -> None:
        detail = str(error) if isinstance(error, LookalikeError) else "An internal error; see the service's log."
        await self._ledger.finish(job.job_id, state, detail)

    async def _plan(self, run: Run) -> None:
        job = run.job
        if job.label_id is None or await self._ledger.is_planned(job.job_id):
            return
        if job.mode is JobMode.REBUILD:
            await self._store.forgive(job.label_id)
        total = 0
        async for block in self._browsing.catalogue_images(job.label_id):
            wanted = block if job.limit is None else block[: job.limit - total]
            await self._ledger.plan(job.job_id, total, wanted)
            total += len(wanted)
            if run.stop.is_set() or total == job.limit:
                break
        if not run.stop.is_set():
            await self._ledger.planned(job.job_id, total)

    async def _bring_all(self, run: Run) -> None:
        position, remarked = -1, False
        tasks: set[asyncio.Task[None]] = set()
        try:
            while not run.stop.is_set():
                page = await self._ledger.pending(run.job.job_id, position, _PAGE)
                if not page:
                    break
                position = page[-1].position
                if not remarked and any(planned.image.urls for planned in page):
                    await self._ledger.start(run.job.job_id, self._downloads.remarks)
                    remarked = True
                await self._begin(run, page, tasks)
        finally:
            try:
                await _all_ended(tasks)
            finally:
                await self._recorder.flush()  # what is pending is what has no outcome, also when the job goes on

    async def _begin(self, run: Run, page: Sequence[PlannedImage], tasks: set[asyncio.Task[None]]) -> None:
        outcomes, missing = await self._meeting.met(run.job, page)
        await self._recorder.add(run.job.job_id, *outcomes)
        for planned in missing:
            await self._waiting.until_room(run.stop)
            await self._places.acquire()
            if run.stop.is_set():
                self._places.release()
                return
            task = asyncio.create_task(self._bring(run, planned), name="image")
            tasks.add(task)
            task.add_done_callback(lambda ended: tasks.discard(ended) if _went_well(ended) else None)
            if planned.position % _BEGUN_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _bring(self, run: Run, planned: PlannedImage) -> None:
        try:
            outcome = await self._bringing.bring(run, planned)
            run.note(outcome)
            await self._recorder.add(run.job.job_id, outcome)
        finally:
            self._places.release()

    async def _end(self, job: Job) -> None:
        done = await self._ledger.job(job.job_id)
        state = final_state(done.progress if done else job.progress)
        await self._store.refresh()
        await self._sweeping.after(job, state)
        await self._ledger.finish(job.job_id, state)


def _went_well(task: "asyncio.Task[None]") -> bool:
    return task.cancelled() or task.exception() is None


async def _all_ended(tasks: set[asyncio.Task[None]]) -> None:
    """Wait for all; the first error of one is raised, being cut short is none."""
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
