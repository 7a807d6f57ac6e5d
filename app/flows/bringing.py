"""One image of a job -> its outcome: its file, or its addresses in order until one serves it."""

import asyncio
from dataclasses import replace

from app.domain.downloads import NotFetched
from app.domain.jobs import AlreadyThere, Failed, Indexed, JobMode, Outcome, PlannedImage, Tried
from app.domain.ports import Downloads, Store
from app.flows.batching import Arrived, Rejected, Stage, Taken
from app.flows.run import Run


class Bringing:
    """Brings images to the stage that takes them."""

    def __init__(self, downloads: Downloads, stage: Stage, store: Store) -> None:
        """`stage` is open."""
        self._downloads = downloads
        self._stage = stage
        self._store = store
        self._under_way: dict[str, asyncio.Future[Outcome]] = {}

    async def bring(self, run: Run, planned: PlannedImage) -> Outcome:
        """What became of an image. Raises CancelledError when the run was halted before it was at hand."""
        image_id = planned.image.image_id
        other = self._under_way.get(image_id)
        if other and run.job.mode is not JobMode.REBUILD:
            return await self._share(other, run, planned)
        promise = self._under_way[image_id] = asyncio.get_running_loop().create_future()
        try:
            outcome = await self._bring(run, planned)
            promise.set_result(outcome)
        finally:
            promise.cancel()
            if self._under_way.get(image_id) is promise:
                del self._under_way[image_id]
        return outcome

    async def _share(self, other: "asyncio.Future[Outcome]", run: Run, planned: PlannedImage) -> Outcome:
        """Another job is at this very image: it is fetched once, and put under both labels."""
        run.fetch_begins()
        try:
            await asyncio.wait([other])
        finally:
            run.fetch_ends()
        if other.cancelled():
            return await self.bring(run, planned)
        outcome = other.result()
        if isinstance(outcome, Failed):
            return replace(outcome, position=planned.position)
        await self._store.add_label([planned.image.image_id], planned.image.label_id)
        return AlreadyThere(planned.position)

    async def _bring(self, run: Run, planned: PlannedImage) -> Outcome:
        image, position = planned.image, planned.position
        rejected: Rejected | None = None
        if image.locator:
            result = await self._stage.add(self._arrived(run, planned))
            if isinstance(result, Taken):
                return Indexed(position, result.embedded)
            rejected = result
        tried: list[Tried] = []
        for url in image.urls:
            result = await self._from_web(run, planned, url, tried)
            if isinstance(result, Taken):
                return Indexed(position, result.embedded, url)
            rejected = result
        if rejected is None:
            raise ValueError(f"Image {image.image_id} has neither a file nor an address.")
        return Failed(position, rejected.reason, rejected.fetched, tuple(tried))

    async def _from_web(self, run: Run, planned: PlannedImage, url: str, tried: list[Tried]) -> Taken | Rejected:
        run.fetch_begins()
        try:
            async with self._downloads.fetch(url) as got:
                run.fetch_ends()
                if isinstance(got, NotFetched):
                    result: Taken | Rejected = Rejected(got.reason, fetched=False)
                else:
                    result = await self._add(run, replace(self._arrived(run, planned), data=got.data, url=url))
        finally:
            run.fetch_ends()
        if isinstance(result, Rejected):
            tried.append(Tried(url, result.reason, got.attempts))
        return result

    async def _add(self, run: Run, arrived: Arrived) -> Taken | Rejected:
        run.fetched_ahead += 1
        try:
            return await self._stage.add(arrived)
        finally:
            run.fetched_ahead -= 1

    @staticmethod
    def _arrived(run: Run, planned: PlannedImage) -> Arrived:
        return Arrived(run.job.job_id, planned.image, run.stop, fresh=run.job.mode is JobMode.REBUILD)
