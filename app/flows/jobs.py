"""Jobs as callers know them: started by a request, watched, cancelled; the runner does the work."""

from collections.abc import Sequence

from app.domain.errors import NotFoundError
from app.domain.jobs import Job
from app.domain.ports import Ledger, Store
from app.flows.browsing import Browsing
from app.flows.running import Pace, Runner


class Jobs:
    """Starts, cancels and shows jobs."""

    def __init__(self, ledger: Ledger, runner: Runner, browsing: Browsing, store: Store) -> None:
        """`runner` is open."""
        self._ledger = ledger
        self._runner = runner
        self._browsing = browsing
        self._store = store

    async def start(self, label_id: str, limit: int | None = None) -> tuple[Job, bool]:
        """A new job for a label, and True; or the one that is live, and False. Raises NotFoundError."""
        label = await self._browsing.catalogue_label(label_id)
        await self._store.name_label(label_id, label.name)
        job, new = await self._ledger.open_index_job(label_id, limit)
        if new:
            self._runner.enqueue(job.job_id)
        return job, new

    async def start_many(self, label_ids: Sequence[str] | None) -> Job:
        """A job whose children are the labels' jobs, live ones linked; None is every label. Raises NotFoundError."""
        known = {browsed.label.label_id for browsed in await self._browsing.labels()}
        wanted = sorted(known) if label_ids is None else list(dict.fromkeys(label_ids))
        for unknown in set(wanted) - known:
            await self._browsing.catalogue_label(unknown)  # raises, before any job is started
        children = [(await self.start(label_id))[0].job_id for label_id in wanted]
        return await self._ledger.open_parent(children)

    async def cancel(self, job_id: str) -> Job:
        """End a job, and its children; one that has ended stays as it is. Raises NotFoundError."""
        job = await self.job(job_id)
        # From the last to the first, so that none is begun only to be stopped.
        for one in reversed(job.children if job.is_parent else (job_id,)):
            await self._runner.stop(one)
            await self._ledger.cancel(one)
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

    def pace(self, job: Job) -> Pace:
        """A running job's rate and time left."""
        return self._runner.pace(job)
