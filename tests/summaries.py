"""Summaries of jobs in memory, for ledgers of several processes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.adapters.ledger.summaries import Summary
from app.domain.errors import NotTheIndexerError, StoreUnavailableError
from app.domain.jobs import LIVE, Job


@dataclass
class FakeSummaries:
    """See `Summaries`: one for all processes. It is away, or takes nothing more, when a test says so."""

    kept: dict[str, Summary] = field(default_factory=dict)
    puts: list[Sequence[str]] = field(default_factory=list)
    asked: int = 0
    away: bool = False
    refused: bool = False

    async def claim(self) -> None:
        """Whether they are taken."""
        self._ask()
        if self.refused:
            raise NotTheIndexerError(None)

    async def put(self, summaries: Sequence[Summary]) -> None:
        """Keep them."""
        await self.claim()
        self.puts.append([summary.job.job_id for summary in summaries])
        self.kept.update({summary.job.job_id: summary for summary in summaries})

    async def known(self, job_ids: Collection[str]) -> list[Summary]:
        """Those of them."""
        self._ask()
        return [self.kept[job_id] for job_id in job_ids if job_id in self.kept]

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> list[Job]:
        """Sorted, then cut."""
        self._ask()
        found = sorted((summary.job for summary in self.kept.values()), key=_age, reverse=True)
        return [job for job in found if before is None or _age(job) < before][:count]

    async def live_job(self, label_id: str) -> Job | None:
        """One of the live ones."""
        return next((summary.job for summary in await self.live() if summary.job.label_id == label_id), None)

    async def live(self) -> list[Summary]:
        """The live ones."""
        self._ask()
        live = [summary for summary in self.kept.values() if summary.job.state in LIVE]
        return sorted(live, key=lambda summary: _age(summary.job))

    def _ask(self) -> None:
        self.asked += 1
        if self.away:
            raise StoreUnavailableError("away")


def _age(job: Job) -> tuple[datetime, str]:
    return job.created_at, job.job_id
