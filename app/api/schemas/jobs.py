"""Jobs as they are shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import Page
from app.domain.errors import Reason
from app.domain.jobs import Job, JobKind, JobState, Progress
from app.flows.running import Pace


class JobProgress(BaseModel):
    """Images, by what became of them."""

    total: int
    downloaded: int = Field(description="Fetched from where they were; for a folder: read.")
    already_there: int
    failed: int
    embedded: int
    indexed: int

    @classmethod
    def of(cls, progress: Progress) -> "JobProgress":
        """Show progress."""
        return cls(
            total=progress.total,
            downloaded=progress.downloaded,
            already_there=progress.already_there,
            failed=progress.failed,
            embedded=progress.embedded,
            indexed=progress.indexed,
        )


class JobLinks(BaseModel):
    """Where to go from a job."""

    self: str
    cancel: str
    index: str | None


class JobOut(BaseModel):
    """Work that outlives its request."""

    model_config = ConfigDict(title="Job")

    job_id: str
    kind: JobKind
    label_id: str | None
    parent_id: str | None
    children: list[str] = Field(description="Of a job for many labels: the labels' jobs.")
    state: JobState
    detail: str | None = Field(description="Why it could not go on.")
    limit: int | None
    progress: JobProgress
    rate_images_per_s: float | None
    eta_s: float | None
    waiting_for: Literal["disk", "store", "indexer"] | None
    failures_by_reason: Mapping[Reason, int]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: JobLinks

    @classmethod
    def of(cls, job: Job, pace: Pace) -> "JobOut":
        """Show a job."""
        address = f"/jobs/{job.job_id}"
        return cls(
            job_id=job.job_id,
            kind=job.kind,
            label_id=job.label_id,
            parent_id=job.parent_id,
            children=list(job.children),
            state=job.state,
            detail=job.detail,
            limit=job.limit,
            progress=JobProgress.of(job.progress),
            rate_images_per_s=pace.rate_images_per_s,
            eta_s=pace.eta_s,
            waiting_for=None,
            failures_by_reason=job.failures_by_reason,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            links=JobLinks(
                self=address, cancel=f"{address}/cancel", index=f"/index/{job.label_id}" if job.label_id else None
            ),
        )


class JobPage(Page):
    """Jobs, newest first."""

    items: list[JobOut]
