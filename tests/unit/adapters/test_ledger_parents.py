import asyncio

import pytest

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import Reason
from app.domain.jobs import AlreadyThere, Indexed, JobMode, JobRequest, JobState, Progress
from tests.unit.adapters.ledger_steps import end, failed, opened, parent_of, plan, seen


async def test_a_parent_is_what_its_children_are(ledger: SqliteLedger) -> None:
    parent = await parent_of(ledger, ["b", "a"])
    children = parent.children
    assert parent.is_parent
    assert (None, JobState.QUEUED) == (parent.label_id, parent.state)
    assert ["b", "a"] == [(await seen(ledger, child)).label_id for child in children]
    await ledger.start(children[0])
    running = await seen(ledger, parent.job_id)
    assert (JobState.RUNNING, (await seen(ledger, children[0])).started_at) == (running.state, running.started_at)
    await ledger.finish(children[0], JobState.SUCCEEDED)
    between = await seen(ledger, parent.job_id)
    assert (JobState.RUNNING, None) == (between.state, between.finished_at)
    await ledger.finish(children[1], JobState.FAILED)
    ended = await seen(ledger, parent.job_id)
    assert (JobState.PARTIALLY_SUCCEEDED, (await seen(ledger, children[1])).finished_at) == (
        ended.state,
        ended.finished_at,
    )
    assert (running.started_at, children) == (ended.started_at, ended.children)


async def test_a_label_with_a_live_job_is_linked_and_no_label_twice(ledger: SqliteLedger) -> None:
    live = await opened(ledger, "b")
    parent = await parent_of(ledger, ["a", "b", "a"])
    first, second = parent.children
    assert ("a", live) == ((await seen(ledger, first)).label_id, second)
    assert {parent.job_id} == {(await seen(ledger, child)).parent_id for child in parent.children}
    assert [live, first] == [job.job_id for job in await ledger.live()]


async def test_a_child_of_two_parents_belongs_to_the_first_and_counts_in_both(ledger: SqliteLedger) -> None:
    first = await parent_of(ledger, ["a"], 3)
    second = await parent_of(ledger, ["a", "b"], 3)
    assert first.job_id == (await seen(ledger, first.children[0])).parent_id
    await end(ledger, *second.children)
    assert [JobState.PARTIALLY_SUCCEEDED] * 2 == [
        (await seen(ledger, parent.job_id)).state for parent in (first, second)
    ]


async def test_of_parents_made_at_once_each_label_has_one_live_job(ledger: SqliteLedger) -> None:
    labels = [f"label{number}" for number in range(30)]
    parents = await asyncio.gather(*(parent_of(ledger, labels[number:]) for number in range(8)))
    assert set(labels) == {job.label_id for job in await ledger.live()}
    assert len(labels) == len(await ledger.live())
    assert [len(labels) - number for number in range(8)] == [len(parent.children) for parent in parents]


async def test_a_parents_total_is_right_from_the_start_and_after_each_plan(ledger: SqliteLedger) -> None:
    requests = [JobRequest("a", 20), JobRequest("b", 20, limit=5)]
    parent = await ledger.open_index_jobs(requests)
    assert Progress(total=25) == parent.progress
    await plan(ledger, parent.children[0], 18, "a")
    assert Progress(total=23) == (await seen(ledger, parent.job_id)).progress


async def test_a_parent_says_the_mode_and_limit_that_its_children_have_in_common(ledger: SqliteLedger) -> None:
    same = await ledger.open_index_jobs([JobRequest(label, 9, 4, JobMode.RESUME) for label in "ab"])
    sync = await ledger.open_index_jobs([JobRequest(label, 9, mode=JobMode.SYNC) for label in "cd"])
    mixed = await ledger.open_index_jobs([JobRequest("e", 9, 4), JobRequest("f", 9, mode=JobMode.REBUILD)])
    expected = [(4, JobMode.RESUME), (None, JobMode.SYNC), (None, JobMode.RESUME)]
    assert expected == [(job.limit, job.mode) for job in (same, sync, mixed)]


async def test_a_parent_without_children_has_succeeded_at_once(ledger: SqliteLedger) -> None:
    parent = await ledger.open_index_jobs([])
    assert parent.is_parent
    assert (JobState.SUCCEEDED, (), Progress()) == (parent.state, parent.children, parent.progress)
    assert parent.created_at == parent.finished_at


async def test_a_parent_cannot_be_ended_but_by_its_children(ledger: SqliteLedger) -> None:
    parent = await parent_of(ledger, ["a"], 2)
    await ledger.start(parent.job_id)
    await ledger.finish(parent.job_id, JobState.FAILED)
    await ledger.cancel(parent.job_id)
    assert parent == await seen(ledger, parent.job_id)
    assert (await seen(ledger, parent.children[0])).state is JobState.QUEUED


@pytest.mark.parametrize("ended", [False, True])
async def test_a_parent_counts_its_childrens_images_together(ledger: SqliteLedger, *, ended: bool) -> None:
    parent = await parent_of(ledger, ["a", "b"])
    one, other = parent.children
    await plan(ledger, one, 3, "a")
    await plan(ledger, other, 2, "b")
    await ledger.record({one: [failed(0), failed(1, Reason.TLS), Indexed(2)], other: [failed(0), AlreadyThere(1)]})
    if ended:
        await end(ledger, one, other)
    job = await seen(ledger, parent.job_id)
    assert {Reason.DNS: 2, Reason.TLS: 1} == dict(job.failures_by_reason)
    assert Progress(total=5, downloaded=1, already_there=1, failed=3, embedded=1, indexed=1) == job.progress


async def test_what_comes_after_the_end_counts_in_the_parent_too(ledger: SqliteLedger) -> None:
    parent = await parent_of(ledger, ["a"])
    (child,) = parent.children
    await plan(ledger, child, 3, "a")
    await ledger.record({child: [failed(0)]})
    await ledger.finish(child, JobState.INTERRUPTED)
    await ledger.record({child: [Indexed(1), failed(2)]})
    expected = await seen(ledger, child)
    job = await seen(ledger, parent.job_id)
    assert (expected.progress, {Reason.DNS: 2}) == (job.progress, dict(job.failures_by_reason))
    assert (JobState.INTERRUPTED, expected.finished_at) == (job.state, job.finished_at)


async def test_an_ended_parent_is_read_from_its_own_row_alone(ledger: SqliteLedger) -> None:
    parent = await parent_of(ledger, ["a", "b"])
    for child in parent.children:
        await plan(ledger, child, 2, "a")
        await ledger.record({child: [Indexed(0), failed(1)]})
        await end(ledger, child)
    before = await seen(ledger, parent.job_id)
    tables = {"jobs": "total = 99, state = 'failed' WHERE NOT is_parent", "failures": "count = 99 WHERE job_id != ?"}
    for table, change in tables.items():
        values = (parent.job_id,) if "?" in change else ()
        await ledger._file.write(lambda db, *given: db.execute(*given) and None, f"UPDATE {table} SET {change}", values)
    assert (
        Progress(total=99, downloaded=1, failed=1, embedded=1, indexed=1)
        == (await seen(ledger, parent.children[0])).progress
    )
    assert before == await seen(ledger, parent.job_id)


async def test_a_parent_of_thousands_is_opened_and_ends_as_one(ledger: SqliteLedger) -> None:
    parent = await parent_of(ledger, [f"label{number}" for number in range(2019)], 500)
    assert Progress(total=2019 * 500) == parent.progress
    labels = [job.label_id for job in await ledger.live()]
    assert [f"label{number}" for number in range(2019)] == labels
    assert parent.job_id == (await ledger.jobs(None, 1))[0].job_id
