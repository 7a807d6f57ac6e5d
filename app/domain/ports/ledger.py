"""The port of the record of jobs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from app.domain.errors import Reason
from app.domain.jobs import FailedImage, HostOutcomes, Job, JobKind, JobRequest, JobState, Option, Outcome, PlannedImage
from app.domain.records import CatalogueImage


class Ledger(Protocol):
    """The durable record of jobs. When a call returns, what it wrote survives a kill at any later point.

    Where several processes share a store, each has a ledger, and the indexer's is written. `job`, `jobs` and `live_job`
    tell of every process' jobs; what is known of single images is told by the ledger that they were written to, others
    raise NotTheIndexerError. Nothing is opened before `take_over`: that is refused with the same error.
    """

    async def open_index_job(self, request: JobRequest) -> tuple[Job, bool]:
        """A new queued job for a label, and True; or the label's live job, and False. Never two live ones."""

    async def open_index_jobs(self, requests: Sequence[JobRequest]) -> Job:
        """A parent of such jobs, live ones linked: all of them or none."""

    async def open_retry(self, job_id: str, reasons: Collection[Reason]) -> tuple[Job, bool]:
        """A new planned job of the images of an ended one that failed for one of the reasons; of a parent, a parent.

        Where the label has another live job, that is the answer, and False. Raises NotFoundError job_not_found;
        ConflictError job_live while the job itself is live, nothing_to_retry when no image failed for these reasons.
        """

    async def open_job(self, kind: JobKind, options: Mapping[str, Option]) -> tuple[Job, bool]:
        """A new queued job of another kind than index, and True; or the live one of that kind, and False."""

    async def plan(self, job_id: str, first: int, images: Sequence[CatalogueImage]) -> None:
        """Write down images of a job from the position `first` on; what was planned there before is replaced."""

    async def planned(self, job_id: str, total: int) -> None:
        """The plan is whole, and has so many images."""

    async def is_planned(self, job_id: str) -> bool:
        """Whether `planned` was called."""

    async def pending(self, job_id: str, after: int, count: int) -> Sequence[PlannedImage]:
        """The next images without an outcome, by position."""

    async def record(self, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
        """Write jobs' outcomes and their sums in the jobs' progress; an image that has one already keeps it."""

    async def start(self, job_id: str, remarks: Sequence[str] = ()) -> None:
        """Queued -> running."""

    async def finish(self, job_id: str, state: JobState, detail: str | None = None) -> None:
        """End a live job; one that has ended stays as it is."""

    async def cancel(self, job_id: str) -> None:
        """End a live job as cancelled, every image left with that reason; one that has ended stays as it is."""

    async def job(self, job_id: str) -> Job | None:
        """One job."""

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> Sequence[Job]:
        """Jobs, newest first, older than (created_at, job_id)."""

    async def failures(
        self, job_id: str, *, reasons: Collection[Reason] = (), after: int = 0, count: int
    ) -> Sequence[FailedImage]:
        """A job's failures, or its children's, by rising `seq` and beyond `after`; all reasons if none is named."""

    async def host_outcomes(self, label_id: str) -> Sequence[HostOutcomes]:
        """What became of a label's images by host, the busiest first."""

    async def live(self) -> Sequence[Job]:
        """Queued and running jobs that are no parents, oldest first."""

    async def live_job(self, label_id: str) -> Job | None:
        """The label's live job."""

    async def take_over(self) -> None:
        """This process is the indexer from now on: every job that is live goes on here, as after a restart.

        Raises StoreUnavailableError, NotTheIndexerError; it can be called again then.
        """

    async def let_go(self) -> None:
        """It is the indexer no longer: another process goes on with the jobs."""

    async def ping(self) -> None:
        """Return if the ledger answers; raise StoreUnavailableError if not."""
