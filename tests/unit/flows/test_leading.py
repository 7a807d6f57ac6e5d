"""Jobs run in the process that is the indexer, for as long as it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import pytest

from app.adapters.stores.always import AlwaysHeld
from app.domain.errors import NotTheIndexerError, StoreUnavailableError
from app.domain.jobs import Job, JobKind, JobState
from app.flows import leading as leading_module
from app.flows.jobs import Jobs
from app.flows.leading import Leading
from app.flows.run import Run
from app.flows.running import Pace, Runner
from tests.unit.flows.leadership import FakeLeadership
from tests.unit.flows.parts import FakeMedia, job, waiting_for
from tests.unit.flows.waits import WAIT_S, until

if TYPE_CHECKING:
    from app.domain.ports import Ledger, Store
    from app.flows.browsing import Browsing
    from app.flows.working import Working

THERE = "http://there.example:8000"


@dataclass
class TakenOver:
    """A ledger that says what it was told, and has one live job; it is away so many times."""

    away: int = 0
    told: list[str] = field(default_factory=list)

    async def take_over(self) -> None:
        """Note it."""
        if self.away:
            self.away -= 1
            raise StoreUnavailableError("away")
        self.told.append("take over")

    async def let_go(self) -> None:
        """Note it."""
        self.told.append("let go")

    async def live(self) -> list[Job]:
        """The one."""
        return [job()]

    async def job(self, job_id: str) -> Job | None:
        """The one."""
        return job(job_id=job_id)


@dataclass
class UntilHalted:
    """Work that ends when it is halted, or as the test says."""

    begun: list[Run] = field(default_factory=list)
    error: Exception | None = None

    async def work(self, run: Run) -> None:
        """Begin, and wait."""
        self.begun.append(run)
        if self.error:
            raise self.error
        await run.stop.wait()


@dataclass
class Process:
    """What follows a leadership."""

    ledger: TakenOver = field(default_factory=TakenOver)
    work: UntilHalted = field(default_factory=UntilHalted)
    leadership: FakeLeadership = field(default_factory=FakeLeadership)

    def __post_init__(self) -> None:
        """Put it together."""
        ledger = cast("Ledger", self.ledger)
        self.runner = Runner(
            ledger, {JobKind.INDEX: cast("Working", self.work)}, waiting_for(FakeMedia()), jobs_at_once=2
        )
        self.leading = Leading(self.leadership, ledger, self.runner)
        nothing = cast("Browsing", None), cast("Store", None)
        self.jobs = Jobs(ledger, self.runner, *nothing, self.leading)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """From its start to its end."""
        await self.leading.open()
        try:
            yield
        finally:
            await asyncio.wait_for(self.leading.close(), WAIT_S)


async def test_who_always_leads_runs_jobs_once_it_is_open() -> None:
    process = Process()
    leading = Leading(AlwaysHeld(), cast("Ledger", process.ledger), process.runner)
    await leading.open()
    leading.require()
    await until(lambda: bool(process.work.begun))
    await asyncio.wait_for(leading.close(), WAIT_S)
    assert ["take over", "let go"] == process.ledger.told


async def test_nothing_runs_or_changes_before_the_leadership_is_had() -> None:
    process = Process(leadership=FakeLeadership(THERE))
    async with process.running():
        with pytest.raises(NotTheIndexerError, match=THERE):
            process.leading.require()
        process.leadership.give()
        await until(lambda: bool(process.work.begun))
        process.leading.require()
    assert ["take over", "let go"] == process.ledger.told


async def test_jobs_are_left_where_they_are_when_the_leadership_is_lost_and_go_on_when_it_is_back() -> None:
    process = Process(leadership=FakeLeadership(held=True))
    async with process.running():
        for count in (1, 2, 3):
            await until(lambda count=count: count == len(process.work.begun))  # type: ignore[misc]
            process.leadership.take_away(THERE)
            await until(lambda count=count: count == process.ledger.told.count("let go"))  # type: ignore[misc]
            assert process.work.begun[-1].ended.is_set()
            with pytest.raises(NotTheIndexerError, match=THERE):
                process.leading.require()
            process.leadership.give()
    assert ["take over", "let go"] * 4 == process.ledger.told


async def test_changes_are_refused_until_the_jobs_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading_module, "_FIRST_WAIT_S", 0.01)
    process = Process(TakenOver(away=2), leadership=FakeLeadership(held=True))
    async with process.running():
        with pytest.raises(NotTheIndexerError, match="none has taken over yet"):
            process.leading.require()
        await until(lambda: bool(process.work.begun))
        process.leading.require()


async def test_a_loss_is_followed_while_the_ledger_cannot_take_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading_module, "_FIRST_WAIT_S", 1000)
    process = Process(TakenOver(away=1), leadership=FakeLeadership(held=True))
    async with process.running():
        process.leadership.take_away()
        await until(lambda: ["let go"] == process.ledger.told)
        process.leadership.give()
        await until(lambda: bool(process.work.begun))


async def test_a_job_whose_store_has_another_indexer_is_left_without_an_end() -> None:
    process = Process(work=UntilHalted(error=NotTheIndexerError(THERE)), leadership=FakeLeadership(held=True))
    async with process.running():
        await until(lambda: bool(process.work.begun) and process.work.begun[0].ended.is_set())
        process.work.error = None
        process.leadership.take_away()
        await until(lambda: "let go" in process.ledger.told)
        process.leadership.give()
        await until(lambda: 2 == len(process.work.begun))


@pytest.mark.parametrize(("where", "expected"), [(None, "indexer"), (THERE, None)])
async def test_live_jobs_wait_for_an_indexer_where_there_is_none(where: str | None, expected: str | None) -> None:
    process = Process(leadership=FakeLeadership(where))
    async with process.running():
        assert expected == process.jobs.pace(job()).waiting_for
        assert Pace() == process.jobs.pace(replace(job(), state=JobState.SUCCEEDED))
        process.leadership.give()
        await until(lambda: bool(process.work.begun))
        assert process.jobs.pace(job()).waiting_for is None


async def test_parts_are_open_while_jobs_run_here_and_closed_before_the_jobs_are_left() -> None:
    process, told = Process(leadership=FakeLeadership()), list[str]()

    class Told:
        """A part that says what it was told, and whether jobs ran then."""

        def open(self) -> None:
            """Note it."""
            told.append("open")

        async def close(self) -> None:
            """Note it."""
            ended = process.work.begun[-1].ended.is_set()
            told.append(f"closed, jobs {'ended' if ended else 'running'}")

    process.leading = Leading(process.leadership, cast("Ledger", process.ledger), process.runner, [Told()])
    async with process.running():
        assert [] == told
        for count in (1, 2):
            process.leadership.give()
            await until(lambda count=count: count == len(process.work.begun))  # type: ignore[misc]
            process.leadership.take_away(THERE)
            await until(lambda count=count: count == process.ledger.told.count("let go"))  # type: ignore[misc]
    assert ["open", "closed, jobs running"] * 2 == told[:4]
