"""The end of `sync` and `rebuild`: what is not to be found any more is taken out from under the label."""

from collections.abc import AsyncIterator, Collection
from typing import Final

from app.domain.errors import Reason
from app.domain.jobs import Job, JobMode, JobState
from app.domain.ports import Catalogue, Ledger, Media, Store
from app.domain.records import Member, Origin

_PAGE: Final = 500
_GONE: Final = (
    Reason.BAD_URL,
    Reason.HTTP_404,
    Reason.HTTP_410,
    Reason.HTTP_4XX,
    Reason.FILE_MISSING,
    Reason.TOO_LARGE,
    Reason.TOO_SMALL,
    Reason.TOO_MANY_PIXELS,
    Reason.PLACEHOLDER,
    Reason.UNSUPPORTED_TYPE,
    Reason.NOT_AN_IMAGE,
    Reason.UNDECODABLE,
)
"""Failures that tell of the picture itself; after others, such as a host that is away, what was indexed stays."""


class Sweeping:
    """Removes entries that a job has shown to be gone. Own uploads stay always."""

    def __init__(self, ledger: Ledger, store: Store, catalogue: Catalogue, media: Media) -> None:
        """Over what was planned, what is indexed, and the files."""
        self._ledger = ledger
        self._store = store
        self._catalogue = catalogue
        self._media = media

    async def after(self, job: Job, state: JobState) -> None:
        """Sweep behind a job that came to its end; where it brought nothing at all, nothing is removed either."""
        if job.label_id is None or job.mode is JobMode.RESUME or state is JobState.FAILED:
            return
        known = await self._known(job, job.label_id)
        async for member in self._members(job.label_id):
            if member.origin is not Origin.UPLOAD and member.image_id not in known:
                await self._media.discard(await self._store.take_out([member.image_id], job.label_id))

    async def _known(self, job: Job, label_id: str) -> Collection[str]:
        known = {image.image_id async for block in self._catalogue.images(label_id) for image in block}
        if job.mode is JobMode.REBUILD:
            async for image_id in self._gone(job.job_id):
                known.discard(image_id)
        return known

    async def _gone(self, job_id: str) -> AsyncIterator[str]:
        after = 0
        while block := await self._ledger.failures(job_id, reasons=_GONE, after=after, count=_PAGE):
            for failure in block:
                yield failure.image_id
            after = block[-1].seq

    async def _members(self, label_id: str) -> AsyncIterator[Member]:
        after = ""
        while page := await self._store.members(label_id, after, _PAGE):
            for member in page:
                yield member
            after = page[-1].image_id
