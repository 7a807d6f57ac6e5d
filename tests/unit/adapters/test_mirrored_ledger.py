"""Several processes, each with a ledger of its own, and the summaries that all of them see."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.adapters.ledger.ledger import SqliteLedger
from app.adapters.ledger.mirrored import MirroredLedger
from app.domain.errors import NotTheIndexerError, Reason, StoreUnavailableError
from app.domain.jobs import LIVE, AlreadyThere, Indexed, Job, JobMode, JobRequest, JobState, Progress
from tests.summaries import FakeSummaries
from tests.unit.adapters.ledger_steps import failed, plan, positions
from tests.unit.flows.leadership import FakeLeadership

WAIT_S = 10


@dataclass
class Process:
    """A process' ledger, mirrored."""

    name: str
    own: SqliteLedger
    leadership: FakeLeadership
    ledger: MirroredLedger

    @property
    def where(self) -> str:
        """Its address."""
        return f"http://{self.name}.example"

    async def lead(self, before: "Process | None" = None) -> None:
        """Become the indexer, after another one that knows it."""
        if before:
            before.leadership.take_away(self.where)
            await before.ledger.let_go()
        self.leadership.give()
        await self.ledger.take_over()

    async def opened(self, label_id: str, count: int = 3, mode: JobMode = JobMode.RESUME) -> str:
        """A running job whose plan is whole."""
        job, _ = await self.ledger.open_index_job(JobRequest(label_id, count, mode=mode))
        await plan(self.own, job.job_id, count, label_id)
        await self.ledger.start(job.job_id)
        return job.job_id

    async def seen(self, job_id: str) -> Job:
        """A job, as callers of this process see it."""
        job = await self.ledger.job(job_id)
        assert job is not None
        return job


Start = Callable[[str], Process]


@pytest.fixture
def summaries() -> FakeSummaries:
    return FakeSummaries()


@pytest.fixture
async def start(tmp_path: Path, summaries: FakeSummaries) -> AsyncIterator[Start]:
    """Starts processes, by their names; the same name is the same data folder."""
    started: list[Process] = []
    with ExitStack() as stack:

        def begin(name: str) -> Process:
            own = stack.enter_context(closing(SqliteLedger(tmp_path / f"{name}.sqlite3")))
            leadership = FakeLeadership()
            ledger = MirroredLedger(own, summaries, leadership, f"http://{name}.example")
            started.append(Process(name, own, leadership, ledger))
            return started[-1]

        yield begin
        summaries.away = True  # what is left behind is left
        for process in started:
            await process.ledger.let_go()


async def until_told(summaries: FakeSummaries, job_id: str, *states: JobState) -> None:
    for _ in range(1000 * WAIT_S):
        if job_id in summaries.kept and summaries.kept[job_id].job.state in states:
            return
        await asyncio.sleep(0.001)
    raise TimeoutError


async def killed(process: Process, summaries: FakeSummaries) -> None:
    """Nothing more of a process reaches the others."""
    kept = dict(summaries.kept)
    await process.ledger.let_go()
    summaries.kept = kept


async def test_a_job_is_shown_by_every_process_from_its_acknowledgement_to_its_end(
    start: Start, summaries: FakeSummaries
) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    job_id = await one.opened("cups")
    await until_told(summaries, job_id, JobState.RUNNING)
    live = await other.ledger.live_job("cups")
    assert live == await other.ledger.job(job_id)
    assert [live] == await other.ledger.jobs(None, 10)
    await one.ledger.record({job_id: [Indexed(0), failed(1), Indexed(2)]})
    await one.ledger.finish(job_id, JobState.PARTIALLY_SUCCEEDED)
    ended = await one.seen(job_id)
    assert (JobState.PARTIALLY_SUCCEEDED, 2, {Reason.DNS: 1}) == (
        ended.state,
        ended.progress.indexed,
        ended.failures_by_reason,
    )
    assert ended == await other.seen(job_id)
    assert await other.ledger.live_job("cups") is None


async def test_only_the_indexer_opens_jobs_and_others_say_where_it_is(start: Start) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    other.leadership.take_away(one.where)
    job_id = await one.opened("cups")
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: other.ledger.open_index_job(JobRequest("cups", 1)),
        lambda: other.ledger.open_index_jobs([JobRequest("cups", 1)]),
        lambda: other.ledger.open_retry(job_id, []),
        lambda: other.ledger.host_outcomes("cups"),
        lambda: other.ledger.failures(job_id, count=1),
    ]
    for call in calls:
        with pytest.raises(NotTheIndexerError, match=one.where):
            await call()


async def test_a_job_that_no_other_process_could_find_is_not_acknowledged(
    start: Start, summaries: FakeSummaries
) -> None:
    one = start("one")
    await one.lead()
    linked = await one.opened("mugs")
    summaries.away = True
    with pytest.raises(StoreUnavailableError):
        await one.ledger.open_index_job(JobRequest("cups", 1))
    with pytest.raises(StoreUnavailableError):
        await one.ledger.open_index_jobs([JobRequest("cups", 1), JobRequest("mugs", 1)])
    assert [linked] == [job.job_id for job in await one.own.live()]
    summaries.away = False
    _, new = await one.ledger.open_index_job(JobRequest("cups", 1))
    assert new


async def test_the_work_goes_on_while_summaries_are_away_but_no_end_is_told_before_all_can_see_it(
    start: Start, summaries: FakeSummaries
) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    parent = await one.ledger.open_index_jobs([JobRequest("cups", 1)])
    (job_id,) = parent.children
    summaries.away = True
    await plan(one.own, job_id, 1, "cups")
    await one.ledger.record({job_id: [Indexed(0)]})
    await one.ledger.finish(job_id, JobState.SUCCEEDED)
    for each in (job_id, parent.job_id):
        job = await one.seen(each)
        assert (JobState.RUNNING, None, 1) == (job.state, job.finished_at, job.progress.indexed)
    summaries.away = False
    assert [JobState.SUCCEEDED] * 2 == [(await one.seen(each)).state for each in (job_id, parent.job_id)]
    assert await one.ledger.jobs(None, 10) == await other.ledger.jobs(None, 10)


async def test_summaries_that_could_not_be_written_are_written_behind_the_work(
    start: Start, summaries: FakeSummaries
) -> None:
    one = start("one")
    await one.lead()
    job_id = await one.opened("cups")
    await until_told(summaries, job_id, JobState.RUNNING)
    summaries.away, before = True, summaries.asked
    await one.ledger.cancel(job_id)
    for _ in range(1000 * WAIT_S):
        if summaries.asked > before:
            break
        await asyncio.sleep(0.001)
    summaries.away = False
    await until_told(summaries, job_id, JobState.CANCELLED)


async def test_a_new_indexer_goes_on_with_the_jobs_of_a_killed_one(start: Start, summaries: FakeSummaries) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    limited, _ = await one.ledger.open_index_job(JobRequest("hats", 9, limit=2))
    rebuild = await one.opened("cups", mode=JobMode.REBUILD)
    await one.ledger.record({rebuild: [Indexed(0), failed(1)]})
    await until_told(summaries, rebuild, JobState.RUNNING)
    before = summaries.kept[rebuild].job
    await killed(one, summaries)
    await other.lead()
    live = {job.job_id: job for job in await other.own.live()}
    assert {limited.job_id, rebuild} == set(live)
    assert (2, JobState.QUEUED) == (live[limited.job_id].limit, live[limited.job_id].state)
    after = live[rebuild]
    expected = (JobMode.REBUILD, "cups", before.created_at, before.started_at, Progress(total=3))
    assert expected == (after.mode, after.label_id, after.created_at, after.started_at, after.progress)
    assert not await other.ledger.is_planned(rebuild)
    assert (rebuild, False) == _named(await other.ledger.open_index_job(JobRequest("cups", 3)))
    assert after == await one.seen(rebuild)


def _named(opened: tuple[Job, bool]) -> tuple[str, bool]:
    return opened[0].job_id, opened[1]


async def test_a_parent_goes_on_elsewhere_with_what_its_ended_children_did(
    start: Start, summaries: FakeSummaries
) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    parent = await one.ledger.open_index_jobs([JobRequest("cups", 2), JobRequest("mugs", 2)])
    first, second = parent.children
    await plan(one.own, first, 2, "cups")
    await one.ledger.record({first: [Indexed(0), failed(1)]})
    await one.ledger.finish(first, JobState.PARTIALLY_SUCCEEDED)
    await one.seen(first)
    await killed(one, summaries)
    await other.lead()
    assert [second] == [job.job_id for job in await other.own.live()]
    going_on = await other.seen(parent.job_id)
    expected = Progress(total=4, downloaded=1, failed=1, embedded=1, indexed=1)
    assert (JobState.RUNNING, (first, second), expected) == (going_on.state, going_on.children, going_on.progress)
    await plan(other.own, second, 2, "mugs")
    await other.ledger.record({second: [AlreadyThere(0), Indexed(1)]})
    await other.ledger.finish(second, JobState.SUCCEEDED)
    ended = await one.seen(parent.job_id) if (await other.seen(parent.job_id)).finished_at else None
    assert ended is not None
    assert (JobState.PARTIALLY_SUCCEEDED, {Reason.DNS: 1}, 4) == (
        ended.state,
        ended.failures_by_reason,
        ended.progress.done,
    )
    for call in (lambda: other.ledger.failures(parent.job_id, count=9), lambda: other.ledger.open_retry(first, [])):
        with pytest.raises(NotTheIndexerError, match=one.where):
            await call()
    with pytest.raises(NotTheIndexerError, match=one.where):
        await other.ledger.open_retry(parent.job_id, [])


async def test_what_another_process_ended_meanwhile_does_not_run_twice(start: Start, summaries: FakeSummaries) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    parent = await one.ledger.open_index_jobs([JobRequest("cups", 1)])
    (job_id,) = parent.children
    await plan(one.own, job_id, 1, "cups")
    await killed(one, summaries)
    await other.lead()
    await other.ledger.cancel(job_id)
    assert JobState.CANCELLED is (await other.seen(job_id)).state
    await one.lead(before=other)
    assert [] == await one.own.live()
    assert [JobState.CANCELLED] * 2 == [(await one.seen(each)).state for each in (job_id, parent.job_id)]
    _, new = await one.ledger.open_index_job(JobRequest("cups", 1))
    assert new


async def test_a_former_indexers_own_rows_of_a_job_that_was_elsewhere_since_are_nothing(
    start: Start, summaries: FakeSummaries
) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    job_id = await one.opened("cups")
    await one.ledger.record({job_id: [failed(0), Indexed(1)]})
    await killed(one, summaries)
    await other.lead()
    await killed(other, summaries)
    await one.lead()
    assert Progress(total=3) == (await one.seen(job_id)).progress
    assert not await one.ledger.is_planned(job_id)
    assert [] == await one.ledger.failures(job_id, count=9)
    await plan(one.own, job_id, 2, "cups")
    assert [0, 1] == await positions(one.own, job_id)


async def test_the_same_process_goes_on_with_what_it_had_written_down(start: Start, summaries: FakeSummaries) -> None:
    one = start("one")
    await one.lead()
    parent = await one.ledger.open_index_jobs([JobRequest("cups", 3)])
    (job_id,) = parent.children
    await plan(one.own, job_id, 3, "cups")
    await one.ledger.record({job_id: [Indexed(0), failed(1)]})
    await killed(one, summaries)
    again = start("one")
    await again.lead()
    assert [2] == await positions(again.own, job_id)
    assert [2, 2] == [(await again.seen(each)).progress.done for each in (job_id, parent.job_id)]
    assert 1 == len(await again.ledger.failures(parent.job_id, count=9))


@pytest.mark.parametrize("name", ["one", "other"])
async def test_an_end_that_a_kill_kept_from_being_told_is_told_or_the_job_goes_on(
    start: Start, summaries: FakeSummaries, name: str
) -> None:
    one = start("one")
    await one.lead()
    job_id = await one.opened("cups", 1)
    await one.ledger.record({job_id: [Indexed(0)]})
    summaries.away = True
    await one.ledger.finish(job_id, JobState.SUCCEEDED)
    await one.ledger.let_go()
    summaries.away = False
    assert summaries.kept[job_id].job.state in LIVE
    successor = start(name)
    await successor.lead()
    if name == "other":
        assert [job_id] == [job.job_id for job in await successor.own.live()]
        await successor.ledger.finish(job_id, JobState.SUCCEEDED)
        await successor.seen(job_id)
        await one.lead(before=successor)
    assert JobState.SUCCEEDED is summaries.kept[job_id].job.state
    assert [] == await one.own.live()


async def test_a_take_over_that_fails_halfway_can_be_tried_again(start: Start, summaries: FakeSummaries) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    job_id = await one.opened("cups")
    await killed(one, summaries)
    summaries.refused = True
    with pytest.raises(NotTheIndexerError):
        await other.lead()
    with pytest.raises(NotTheIndexerError):
        await other.ledger.open_index_job(JobRequest("mugs", 1))
    summaries.refused = False
    await other.lead()
    assert [job_id] == [job.job_id for job in await other.own.live()]
    assert other.where == summaries.kept[job_id].where


async def test_a_parent_that_was_live_beside_its_ended_children_ends(start: Start, summaries: FakeSummaries) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    parent = await one.ledger.open_index_jobs([JobRequest("cups", 1)])
    torn = summaries.kept[parent.job_id]
    await one.ledger.finish(parent.children[0], JobState.SUCCEEDED)
    await one.seen(parent.job_id)
    await killed(one, summaries)
    summaries.kept[parent.job_id] = torn
    await other.lead()
    assert JobState.SUCCEEDED is summaries.kept[parent.job_id].job.state


async def test_a_retry_goes_on_elsewhere_within_the_bounds_of_the_job_that_it_tries_again(
    start: Start, summaries: FakeSummaries
) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    job, _ = await one.ledger.open_index_job(JobRequest("cups", 9, limit=2))
    await plan(one.own, job.job_id, 2, "cups")
    await one.ledger.record({job.job_id: [failed(0), Indexed(1)]})
    await one.ledger.finish(job.job_id, JobState.PARTIALLY_SUCCEEDED)
    retry, _ = await one.ledger.open_retry(job.job_id, [])
    await killed(one, summaries)
    await other.lead()
    (going_on,) = await other.own.live()
    assert (retry.job_id, job.job_id, 2) == (going_on.job_id, going_on.retry_of, going_on.limit)


async def test_of_two_live_jobs_of_a_label_the_older_goes_on(start: Start, summaries: FakeSummaries) -> None:
    one, other, third = start("one"), start("other"), start("third")
    await one.lead()
    first = await one.opened("cups")
    kept, summaries.kept = summaries.kept, {}
    await other.lead()  # it knows of nothing
    second = await other.opened("cups")
    await killed(one, summaries)
    await killed(other, summaries)
    summaries.kept |= kept
    await third.lead()
    assert [first] == [job.job_id for job in await third.own.live()]
    assert JobState.INTERRUPTED is summaries.kept[second].job.state


async def test_pages_of_summaries_are_those_of_the_ledger(start: Start) -> None:
    one, other = start("one"), start("other")
    await one.lead()
    await one.ledger.open_index_jobs([JobRequest(f"label{number}", 1) for number in range(25)])
    expected = await one.own.jobs(None, 100)
    for process in (one, other):
        found: list[Job] = []
        while page := await process.ledger.jobs((found[-1].created_at, found[-1].job_id) if found else None, 7):
            found += page
        assert expected == found
