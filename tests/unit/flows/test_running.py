"""Jobs are taken in turn, and go on when the store is back."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from app.domain.errors import StoreUnavailableError
from app.domain.jobs import Job
from app.flows import waiting as waiting_module
from app.flows.run import Run
from app.flows.running import Runner
from tests.unit.flows.parts import FakeMedia, job, waiting_for

if TYPE_CHECKING:
    from app.domain.ports import Ledger
    from app.flows.working import Working


class OneJob:
    """A ledger with one live job."""

    async def live(self) -> list[Job]:
        """It."""
        return [job()]

    async def job(self, job_id: str) -> Job | None:
        """It."""
        return job(job_id=job_id)


@dataclass
class Interrupted:
    """Work whose store is away so many times."""

    away: int
    calls: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self, run: Run) -> None:
        """Fail, or end."""
        assert "a1" == run.job.job_id
        self.calls += 1
        if self.calls <= self.away:
            raise StoreUnavailableError("away")
        self.ended.set()


async def test_a_job_goes_on_by_itself_when_the_store_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "_FIRST_WAIT_S", 0.01)
    work, waiting = Interrupted(away=2), waiting_for(FakeMedia())
    runner = Runner(cast("Ledger", OneJob()), cast("Working", work), waiting, jobs_at_once=1)
    await runner.open()
    await asyncio.wait_for(work.ended.wait(), 10)
    assert 3 == work.calls
    await runner.close()


async def test_closing_does_not_wait_for_a_store_that_is_away() -> None:
    work, waiting = Interrupted(away=1000), waiting_for(FakeMedia())
    runner = Runner(cast("Ledger", OneJob()), cast("Working", work), waiting, jobs_at_once=1)
    await runner.open()
    for _ in range(500):
        await asyncio.sleep(0.01)
        if waiting.now:
            break
    assert "store" == waiting.now
    await asyncio.wait_for(runner.close(), 5)
    assert not work.ended.is_set()
