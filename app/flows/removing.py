"""Taking things out of the index."""

from app.domain.errors import NotFoundError
from app.domain.ports import Media, Store
from app.flows.jobs import Jobs


class Removing:
    """Removes labels."""

    def __init__(self, jobs: Jobs, store: Store, media: Media) -> None:
        """`jobs` are stopped where they would bring back what goes."""
        self._jobs = jobs
        self._store = store
        self._media = media

    async def drop_label(self, label_id: str) -> None:
        """Take a label out of the index, its live job cancelled first. Raises NotFoundError."""
        job = await self._jobs.live_job(label_id)
        if job:
            await self._jobs.cancel(job.job_id)
        elif await self._store.unindexed([label_id]):
            raise NotFoundError("label_not_indexed", f"Nothing is indexed under '{label_id}'.")
        await self._media.discard(await self._store.drop_label(label_id))
