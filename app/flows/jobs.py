"""Jobs: started by a request, run one after the other, ended by nobody but themselves or their caller.

The ledger has every image and its outcome, so a job goes on after a restart where it was.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.domain.errors import CatalogueError, LookalikeError, NotFoundError, StoreUnavailableError
from app.domain.jobs import LIVE, Job, JobState, PlannedImage, final_state
from app.domain.ports import Catalogue, Ledger, Media, Store
from app.domain.records import Origin
from app.flows.browsing import Browsing
from app.flows.indexing import Indexing

_log = logging.getLogger(__name__)

_CANCEL_WAIT_S: Final = 5.0


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


class Jobs:
    """Starts, runs, cancels and shows jobs."""

    def __init__(
        self, ledger: Ledger, indexing: Indexing, browsing: Browsing, catalogue: Catalogue, store: Store, media: Media,
        *, batch_size: int, batches_at_once: int,
    ) -> None:  # fmt: skip
        """At most `batch_size * batches_at_once` images are in memory."""
        self._ledger = ledger
        self._indexing = indexing
        self._browsing = browsing
        self._catalogue = catalogue
        self._store = store
        self._media = media
        self._batch_size = batch_size
        self._batches_at_once = batches_at_once
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._run: _Run | None = None
        self._stopping = False
        self._worker: asyncio.Task[None] | None = None

    # What callers ask for.

    async def start(self, label_id: str, limit: int | None = None) -> tuple[Job, bool]:
        """A new job for a label, and True; or the one that is live, and False. Raises NotFoundError."""
        label = await self._browsing.catalogue_label(label_id)
        await self._store.name_label(label_id, label.name)
        job, new = await self._ledger.open_index_job(label_id, limit)
        if new:
            self._queue.put_nowait(job.job_id)
        return job, new

    async def start_many(self, label_ids: Sequence[str] | None) -> Job:
        """A job whose children are the labels' jobs, live ones linked; None means every label. Raises NotFoundError."""
        if label_ids is None:
            label_ids = [label.label_id for label in await self._catalogue.labels()]
        for label_id in label_ids:
            await self._browsing.catalogue_label(label_id)  # all are known before the first is started
        children = [(await self.start(label_id))[0].job_id for label_id in dict.fromkeys(label_ids)]
        return await self._ledger.open_parent(children)

    async def cancel(self, job_id: str) -> Job:
        """End a job, and its children; one that has ended stays as it is. Raises NotFoundError."""
        job = await self.job(job_id)
        for one in job.children if job.is_parent else (job_id,):
            await self._cancel(one)
        return await self.job(job_id)

    async def _cancel(self, job_id: str) -> None:
        run = self._run
        if run and run.job_id == job_id:
            # What is under way is finished and recorded first, so that ledger and store agree.
            run.stop.set()
            await asyncio.wait_for(run.ended.wait(), _CANCEL_WAIT_S)
        await self._ledger.cancel(job_id)

    async def job(self, job_id: str) -> Job:
        """One job. Raises NotFoundError."""
        job = await self._ledger.job(job_id)
        if job is None:
            raise NotFoundError("job_not_found", f"There is no job '{job_id}': GET /jobs lists them.")
        return job

    def pace(self, job: Job) -> Pace:
        """A running job's rate and time left."""
        run = self._run
        if not run or run.job_id != job.job_id:
            return Pace()
        rate = (job.progress.done - run.done_before) / max(time.monotonic() - run.started, 1e-3)
        return Pace(rate, (job.progress.total - job.progress.done) / rate if rate > 0 else None)

    async def drop_label(self, label_id: str) -> None:
        """Take a label out of the index, its live job cancelled first. Raises NotFoundError."""
        job = await self._ledger.live_job(label_id)
        if job:
            await self._cancel(job.job_id)
        elif await self._store.unindexed([label_id]):
            raise NotFoundError("label_not_indexed", f"Nothing is indexed under '{label_id}'.")
        gone = await self._store.drop_label(label_id)
        await self._media.discard([entry.image_id for entry in gone if entry.origin is Origin.UPLOAD])

    # Running.

    async def open(self) -> None:
        """Go on with the jobs that a restart interrupted, and begin to take new ones."""
        for job in await self._ledger.live():
            self._queue.put_nowait(job.job_id)
        self._worker = asyncio.create_task(self._work(), name="jobs")

    async def close(self) -> None:
        """Let what is under way finish; the rest goes on at the next start."""
        self._stopping = True
        if self._run:
            self._run.stop.set()
            await self._run.ended.wait()
        if self._worker:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            job = await self._ledger.job(await self._queue.get())
            if job and job.state in LIVE and not self._stopping:
                self._run = run = _Run(job.job_id, job.progress.done)
                try:
                    await self._run_to_its_end(job, run)
                finally:
                    run.ended.set()
                    self._run = None

    async def _run_to_its_end(self, job: Job, run: _Run) -> None:
        try:
            await self._ledger.start(job.job_id)
            await self._plan(job)
            await self._index_all(job.job_id, run)
            if not run.stop.is_set():
                done = await self.job(job.job_id)
                await self._ledger.finish(job.job_id, final_state(done.progress))
        except (CatalogueError, NotFoundError, StoreUnavailableError) as error:
            await self._give_up(job, JobState.INTERRUPTED, error)
        except Exception as error:
            _log.exception("Job %s failed", job.job_id)
            await self._give_up(job, JobState.FAILED, error)

    async def _give_up(self, job: Job, state: JobState, error: Exception) -> None:
        detail = str(error) if isinstance(error, LookalikeError) else "An internal error; see the service's log."
        try:
            await self._ledger.finish(job.job_id, state, detail)
        except StoreUnavailableError:
            _log.warning("Job %s could not be ended: %s It goes on at the next start.", job.job_id, detail)

    async def _plan(self, job: Job) -> None:
        if not await self._ledger.is_planned(job.job_id) and job.label_id is not None:
            await self._browsing.catalogue_label(job.label_id)
            images = await self._catalogue.images(job.label_id)
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
