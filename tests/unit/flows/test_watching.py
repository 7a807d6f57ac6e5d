import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import BusyError, NotFoundError, Reason, StoreUnavailableError
from app.domain.jobs import Failed, Indexed, Job, JobRequest, JobState
from app.flows.jobs import Jobs
from app.flows.running import Pace
from app.flows.watching import Ended, Event, ImageFailed, Progressed, Quiet, StateChanged, Watching
from tests.unit.flows.parts import image

WAIT_S = 20


@dataclass
class JobsOfALedger:
    """What the ledger has, at a pace that the test sets."""

    ledger: SqliteLedger
    now: Pace = field(default_factory=Pace)
    away: bool = False

    async def job(self, job_id: str) -> Job:
        """One job."""
        if self.away:
            raise StoreUnavailableError("away")
        if found := await self.ledger.job(job_id):
            return found
        raise NotFoundError("job_not_found", job_id)

    def pace(self, _: Job) -> Pace:
        """The test's."""
        return self.now


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(tmp_path / "jobs.sqlite3")) as ledger:
        yield ledger


@pytest.fixture
def jobs(ledger: SqliteLedger) -> JobsOfALedger:
    return JobsOfALedger(ledger)


def watching(jobs: JobsOfALedger, heartbeat_s: float = 60, max_watchers: int = 10) -> Watching:
    as_jobs = cast(Jobs, jobs)  # noqa: TC006 - imported for this alone
    return Watching(jobs.ledger, as_jobs, poll_s=0.002, heartbeat_s=heartbeat_s, max_watchers=max_watchers)


async def opened(ledger: SqliteLedger, count: int, label_id: str = "cups") -> str:
    """A running job of so many images."""
    job, _ = await ledger.open_index_job(JobRequest(label_id, count))
    await ledger.plan(job.job_id, 0, [image(f"{label_id}{number}", "http://a.example/") for number in range(count)])
    await ledger.planned(job.job_id, count)
    await ledger.start(job.job_id)
    return job.job_id


async def fail(ledger: SqliteLedger, job_id: str, positions: Sequence[int]) -> None:
    outcomes = [Failed(position, Reason.DNS, fetched=False) for position in positions]
    await ledger.record({job_id: outcomes})


async def take(events: AsyncGenerator[Event, None], count: int) -> list[Event]:
    async with asyncio.timeout(WAIT_S):
        return [await anext(events) for _ in range(count)]


async def rest(events: AsyncGenerator[Event, None]) -> list[Event]:
    async with asyncio.timeout(WAIT_S):
        return [event async for event in events]


def seqs(events: Sequence[Event]) -> list[int]:
    return [event.seq for event in events if isinstance(event, ImageFailed)]


async def test_a_job_is_told_from_its_state_over_its_failures_to_its_end(
    ledger: SqliteLedger, jobs: JobsOfALedger
) -> None:
    job_id = await opened(ledger, 2)
    async with aclosing(await watching(jobs).watch(job_id)) as events:
        (first,) = await take(events, 1)
        assert isinstance(first, StateChanged)
        assert (0, JobState.RUNNING) == (first.seq, first.job.state)
        await fail(ledger, job_id, [1])
        failed, progressed = await take(events, 2)
        assert isinstance(failed, ImageFailed)
        assert isinstance(progressed, Progressed)
        assert ("cups1", failed.seq, 1) == (failed.failure.image_id, progressed.seq, progressed.job.progress.failed)
        await ledger.finish(job_id, JobState.FAILED)
        changed, ended = await rest(events)
    assert isinstance(changed, StateChanged)
    assert isinstance(ended, Ended)
    assert (JobState.FAILED, failed.seq) == (ended.job.state, ended.seq)


async def test_who_comes_again_gets_each_failure_once_however_many_there_are(
    ledger: SqliteLedger, jobs: JobsOfALedger
) -> None:
    job_id = await opened(ledger, 2_500)
    await fail(ledger, job_id, range(2_500))
    await ledger.finish(job_id, JobState.FAILED)
    watch = watching(jobs)
    whole = await rest(await watch.watch(job_id))
    assert [StateChanged, *[ImageFailed] * 2_500, Ended] == [type(event) for event in whole]
    assert sorted(set(seqs(whole))) == seqs(whole)
    for seen in (1, 999, 1_000, 1_001, 2_500):
        missed = await rest(await watch.watch(job_id, seqs(whole)[seen - 1]))
        assert seqs(whole)[seen:] == seqs(missed)
        assert (StateChanged, Ended) == (type(missed[0]), type(missed[-1]))


async def test_a_failure_recorded_with_the_end_is_not_missed(ledger: SqliteLedger, jobs: JobsOfALedger) -> None:
    job_id = await opened(ledger, 3)
    await ledger.record({job_id: [Indexed(0)]})
    async with aclosing(await watching(jobs).watch(job_id)) as events:
        await take(events, 1)
        await ledger.cancel(job_id)
        later = await rest(events)
    assert [StateChanged, ImageFailed, ImageFailed, Progressed, Ended] == [type(event) for event in later]


async def test_a_parent_tells_the_failures_of_all_its_jobs(ledger: SqliteLedger, jobs: JobsOfALedger) -> None:
    children = [await opened(ledger, 1, label_id) for label_id in ("cups", "mugs")]
    parent = await ledger.open_index_jobs([JobRequest("cups", 1), JobRequest("mugs", 1)])
    for child in children:
        await fail(ledger, child, [0])
        await ledger.finish(child, JobState.FAILED)
    events = await rest(await watching(jobs).watch(parent.job_id))
    assert children == [event.failure.job_id for event in events if isinstance(event, ImageFailed)]
    assert isinstance(events[-1], Ended)


async def test_what_a_job_waits_for_is_part_of_its_state(ledger: SqliteLedger, jobs: JobsOfALedger) -> None:
    job_id = await opened(ledger, 1)
    async with aclosing(await watching(jobs).watch(job_id)) as events:
        await take(events, 1)
        jobs.now = replace(jobs.now, waiting_for="disk")
        (waits,) = await take(events, 1)
        jobs.now = replace(jobs.now, fetched_ahead=3)
        (ahead,) = await take(events, 1)
    assert isinstance(waits, StateChanged)
    assert isinstance(ahead, Progressed)
    assert ("disk", 3) == (waits.pace.waiting_for, ahead.pace.fetched_ahead)


async def test_a_rate_alone_is_no_news_but_silence_is_broken(ledger: SqliteLedger, jobs: JobsOfALedger) -> None:
    job_id = await opened(ledger, 1)
    async with aclosing(await watching(jobs, heartbeat_s=0.01).watch(job_id, 7)) as events:
        await take(events, 1)
        jobs.now = replace(jobs.now, rate_images_per_s=3.0)
        assert [Quiet(7), Quiet(7)] == await take(events, 2)


async def test_closing_ends_what_would_have_no_end(ledger: SqliteLedger, jobs: JobsOfALedger) -> None:
    job_id = await opened(ledger, 1)
    watch = watching(jobs)
    watchers = [asyncio.create_task(rest(await watch.watch(job_id))) for _ in range(3)]
    await asyncio.sleep(0.02)
    watch.close()
    for events in await asyncio.gather(*watchers):
        assert [StateChanged] == [type(event) for event in events]


async def test_a_ledger_that_is_away_ends_the_events_without_an_end(ledger: SqliteLedger, jobs: JobsOfALedger) -> None:
    job_id = await opened(ledger, 1)
    async with aclosing(await watching(jobs).watch(job_id)) as events:
        await take(events, 1)
        jobs.away = True
        assert [] == await rest(events)


async def test_an_unknown_job_is_told_before_the_first_event(jobs: JobsOfALedger) -> None:
    with pytest.raises(NotFoundError):
        await watching(jobs).watch("b2")


async def test_watchers_are_so_many_and_who_leaves_makes_room(ledger: SqliteLedger, jobs: JobsOfALedger) -> None:
    job_id = await opened(ledger, 1)
    watch = watching(jobs, max_watchers=1)
    events = await watch.watch(job_id)
    await take(events, 1)
    with pytest.raises(BusyError):
        await watch.watch(job_id)
    await events.aclose()
    async with aclosing(await watch.watch(job_id)) as again:
        assert [StateChanged] == [type(event) for event in await take(again, 1)]
