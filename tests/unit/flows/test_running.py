"""Jobs are taken in turn, and go on when the store is back."""

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from app.domain.errors import NotTheIndexerError, StoreUnavailableError
from app.domain.jobs import Job, JobKind, JobState
from app.flows import waiting as waiting_module
from app.flows.run import Run
from app.flows.running import Runner
from app.flows.working import Working
from tests.unit.flows.parts import FakeMedia, job, waiting_for

if TYPE_CHECKING:
    from app.domain.ports import Ledger


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
    runner = Runner(cast("Ledger", OneJob()), {JobKind.INDEX: cast("Working", work)}, waiting, jobs_at_once=1)
    await runner.open()
    await asyncio.wait_for(work.ended.wait(), 10)
    assert 3 == work.calls
    await runner.close()


async def test_closing_does_not_wait_for_a_store_that_is_away() -> None:
    work, waiting = Interrupted(away=1000), waiting_for(FakeMedia())
    runner = Runner(cast("Ledger", OneJob()), {JobKind.INDEX: cast("Working", work)}, waiting, jobs_at_once=1)
    await runner.open()
    for _ in range(500):
        await asyncio.sleep(0.01)
        if waiting.now:
            break
    assert "store" == waiting.now
    await asyncio.wait_for(runner.close(), 5)
    assert not work.ended.is_set()


async def test_after_a_pause_jobs_wait_for_the_store_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "_FIRST_WAIT_S", 0.01)
    work, waiting = Interrupted(away=3), waiting_for(FakeMedia())
    runner = Runner(cast("Ledger", OneJob()), {JobKind.INDEX: cast("Working", work)}, waiting, jobs_at_once=1)
    await runner.open()
    await runner.close()
    assert not work.ended.is_set()
    await runner.open()
    await asyncio.wait_for(work.ended.wait(), 10)
    await runner.close()


@dataclass
class Refused:
    """Work that another process has become the indexer for, then work that goes well."""

    begun: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self, run: Run) -> None:
        """Fail once."""
        self.begun.append(run.job.job_id)
        if len(self.begun) == 1:
            raise NotTheIndexerError(None)
        self.ended.set()


async def test_a_job_that_is_left_to_another_process_does_not_hold_up_the_next() -> None:
    work = Refused()
    runner = Runner(
        cast("Ledger", OneJob()), {JobKind.INDEX: cast("Working", work)}, waiting_for(FakeMedia()), jobs_at_once=1
    )
    await runner.open()
    runner.enqueue("b2")
    await asyncio.wait_for(work.ended.wait(), 10)
    assert ["a1", "b2"] == work.begun
    await runner.close()


@dataclass
class LeftLedger:
    """A ledger that starts no job, and says whether one was ended."""

    finished: list[str] = field(default_factory=list)

    async def start(self, job_id: str) -> None:
        """Another process does."""
        raise NotTheIndexerError(job_id)

    async def finish(self, job_id: str, state: JobState, detail: str | None = None) -> None:
        """Note it."""
        self.finished.append(f"{job_id} {state} {detail}")


async def test_a_job_is_not_ended_because_another_process_is_the_indexer() -> None:
    ledger, nothing = LeftLedger(), cast("Any", None)
    working = Working(
        ledger=cast("Ledger", ledger),
        store=nothing,
        browsing=nothing,
        downloads=nothing,
        meeting=nothing,
        bringing=nothing,
        recorder=nothing,
        sweeping=nothing,
        waiting=nothing,
        under_way=1,
    )
    with pytest.raises(NotTheIndexerError):
        await working.work(Run(job()))
    assert [] == ledger.finished
