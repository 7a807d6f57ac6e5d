"""Jobs as they are shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import Page
from app.domain.errors import Reason
from app.domain.jobs import Job, JobKind, JobMode, JobState, Option, Progress
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
    def of(cls, progress: Progress, fetched_ahead: int) -> Self:
        """Show progress; some photos may be fetched that the ledger does not count yet."""
        return cls(
            total=progress.total,
            downloaded=progress.downloaded + fetched_ahead,
            already_there=progress.already_there,
            failed=progress.failed,
            embedded=progress.embedded,
            indexed=progress.indexed,
        )


class JobLinks(BaseModel):
    """Where to go from a job."""

    self: str
    events: str
    failures: str
    cancel: str
    retry: str
    index: str | None

    @classmethod
    def of(cls, job: Job) -> "JobLinks":
        """A job's links."""
        address = f"/jobs/{job.job_id}"
        return cls(
            self=address,
            events=f"{address}/events",
            failures=f"{address}/failures",
            cancel=f"{address}/cancel",
            retry=f"{address}/retry",
            index=f"/index/{job.label_id}" if job.label_id else None,
        )


class JobOut(BaseModel):
    """Work that outlives its request."""

    model_config = ConfigDict(title="Job")

    job_id: str
    kind: JobKind
    mode: JobMode
    label_id: str | None
    parent_id: str | None
    children: list[str] = Field(description="Of a job for many labels: the labels' jobs.")
    retry_of: str | None = Field(description="The job whose failed images this one tries again.")
    state: JobState
    options: Mapping[str, Option] = Field(
        description="What was asked of a job of no label, such as `force` of adapt or `space_id` of activate."
    )
    detail: str | None = Field(description="What came of it, or why it could not go on.")
    remarks: list[str] = Field(description="What is unusual in how it ran.")
    limit: int | None
    progress: JobProgress
    rate_images_per_s: float | None = Field(description="Of late; null while it does not run in this process.")
    eta_s: float | None = Field(description="Seconds until the end at this rate.")
    waiting_for: Literal["disk", "store", "indexer"] | None = Field(
        description="What keeps a live job from going on; `indexer`: of the processes on one store none runs jobs now."
    )
    failures_by_reason: Mapping[Reason, int]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: JobLinks

    @classmethod
    def of(cls, job: Job, pace: Pace) -> Self:
        """Show a job."""
        return cls(
            job_id=job.job_id,
            kind=job.kind,
            mode=job.mode,
            label_id=job.label_id,
            parent_id=job.parent_id,
            children=list(job.children),
            retry_of=job.retry_of,
            state=job.state,
            options=job.options,
            detail=job.detail,
            remarks=list(job.remarks),
            limit=job.limit,
            progress=JobProgress.of(job.progress, pace.fetched_ahead),
            rate_images_per_s=pace.rate_images_per_s,
            eta_s=pace.eta_s,
            waiting_for=pace.waiting_for,
            failures_by_reason=job.failures_by_reason,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            links=JobLinks.of(job),
        )


class JobPage(Page):
    """Jobs, newest first."""

    items: list[JobOut]
