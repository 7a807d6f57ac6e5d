import asyncio
import tempfile
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.ledger import SqliteLedger
from app.domain.errors import Reason
from app.domain.jobs import AlreadyThere, Failed, Indexed, Job, JobState, Outcome, PlannedImage, Progress, tally
from app.domain.records import CatalogueImage
from tests.unit.domain.samples import catalogue_images

NO_TEXT = b"caf\xe9 \xff".decode("utf-8", "surrogateescape")


async def planned(ledger: SqliteLedger, count: int, label_id: str = "shoes") -> str:
    job, _ = await ledger.open_index_job(label_id, None)
    await ledger.plan(job.job_id, catalogue_images(count, label_id))
    return job.job_id


async def seen(ledger: SqliteLedger, job_id: str) -> Job:
    job = await ledger.job(job_id)
    assert job is not None
    return job


async def positions(ledger: SqliteLedger, job_id: str, after: int = -1, count: int = 100) -> list[int]:
    return [each.position for each in await ledger.pending(job_id, after, count)]


async def test_a_plan_is_every_image_in_order(ledger: SqliteLedger) -> None:
    job, _ = await ledger.open_index_job("shoes", None)
    images = [
        *catalogue_images(3),
        CatalogueImage("0" * 24, "caf\ufffd.jpg", "shoes", "shoes:Größe", f"shoes/{NO_TEXT}.jpg"),
    ]
    assert not await ledger.is_planned(job.job_id)
    await ledger.plan(job.job_id, images)
    assert await ledger.is_planned(job.job_id)
    expected = [PlannedImage(position, image) for position, image in enumerate(images)]
    assert expected == await ledger.pending(job.job_id, -1, 10)
    assert Progress(total=len(images)) == (await seen(ledger, job.job_id)).progress


async def test_a_job_is_planned_once(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 3)
    await ledger.plan(job_id, catalogue_images(9, "others"))
    await asyncio.gather(*(ledger.plan(job_id, catalogue_images(number)) for number in range(5)))
    assert catalogue_images(3) == [each.image for each in await ledger.pending(job_id, -1, 10)]
    assert Progress(total=3) == (await seen(ledger, job_id)).progress


async def test_of_a_plan_that_fails_nothing_is_written(ledger: SqliteLedger) -> None:
    job, _ = await ledger.open_index_job("shoes", None)
    with pytest.raises(TypeError):
        await ledger.plan(job.job_id, [*catalogue_images(3), cast("CatalogueImage", None)])
    assert not await ledger.is_planned(job.job_id)
    assert not await ledger.pending(job.job_id, -1, 10)
    await ledger.plan(job.job_id, catalogue_images(2))
    assert list(range(2)) == await positions(ledger, job.job_id)


async def test_a_plan_of_no_images_is_one(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 0)
    assert await ledger.is_planned(job_id)
    assert not await ledger.pending(job_id, -1, 10)


async def test_pending_images_come_by_position_behind_another_and_so_many(ledger: SqliteLedger) -> None:
    job_id, other = await planned(ledger, 6), await planned(ledger, 2, "hats")
    await ledger.record(job_id, [Indexed(1), AlreadyThere(4)])
    expected = [[0, 2, 3, 5], [2, 3], [5], []]
    assert expected == [
        await positions(ledger, job_id),
        await positions(ledger, job_id, after=0, count=2),
        await positions(ledger, job_id, after=3),
        await positions(ledger, job_id, after=5),
    ]
    assert list(range(2)) == await positions(ledger, other)


async def test_outcomes_are_counted(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 6)
    await ledger.record(job_id, [Indexed(0), Indexed(1, embedded=False), AlreadyThere(2)])
    await ledger.record(
        job_id,
        [
            Failed(3, Reason.UNDECODABLE, fetched=True),
            Failed(4, Reason.FILE_MISSING, fetched=False),
            Failed(5, Reason.UNDECODABLE, fetched=True),
        ],
    )
    job = await seen(ledger, job_id)
    expected = Progress(total=6, downloaded=4, already_there=1, failed=3, embedded=1, indexed=2)
    assert (expected, {Reason.UNDECODABLE: 2, Reason.FILE_MISSING: 1}) == (job.progress, job.failures_by_reason)
    assert expected.total == job.progress.done
    assert not await positions(ledger, job_id)


async def test_an_outcome_that_is_recorded_twice_counts_once_and_the_first_stays(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 2)
    await ledger.record(job_id, [Failed(0, Reason.TOO_SMALL, fetched=True)])
    await ledger.record(job_id, [Indexed(0), Indexed(1)])
    await asyncio.gather(*(ledger.record(job_id, [Indexed(0), Indexed(1)]) for _ in range(5)))
    job = await seen(ledger, job_id)
    expected = Progress(total=2, downloaded=2, failed=1, embedded=1, indexed=1)
    assert (expected, {Reason.TOO_SMALL: 1}) == (job.progress, job.failures_by_reason)


async def test_an_outcome_of_an_image_that_was_not_planned_counts_nothing(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 1)
    await ledger.record(job_id, [Indexed(1), Failed(-1, Reason.DNS, fetched=False)])
    await ledger.record("unknown", [Indexed(0)])
    await ledger.record(job_id, [])
    job = await seen(ledger, job_id)
    assert (Progress(total=1), {}) == (job.progress, job.failures_by_reason)


async def test_cancelling_ends_the_images_that_are_left(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 5)
    await ledger.start(job_id)
    await ledger.record(job_id, [Indexed(0), Failed(1, Reason.TOO_LARGE, fetched=True)])
    await ledger.cancel(job_id)
    job = await seen(ledger, job_id)
    assert (JobState.CANCELLED, {Reason.TOO_LARGE: 1, Reason.CANCELLED: 3}) == (job.state, job.failures_by_reason)
    assert Progress(total=5, downloaded=2, failed=4, embedded=1, indexed=1) == job.progress
    assert job.finished_at is not None
    assert not await positions(ledger, job_id)


async def test_what_comes_after_a_cancel_counts_nothing(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 3)
    await ledger.cancel(job_id)
    before = await seen(ledger, job_id)
    await ledger.cancel(job_id)
    await ledger.record(job_id, [Indexed(0), Indexed(1)])
    assert before == await seen(ledger, job_id)


async def test_a_job_that_was_not_planned_can_be_cancelled(ledger: SqliteLedger) -> None:
    job, _ = await ledger.open_index_job("shoes", None)
    await ledger.cancel(job.job_id)
    ended = await seen(ledger, job.job_id)
    assert (JobState.CANCELLED, Progress(), {}) == (ended.state, ended.progress, ended.failures_by_reason)


async def test_a_parent_counts_its_childrens_failures_together(ledger: SqliteLedger) -> None:
    one, other = await planned(ledger, 3, "a"), await planned(ledger, 2, "b")
    parent = await ledger.open_parent([one, other])
    await ledger.record(one, [Failed(0, Reason.DNS, fetched=False), Failed(1, Reason.TLS, fetched=False), Indexed(2)])
    await ledger.record(other, [Failed(0, Reason.DNS, fetched=False), AlreadyThere(1)])
    job = await seen(ledger, parent.job_id)
    assert {Reason.DNS: 2, Reason.TLS: 1} == dict(job.failures_by_reason)
    assert Progress(total=5, downloaded=1, already_there=1, failed=3, embedded=1, indexed=1) == job.progress


async def test_outcomes_survive_an_opening_anew(ledger_file: Path) -> None:
    with closing(SqliteLedger(ledger_file)) as ledger:
        job_id = await planned(ledger, 4)
        await ledger.record(job_id, [Indexed(0), Failed(2, Reason.ROBOTS, fetched=False)])
        before = await seen(ledger, job_id)
    with closing(SqliteLedger(ledger_file)) as ledger:
        assert before == await seen(ledger, job_id)
        expected = [1, 3]
        assert expected == await positions(ledger, job_id)


outcomes = st.one_of(
    st.builds(Indexed, st.integers(0, 9), embedded=st.booleans()),
    st.builds(AlreadyThere, st.integers(0, 9)),
    st.builds(Failed, st.integers(0, 9), st.sampled_from([Reason.DNS, Reason.TOO_LARGE]), st.booleans()),
)


@settings(max_examples=15)
@given(calls=st.lists(st.lists(outcomes, max_size=6), max_size=5))
async def test_however_outcomes_come_each_image_counts_once_as_its_first(calls: list[list[Outcome]]) -> None:
    first: dict[int, Outcome] = {}
    for outcome in (each for call in calls for each in call):
        first.setdefault(outcome.position, outcome)
    with tempfile.TemporaryDirectory() as folder, closing(SqliteLedger(Path(folder) / "jobs.sqlite3")) as ledger:
        job_id = await planned(ledger, 10)
        for call in calls:
            await ledger.record(job_id, call)
        job = await seen(ledger, job_id)
    assert Progress(total=10).plus(tally(list(first.values()))) == job.progress
