import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import ConflictError, NotFoundError, Reason
from app.domain.jobs import AlreadyThere, Indexed, JobMode, JobRequest, JobState, Outcome, Progress
from tests.unit.adapters.ledger_steps import end, failed, opened, parent_of, plan, planned, seen
from tests.unit.domain.samples import catalogue_images

MIXED: list[Outcome] = [
    Indexed(0),
    failed(4),
    failed(1, Reason.TLS),
    AlreadyThere(2),
    failed(3),
    failed(5, Reason.ROBOTS),
]


async def ended_job(ledger: SqliteLedger, label_id: str = "shoes") -> str:
    job_id = await planned(ledger, 6, label_id)
    await ledger.record({job_id: MIXED})
    await end(ledger, job_id)
    return job_id


async def planned_names(ledger: SqliteLedger, job_id: str) -> list[str]:
    pending = await ledger.pending(job_id, -1, 100)
    assert list(range(len(pending))) == [each.position for each in pending]
    return [each.image.name for each in pending]


async def test_a_retry_is_a_new_planned_job_of_what_failed(ledger: SqliteLedger) -> None:
    job_id = await ended_job(ledger)
    before = await seen(ledger, job_id)
    retry, new = await ledger.open_retry(job_id, [])
    assert new
    assert (job_id, "shoes", JobMode.RESUME, None) == (retry.retry_of, retry.label_id, retry.mode, retry.limit)
    assert (JobState.QUEUED, Progress(total=4), {}) == (retry.state, retry.progress, retry.failures_by_reason)
    assert await ledger.is_planned(retry.job_id)
    wanted = [catalogue_images(6)[position] for position in (1, 3, 4, 5)]
    assert wanted == [each.image for each in await ledger.pending(retry.job_id, -1, 100)]
    assert retry == await seen(ledger, retry.job_id) == await ledger.live_job("shoes")
    assert before == await seen(ledger, job_id)


@pytest.mark.parametrize(
    ("reasons", "names"),
    [
        ([Reason.DNS], ["3.jpg", "4.jpg"]),
        ([Reason.TLS, Reason.ROBOTS, Reason.HTTP_403], ["1.jpg", "5.jpg"]),
        (list(Reason), ["1.jpg", "3.jpg", "4.jpg", "5.jpg"]),
    ],
)
async def test_a_retry_takes_the_reasons_that_are_named(
    ledger: SqliteLedger, reasons: list[Reason], names: list[str]
) -> None:
    retry, _ = await ledger.open_retry(await ended_job(ledger), reasons)
    assert names == await planned_names(ledger, retry.job_id)
    assert Progress(total=len(names)) == retry.progress


async def test_a_retry_runs_and_can_be_retried_as_any_job(ledger: SqliteLedger) -> None:
    retry, _ = await ledger.open_retry(await ended_job(ledger), [])
    await ledger.record({retry.job_id: [Indexed(0), failed(1), Indexed(2), failed(3, Reason.TLS)]})
    await end(ledger, retry.job_id)
    again, _ = await ledger.open_retry(retry.job_id, [])
    assert retry.job_id == again.retry_of
    assert ["3.jpg", "5.jpg"] == await planned_names(ledger, again.job_id)


async def test_what_a_cancel_left_can_be_retried(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 4)
    await ledger.record({job_id: [Indexed(1), failed(2)]})
    await ledger.cancel(job_id)
    retry, _ = await ledger.open_retry(job_id, [Reason.CANCELLED])
    assert ["0.jpg", "3.jpg"] == await planned_names(ledger, retry.job_id)


async def test_where_the_label_has_another_live_job_that_is_the_answer(ledger: SqliteLedger) -> None:
    job_id = await ended_job(ledger)
    live = await opened(ledger)
    retry, new = await ledger.open_retry(job_id, [])
    assert (await seen(ledger, live), False) == (retry, new)


async def test_however_many_retry_at_once_there_is_one_retry(ledger: SqliteLedger) -> None:
    job_id = await ended_job(ledger)
    answers = await asyncio.gather(*(ledger.open_retry(job_id, []) for _ in range(10)))
    (first,) = [job.job_id for job, new in answers if new]
    assert {first} == {job.job_id for job, _ in answers}


async def test_an_unknown_job_a_live_one_and_one_without_such_failures_cannot_be_retried(ledger: SqliteLedger) -> None:
    with pytest.raises(NotFoundError) as unknown:
        await ledger.open_retry("unknown", [])
    live = await planned(ledger, 2, "live")
    await ledger.record({live: [failed(0)]})
    with pytest.raises(ConflictError) as not_ended:
        await ledger.open_retry(live, [])
    with pytest.raises(ConflictError) as nothing:
        await ledger.open_retry(await ended_job(ledger), [Reason.HTTP_403])
    expected = ["job_not_found", "job_live", "nothing_to_retry"]
    assert expected == [each.value.code for each in (unknown, not_ended, nothing)]
    assert [live] == [job.job_id for job in await ledger.live()]


async def test_a_parents_retry_is_a_parent_of_a_retry_for_each_child_with_such_failures(ledger: SqliteLedger) -> None:
    parent = await parent_of(ledger, ["a", "b", "c"])
    for child, label_id in zip(parent.children, "abc", strict=True):
        await plan(ledger, child, 3, label_id)
    one, two, three = parent.children
    await ledger.record({one: [failed(0)], two: [failed(0, Reason.TLS)], three: [failed(1), failed(2), Indexed(0)]})
    await end(ledger, *parent.children)
    retry, new = await ledger.open_retry(parent.job_id, [Reason.DNS])
    assert new
    assert (True, parent.job_id, None, Progress(total=3)) == (
        retry.is_parent,
        retry.retry_of,
        retry.label_id,
        retry.progress,
    )
    children = [await seen(ledger, child) for child in retry.children]
    assert [("a", one), ("c", three)] == [(child.label_id, child.retry_of) for child in children]
    assert {retry.job_id} == {child.parent_id for child in children}
    assert [["0.jpg"], ["1.jpg", "2.jpg"]] == [await planned_names(ledger, child) for child in retry.children]
    assert [*retry.children] == [job.job_id for job in await ledger.live()]
    assert retry == (await ledger.jobs(None, 1))[0]


async def test_a_parents_retry_links_the_live_jobs_of_its_childrens_labels(ledger: SqliteLedger) -> None:
    parent = await parent_of(ledger, ["a", "b"])
    for child in parent.children:
        await plan(ledger, child, 1, "any")
        await ledger.cancel(child)
    live = await opened(ledger, "b")
    retry, _ = await ledger.open_retry(parent.job_id, [])
    assert 2 == len(retry.children)
    assert live == retry.children[1]
    assert (None, retry.job_id) == ((await seen(ledger, live)).retry_of, (await seen(ledger, live)).parent_id)


async def test_a_parent_is_not_retried_while_a_child_is_live_nor_without_failures(ledger: SqliteLedger) -> None:
    parent = await ledger.open_index_jobs([JobRequest("a", 1), JobRequest("b", 1)])
    await plan(ledger, parent.children[0], 1, "a")
    await ledger.cancel(parent.children[0])
    with pytest.raises(ConflictError) as live:
        await ledger.open_retry(parent.job_id, [])
    await end(ledger, parent.children[1])
    with pytest.raises(ConflictError) as nothing:
        await ledger.open_retry(parent.job_id, [Reason.DNS])
    assert ["job_live", "nothing_to_retry"] == [each.value.code for each in (live, nothing)]


async def test_a_retry_survives_an_opening_anew(ledger_file: Path) -> None:
    with closing(SqliteLedger(ledger_file)) as ledger:
        retry, _ = await ledger.open_retry(await ended_job(ledger), [])
    with closing(SqliteLedger(ledger_file)) as ledger:
        assert [retry] == await ledger.live()
        expected = 4
        assert expected == len(await planned_names(ledger, retry.job_id))
