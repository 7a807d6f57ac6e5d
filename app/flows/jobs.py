"""Jobs as callers know them: started by a request, watched, cancelled, tried again; the runner does the work."""

from collections.abc import Collection, Sequence

from app.domain.errors import InvalidRequestError, NotFoundError, Reason
from app.domain.jobs import LIVE, FailedImage, Job, JobMode, JobRequest
from app.domain.ports import Ledger, Store
from app.flows.browsing import Browsing
from app.flows.leading import Leading
from app.flows.running import Pace, Runner


class Jobs:
    """Starts, cancels and shows jobs."""

    def __init__(self, ledger: Ledger, runner: Runner, browsing: Browsing, store: Store, leading: Leading) -> None:
        """`runner` is open while this process is the indexer; `leading` tells whether any is."""
        self._ledger = ledger
        self._runner = runner
        self._browsing = browsing
        self._store = store
        self._leading = leading

    async def start(
        self, label_id: str, *, limit: int | None = None, mode: JobMode = JobMode.RESUME
    ) -> tuple[Job, bool]:
        """A new job for a label, and True; or the one that is live, and False.

        Raises NotFoundError, and InvalidRequestError for a limit that comes with another mode than `resume`.
        """
        if limit is not None and mode is not JobMode.RESUME:
            raise InvalidRequestError("invalid_request", f"limit goes with mode resume only: {mode} takes all images.")
        label = await self._browsing.catalogue_label(label_id)
        await self._store.name_labels({label_id: label.name})
        expected = label.image_count if limit is None else min(limit, label.image_count)
        job, new = await self._ledger.open_index_job(JobRequest(label_id, expected, limit, mode))
        if new:
            self._runner.enqueue(job.job_id)
        return job, new

    async def start_many(self, label_ids: Sequence[str] | None, mode: JobMode = JobMode.RESUME) -> Job:
        """A job whose children are the labels' jobs, live ones linked; None is every label. Raises NotFoundError."""
        known = {browsed.label.label_id: browsed.label for browsed in await self._browsing.labels()}
        wanted = sorted(known) if label_ids is None else list(dict.fromkeys(label_ids))
        for unknown in set(wanted) - set(known):
            await self._browsing.catalogue_label(unknown)  # raises, before any job is started
        await self._store.name_labels({label_id: known[label_id].name for label_id in wanted})
        requests = [JobRequest(label_id, known[label_id].image_count, mode=mode) for label_id in wanted]
        return await self._begun(await self._ledger.open_index_jobs(requests))

    async def retry(self, job_id: str, reasons: Collection[Reason]) -> tuple[Job, bool]:
        """A new job of the images that failed for these reasons, all if none is named; or the label's live job.

        Raises NotFoundError; ConflictError while the job is live, or when nothing failed so.
        """
        job, new = await self._ledger.open_retry(job_id, reasons)
        return (await self._begun(job) if new else job), new

    async def _begun(self, job: Job) -> Job:
        for one in job.children if job.is_parent else (job.job_id,):
            self._runner.enqueue(one)
        return job

    async def cancel(self, job_id: str) -> Job:
        """End a job, and its children; one that has ended stays as it is. Raises NotFoundError."""
        job = await self.job(job_id)
        # From the last to the first, so that none is begun only to be stopped.
        for one in reversed(job.children if job.is_parent else (job_id,)):
            await self._runner.stop(one)
            await self._ledger.cancel(one)
        await self._store.refresh()
        return await self.job(job_id)

    async def job(self, job_id: str) -> Job:
        """One job. Raises NotFoundError."""
        job = await self._ledger.job(job_id)
        if job is None:
            raise NotFoundError("job_not_found", f"There is no job '{job_id}': GET /jobs lists them.")
        return job

    async def live_job(self, label_id: str) -> Job | None:
        """The label's live job."""
        return await self._ledger.live_job(label_id)

    async def failures(
        self, job_id: str, *, reasons: Collection[Reason] = (), after: int = 0, count: int
    ) -> Sequence[FailedImage]:
        """A job's failures, or its children's, by rising `seq` and beyond `after`. Raises NotFoundError."""
        await self.job(job_id)
        return await self._ledger.failures(job_id, reasons=reasons, after=after, count=count)

    def pace(self, job: Job) -> Pace:
        """A running job's rate and time left, where it runs here; and what it waits for."""
        if job.state not in LIVE:
            return Pace()
        return Pace(waiting_for="indexer") if self._leading.is_vacant else self._runner.pace(job)
