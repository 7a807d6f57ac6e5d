"""The runner: takes jobs in turn and brings each to its end.

The ledger has every image and its outcome, so a job goes on after a restart where it was.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.domain.errors import CatalogueError, LookalikeError, NotFoundError, StoreUnavailableError
from app.domain.jobs import LIVE, Job, JobState, PlannedImage, final_state
from app.domain.ports import Ledger
from app.flows.browsing import Browsing
from app.flows.indexing import Indexing

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Run:
    """A job at work in this process."""

    job_id: str
    done_before: int
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a job goes and how long it will still take, as far as this process can tell."""

    rate_images_per_s: float | None = None
    eta_s: float | None = None


class Runner:
    """Runs one job at a time, a few batches of it at once; `batch_size * batches_at_once` images are in memory."""

    def __init__(
        self, ledger: Ledger, indexing: Indexing, browsing: Browsing, *, batch_size: int, batches_at_once: int
    ) -> None:
        """Nothing runs before `open`."""
        self._ledger = ledger
        self._indexing = indexing
        self._browsing = browsing
        self._batch_size = batch_size
        self._batches_at_once = batches_at_once
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._run: _Run | None = None
        self._refused: set[str] = set()
        self._stopping = False
        self._worker: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Go on with the jobs that a restart interrupted, and begin to take new ones."""
        for job in await self._ledger.live():
            self.enqueue(job.job_id)
        self._worker = asyncio.create_task(self._work(), name="jobs")

    def enqueue(self, job_id: str) -> None:
        """Take a job when its turn comes."""
        self._queue.put_nowait(job_id)

    async def stop(self, job_id: str) -> None:
        """Begin nothing more of a job; what is under way is finished and recorded first."""
        self._refused.add(job_id)
        run = self._run
        if run and run.job_id == job_id:
            run.stop.set()
            await run.ended.wait()

    def pace(self, job: Job) -> Pace:
        """A running job's rate and time left."""
        run = self._run
        if not run or run.job_id != job.job_id:
            return Pace()
        rate = (job.progress.done - run.done_before) / max(time.monotonic() - run.started, 1e-3)
        return Pace(rate, (job.progress.total - job.progress.done) / rate if rate > 0 else None)

    async def close(self) -> None:
        """Let what is under way finish; the rest goes on at the next start."""
        self._stopping = True
        if self._run:
            await self.stop(self._run.job_id)
        if self._worker:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            job = await self._ledger.job(await self._queue.get())
            if job and job.state in LIVE and job.job_id not in self._refused and not self._stopping:
                self._run = run = _Run(job.job_id, job.progress.done)
                try:
                    await self._bring_to_its_end(job, run)
                finally:
                    run.ended.set()
                    self._run = None

    async def _bring_to_its_end(self, job: Job, run: _Run) -> None:
        try:
            await self._ledger.start(job.job_id)
            await self._plan(job)
            await self._index_all(job.job_id, run)
            if not run.stop.is_set():
                done = await self._ledger.job(job.job_id)
                await self._ledger.finish(job.job_id, final_state(done.progress if done else job.progress))
        except (CatalogueError, NotFoundError, StoreUnavailableError) as error:
            await self._give_up(job, JobState.INTERRUPTED, error)
        except Exception as error:  # noqa: BLE001
            _log.exception("Job %s failed", job.job_id)
            await self._give_up(job, JobState.FAILED, error)  # a bug ends its job, not the ones behind it

    async def _give_up(self, job: Job, state: JobState, error: Exception) -> None:
        detail = str(error) if isinstance(error, LookalikeError) else "An internal error; see the service's log."
        try:
            await self._ledger.finish(job.job_id, state, detail)
        except StoreUnavailableError:
            _log.warning("Job %s could not be ended: %s It goes on at the next start.", job.job_id, detail)

    async def _plan(self, job: Job) -> None:
        if job.label_id is not None and not await self._ledger.is_planned(job.job_id):
            images = await self._browsing.catalogue_images(job.label_id)
            await self._ledger.plan(job.job_id, images[: job.limit])

    async def _index_all(self, job_id: str, run: _Run) -> None:
        """Several batches at once: while one waits for the disk, another is decoded."""
        position, at_work = -1, set[asyncio.Task[None]]()
        try:
            while not run.stop.is_set():
                batch = await self._ledger.pending(job_id, position, self._batch_size)
                if not batch:
                    break
                position = batch[-1].position
                at_work.add(asyncio.create_task(self._index_batch(job_id, batch)))
                if len(at_work) >= self._batches_at_once:
                    at_work = await _one_less(at_work)
        finally:
            results = await asyncio.gather(*at_work, return_exceptions=True)
        for error in filter(None, results):
            raise error

    async def _index_batch(self, job_id: str, batch: Sequence[PlannedImage]) -> None:
        await self._ledger.record(job_id, await self._indexing.index(job_id, batch))


async def _one_less(tasks: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    return left
