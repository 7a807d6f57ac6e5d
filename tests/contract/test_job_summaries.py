"""Summaries of jobs, in memory and on a real server, keep the same promises."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from app.adapters.ledger.ledger import SqliteLedger
from app.adapters.ledger.mirrored import MirroredLedger
from app.adapters.ledger.summaries import Summaries, Summary
from app.adapters.stores.elasticsearch.client import Cluster, ClusterOptions, opened
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.jobs_mirror import JobSummaries
from app.adapters.stores.elasticsearch.mappings import IndexOptions, Names, jobs_index
from app.domain.errors import NotTheIndexerError, Reason
from app.domain.jobs import Job, JobKind, JobMode, JobRequest, JobState, Progress
from tests.summaries import FakeSummaries
from tests.unit.flows.leadership import FakeLeadership

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
PLAIN = Job("a0", JobKind.INDEX, JobState.QUEUED, "cups", NOW)
FULL = Job(
    job_id="f0",
    kind=JobKind.INDEX,
    state=JobState.PARTIALLY_SUCCEEDED,
    label_id=None,
    created_at=NOW + timedelta(microseconds=7),
    limit=9,
    mode=JobMode.REBUILD,
    retry_of="e0",
    remarks=("robots.txt was not obeyed",),
    progress=Progress(6, 5, 4, 3, 2, 1),
    failures_by_reason={Reason.DNS: 2, Reason.HTTP_404: 1},
    parent_id="d0",
    children=("b0", "c0"),
    started_at=NOW,
    finished_at=NOW + timedelta(days=1),
    detail='Ünïcode and "quotes"',
    is_parent=True,
)


def summary(job: Job, where: str = "http://one.example") -> Summary:
    return Summary(job, "ledger", where)


def aged(number: int, state: JobState = JobState.RUNNING, job_id: str | None = None) -> Job:
    """A job so many microseconds old."""
    at = NOW + timedelta(microseconds=number)
    return replace(PLAIN, job_id=job_id or f"{number:x}", state=state, label_id=f"l{number}", created_at=at)


@pytest.fixture
async def cluster(elasticsearch_8: str) -> AsyncIterator[Cluster]:
    async with opened(ClusterOptions((elasticsearch_8,))) as cluster:
        yield cluster


@pytest.fixture
async def names(cluster: Cluster) -> AsyncIterator[Names]:
    """An index for the summaries of one test."""
    names = Names(f"jobs-{uuid4().hex[:12]}")
    await cluster.request("PUT", f"/{names.jobs}", jobs_index(IndexOptions()))
    yield names
    await cluster.request("DELETE", f"/{names.jobs}")


def fence_of(number: int) -> Fence:
    fence = Fence()
    fence.raise_to(number)
    return fence


@pytest.fixture(params=["memory", "elasticsearch"])
def summaries(request: pytest.FixtureRequest) -> Summaries:
    if request.param == "memory":
        return FakeSummaries()
    return JobSummaries(request.getfixturevalue("cluster"), request.getfixturevalue("names"), fence_of(1))


async def test_a_summary_is_read_as_it_was_put_and_the_latest_counts(summaries: Summaries) -> None:
    await summaries.put([summary(PLAIN), summary(FULL)])
    assert [summary(FULL)] == await summaries.known(["f0", "nothing"])
    later = summary(replace(PLAIN, state=JobState.RUNNING), "http://two.example")
    await summaries.put([later])
    assert [later] == await summaries.known(["a0"])
    assert [] == await summaries.known([])


async def test_the_newest_come_first_to_the_microsecond_and_by_id_within_one(summaries: Summaries) -> None:
    jobs = [aged(number) for number in (3, 1, 1000, 2)] + [aged(2, job_id="b"), aged(0)]
    await summaries.put([summary(job) for job in jobs])
    expected = sorted(jobs, key=lambda job: (job.created_at, job.job_id), reverse=True)
    assert expected == await summaries.jobs(None, 100)
    for cut in range(1, len(expected)):
        last = expected[cut - 1]
        assert expected[cut : cut + 2] == await summaries.jobs((last.created_at, last.job_id), 2)


async def test_live_jobs_are_told_oldest_first_and_by_label_as_soon_as_they_are_put(summaries: Summaries) -> None:
    ended = [aged(number, state) for number, state in enumerate(JobState) if state not in {"queued", "running"}]
    live = [aged(20), replace(aged(21, JobState.QUEUED), label_id=None, is_parent=True, children=("14",))]
    await summaries.put([summary(job) for job in (*reversed(live), *ended)])
    assert live == [one.job for one in await summaries.live()]
    assert live[0] == await summaries.live_job("l20")
    assert await summaries.live_job(ended[0].label_id or "") is None
    await summaries.put([summary(replace(live[0], state=JobState.SUCCEEDED))])
    assert live[1:] == [one.job for one in await summaries.live()]


async def test_thousands_of_live_jobs_are_all_told(summaries: Summaries) -> None:
    jobs = [aged(number) for number in range(2_019)]
    await summaries.put([summary(job) for job in jobs])
    assert jobs == [one.job for one in await summaries.live()]
    assert len(jobs) == len(await summaries.known([job.job_id for job in jobs]))


async def test_where_nothing_was_put_yet_there_is_nothing(cluster: Cluster) -> None:
    empty = JobSummaries(cluster, Names(f"jobs-{uuid4().hex[:12]}"), Fence())
    assert ([], [], [], None) == (
        await empty.known(["a0"]),
        await empty.jobs(None, 9),
        await empty.live(),
        await empty.live_job("cups"),
    )


async def test_a_former_indexer_overwrites_nothing_and_learns_that_it_is_none(cluster: Cluster, names: Names) -> None:
    fence = fence_of(1)
    former, present = JobSummaries(cluster, names, fence), JobSummaries(cluster, names, fence_of(2))
    await former.put([summary(PLAIN)])
    later = summary(replace(PLAIN, state=JobState.SUCCEEDED))
    await present.put([later])
    with pytest.raises(NotTheIndexerError):
        await former.put([summary(PLAIN)])
    assert not fence.held
    assert [later] == await former.known(["a0"])


async def test_many_writers_in_one_process_are_not_taken_for_another(cluster: Cluster, names: Names) -> None:
    one = JobSummaries(cluster, names, fence_of(1))
    await asyncio.gather(*(one.put([summary(PLAIN), summary(aged(number))]) for number in range(20)))
    assert 21 == len(await one.live())


async def test_jobs_go_on_in_another_process_on_a_real_server(cluster: Cluster, names: Names, tmp_path: Path) -> None:
    with ExitStack() as stack:
        ledgers = []
        for number in (1, 2):
            own = stack.enter_context(closing(SqliteLedger(tmp_path / f"{number}.sqlite3")))
            mirror = JobSummaries(cluster, names, fence_of(number))
            ledgers.append(MirroredLedger(own, mirror, FakeLeadership(), f"http://{number}.example"))
        first, second = ledgers
        await first.take_over()
        parent = await first.open_index_jobs([JobRequest(label_id, 5) for label_id in ("cups", "mugs", "hats")])
        await first.start(parent.children[0])
        await second.take_over()
        assert list(parent.children) == [job.job_id for job in await second.live()]
        with pytest.raises(NotTheIndexerError):
            await first.open_index_job(JobRequest("bags", 1))
        assert await second.live_job("bags") is await first.live_job("bags") is None
        assert 4 == len(await second.jobs(None, 9))
        await first.finish(parent.children[0], JobState.FAILED)
        for child in parent.children:
            await second.finish(child, JobState.SUCCEEDED)
        await first.let_go()
        for ledger in (second, first):
            seen = await ledger.job(parent.job_id)
            assert seen is not None
            assert (JobState.SUCCEEDED, parent.children) == (seen.state, seen.children)
        await second.let_go()
        assert [JobState.SUCCEEDED] * 4 == [job.state for job in await first.jobs(None, 9)]
