import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import DataFolderError
from app.domain.jobs import Job, JobKind, JobMode, JobRequest, JobState, Progress
from tests.unit.adapters.ledger_steps import opened, parent_of, planned, seen

ENDED = [state for state in JobState if state not in {JobState.QUEUED, JobState.RUNNING}]


async def test_a_new_job_waits_with_nothing_done(ledger: SqliteLedger) -> None:
    before = datetime.now(UTC)
    job, new = await ledger.open_index_job(JobRequest("shoes", 50, 7, JobMode.REBUILD))
    expected = Job(
        job.job_id,
        JobKind.INDEX,
        JobState.QUEUED,
        "shoes",
        job.created_at,
        limit=7,
        mode=JobMode.REBUILD,
        progress=Progress(total=7),
    )
    assert (expected, True) == (job, new)
    assert expected == await seen(ledger, job.job_id) == await ledger.live_job("shoes")
    assert before <= job.created_at <= datetime.now(UTC)
    assert not await ledger.is_planned(job.job_id)


@pytest.mark.parametrize(("limit", "total"), [(None, 50), (7, 7), (90, 50)])
async def test_before_the_plan_the_total_is_what_is_expected(
    ledger: SqliteLedger, limit: int | None, total: int
) -> None:
    job, _ = await ledger.open_index_job(JobRequest("shoes", 50, limit))
    assert Progress(total=total) == job.progress


async def test_an_unknown_job_is_none(ledger: SqliteLedger) -> None:
    assert await ledger.job("unknown") is None
    assert await ledger.live_job("shoes") is None
    assert not await ledger.live()
    assert not await ledger.jobs(None, 10)


async def test_a_label_has_one_live_job_however_many_ask_at_once(ledger: SqliteLedger) -> None:
    answers = await asyncio.gather(*(ledger.open_index_job(JobRequest("shoes", 99, number)) for number in range(20)))
    (first,) = [job for job, new in answers if new]
    assert {first.job_id} == {job.job_id for job, _ in answers}
    assert {first.limit} == {job.limit for job, _ in answers}
    other = await opened(ledger, "hats")
    assert {first.job_id, other} == {job.job_id for job in await ledger.live()}


async def test_a_label_has_one_live_job_through_two_openings_of_the_file(
    ledger: SqliteLedger, ledger_file: Path
) -> None:
    with closing(SqliteLedger(ledger_file)) as other:
        request = JobRequest("shoes", 1)
        answers = await asyncio.gather(*(each.open_index_job(request) for each in (ledger, other) * 10))
    (first,) = [job.job_id for job, new in answers if new]
    assert {first} == {job.job_id for job, _ in answers}


@pytest.mark.parametrize("state", ENDED)
async def test_after_a_job_has_ended_its_label_can_have_a_new_one(ledger: SqliteLedger, state: JobState) -> None:
    first = await opened(ledger)
    await ledger.start(first)
    await ledger.finish(first, state)
    assert await ledger.live_job("shoes") is None
    assert first != await opened(ledger)


async def test_a_job_goes_from_queued_to_running_to_its_end(ledger: SqliteLedger) -> None:
    job_id = await opened(ledger)
    await ledger.start(job_id)
    running = await seen(ledger, job_id)
    assert running.state is JobState.RUNNING
    assert running.started_at is not None
    assert running.finished_at is None
    await ledger.finish(job_id, JobState.FAILED, "The disk was full.")
    ended = await seen(ledger, job_id)
    assert (JobState.FAILED, "The disk was full.", running.started_at) == (ended.state, ended.detail, ended.started_at)
    assert ended.finished_at is not None
    assert running.created_at <= running.started_at <= ended.finished_at


async def test_a_job_that_is_started_again_began_when_it_began_first(ledger: SqliteLedger) -> None:
    job_id = await opened(ledger)
    await ledger.start(job_id)
    before = await seen(ledger, job_id)
    await ledger.start(job_id)
    assert before == await seen(ledger, job_id)


async def test_what_a_job_remarked_once_it_keeps_and_says_once(ledger: SqliteLedger) -> None:
    job_id = await opened(ledger)
    for remarks in (["robots.txt is not obeyed"], [], ["one network is allowed", "robots.txt is not obeyed"]):
        await ledger.start(job_id, remarks)
    assert ("robots.txt is not obeyed", "one network is allowed") == (await seen(ledger, job_id)).remarks


@pytest.mark.parametrize("state", ENDED)
async def test_a_job_that_has_ended_stays_as_it_is(ledger: SqliteLedger, state: JobState) -> None:
    job_id = await opened(ledger)
    await ledger.finish(job_id, state, "first")
    before = await seen(ledger, job_id)
    await ledger.start(job_id, ["late"])
    await ledger.finish(job_id, JobState.SUCCEEDED, "second")
    await ledger.cancel(job_id)
    assert before == await seen(ledger, job_id)


async def test_live_jobs_come_oldest_first_without_parents(ledger: SqliteLedger) -> None:
    first = await opened(ledger, "z")
    parent = await parent_of(ledger, ["b", "z", "a"])
    third = await opened(ledger, "c")
    await ledger.start(parent.children[2])
    await ledger.finish(third, JobState.SUCCEEDED)
    assert [first, parent.children[0], parent.children[2]] == [job.job_id for job in await ledger.live()]


async def test_jobs_come_newest_first_page_by_page(ledger: SqliteLedger) -> None:
    made = [await opened(ledger, f"label{number}") for number in range(5)]
    parent = await parent_of(ledger, ["label1", "new", "newer"])
    made += [*parent.children[1:], parent.job_id]
    before, pages = None, []
    while page := await ledger.jobs(before, 3):
        pages.append([job.job_id for job in page])
        before = (page[-1].created_at, page[-1].job_id)
    expected = [3, 3, 2]
    assert expected == [len(page) for page in pages]
    assert made[::-1] == [job_id for page in pages for job_id in page]


async def test_a_listed_job_is_the_same_as_one_asked_for_alone(ledger: SqliteLedger) -> None:
    await planned(ledger, 3, "a")
    await ledger.cancel((await ledger.live())[0].job_id)
    await ledger.start((await parent_of(ledger, ["a", "b"])).children[0])
    jobs = await ledger.jobs(None, 10)
    expected = 4
    assert expected == len(jobs)
    assert [await seen(ledger, job.job_id) for job in jobs] == jobs


async def test_a_job_made_between_two_pages_moves_nothing(ledger: SqliteLedger) -> None:
    made = [await opened(ledger, f"label{number}") for number in range(4)]
    (*_, last) = await ledger.jobs(None, 2)
    await opened(ledger, "later")
    assert made[1::-1] == [job.job_id for job in await ledger.jobs((last.created_at, last.job_id), 10)]


async def test_jobs_older_than_a_moment_are_those_made_before_it(ledger: SqliteLedger) -> None:
    await opened(ledger)
    (job,) = await ledger.jobs(None, 1)
    assert [job] == await ledger.jobs((job.created_at + timedelta(microseconds=1), ""), 10)
    assert not await ledger.jobs((job.created_at, ""), 10)


async def test_everything_survives_an_opening_anew(ledger_file: Path) -> None:
    with closing(SqliteLedger(ledger_file)) as ledger:
        child = await planned(ledger, 3, "a")
        await ledger.start(child, ["remarkable"])
        await parent_of(ledger, ["a", "b"], 4)
        before = await ledger.jobs(None, 10), await ledger.live(), await ledger.pending(child, -1, 10)
    with closing(SqliteLedger(ledger_file)) as ledger:
        assert before == (await ledger.jobs(None, 10), await ledger.live(), await ledger.pending(child, -1, 10))
        await ledger.ping()


def test_a_file_that_is_no_ledger_is_said_to_be_so(ledger_file: Path) -> None:
    ledger_file.write_bytes(b"This is no database. " * 100)
    with pytest.raises(DataFolderError, match=r"jobs\.sqlite3"):
        SqliteLedger(ledger_file)
