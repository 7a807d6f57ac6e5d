"""What the processes on one store know of each other's jobs: a summary of each, beside the ledger with its images."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domain.jobs import Job


@dataclass(frozen=True, slots=True)
class Summary:
    """A job, and the ledger that has its images: by its name, and the address of the process that it belongs to."""

    job: Job
    ledger_id: str
    where: str


class Summaries(Protocol):
    """Summaries where every process finds them. Each call raises StoreUnavailableError while they are away."""

    async def put(self, summaries: Sequence[Summary]) -> None:
        """Write summaries; every read that starts from now on sees them. Raises NotTheIndexerError."""

    async def claim(self) -> None:
        """Let no other process write from now on: each `put` that returned is seen by this one, later ones raise.

        Raises NotTheIndexerError.
        """

    async def known(self, job_ids: Collection[str]) -> Sequence[Summary]:
        """Those of the jobs that there is a summary of."""

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> Sequence[Job]:
        """Jobs, newest first, older than (created_at, job_id)."""

    async def live_job(self, label_id: str) -> Job | None:
        """The label's live job."""

    async def live(self) -> Sequence[Summary]:
        """Every live job, parents too, oldest first."""
