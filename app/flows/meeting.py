"""Images that are indexed already -> their outcome, or that they have to be brought again: what a job's mode says."""

from collections.abc import Sequence

from app.domain.jobs import AlreadyThere, Indexed, Job, JobMode, Outcome, PlannedImage
from app.domain.ports import Store
from app.domain.records import CatalogueImage, Description, Origin, ProductFrom, Standing
from app.flows.indexing import product_of


class Meeting:
    """Looks at a page of a job's images before any is fetched."""

    def __init__(self, store: Store, product_from: ProductFrom) -> None:
        """`product_from` tells the products that `sync` brings up to date."""
        self._store = store
        self._product_from = product_from

    async def met(self, job: Job, page: Sequence[PlannedImage]) -> tuple[list[Outcome], list[PlannedImage]]:
        """The outcomes of those that need no work, and the others, in order."""
        ids = [planned.image.image_id for planned in page]
        standings = await self._store.existing(ids)
        deleted = await self._store.deleted([image_id for image_id in ids if image_id not in standings])
        outcomes: list[Outcome] = []
        missing: list[PlannedImage] = []
        kept: list[tuple[CatalogueImage, Standing]] = []
        for planned in page:
            standing = standings.get(planned.image.image_id)
            if standing and standing.job_id == job.job_id:
                # Put by this very job before a restart: its outcome was lost, not its work.
                outcomes.append(Indexed(planned.position, url=_source(standing)))
            elif planned.image.image_id in deleted:
                outcomes.append(AlreadyThere(planned.position))
            elif standing and _stays(job.mode, planned.image, standing):
                outcomes.append(AlreadyThere(planned.position))
                kept.append((planned.image, standing))
            else:
                missing.append(planned)
        await self._bring_up_to_date(job, kept)
        return outcomes, missing

    async def _bring_up_to_date(self, job: Job, kept: Sequence[tuple[CatalogueImage, Standing]]) -> None:
        if job.label_id is not None:
            elsewhere = [image.image_id for image, standing in kept if image.label_id not in standing.label_ids]
            await self._store.add_label(elsewhere, job.label_id)
        if job.mode is JobMode.SYNC:
            await self._store.describe(
                {
                    image.image_id: Description(product_of(self._product_from, image), image.title, image.attributes)
                    for image, standing in kept
                    if standing.origin is not Origin.UPLOAD
                }
            )


def _stays(mode: JobMode, image: CatalogueImage, standing: Standing) -> bool:
    if standing.origin is Origin.UPLOAD or mode is JobMode.RESUME:
        return True
    return mode is JobMode.SYNC and standing.locator in {image.locator, *image.urls}


def _source(standing: Standing) -> str | None:
    return standing.locator if standing.origin is Origin.DOWNLOAD else None
