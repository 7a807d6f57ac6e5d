import asyncio
import tempfile
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import Reason
from app.domain.jobs import AlreadyThere, Failed, Indexed, JobState, Outcome, PlannedImage, Progress, tally
from app.domain.records import CatalogueImage
from tests.unit.adapters.ledger_steps import end, failed, opened, plan, planned, positions, seen
from tests.unit.domain.samples import catalogue_images

NO_TEXT = b"caf\xe9 \xff".decode("utf-8", "surrogateescape")


async def test_a_plan_is_every_image_in_order_as_it_was(ledger: SqliteLedger) -> None:
    job_id = await opened(ledger)
    images = [
        *catalogue_images(3),
        CatalogueImage("0" * 24, "caf\ufffd.jpg", "shoes", "shoes:Größe", f"shoes/{NO_TEXT}.jpg"),
        CatalogueImage("1", "1", "shoes", "", "", ("http://a.example/!?x=1%2C", "https://b.example:88/\udc00"), ""),
        CatalogueImage("2", "2", "shoes", None, "", ("",), "Größe 42", {"price": 12.5, "new": True, "colour": "rot"}),
    ]
    assert not await ledger.is_planned(job_id)
    await ledger.plan(job_id, 0, images)
    await ledger.planned(job_id, len(images))
    assert await ledger.is_planned(job_id)
    expected = [PlannedImage(position, image) for position, image in enumerate(images)]
    assert expected == await ledger.pending(job_id, -1, 10)
    assert Progress(total=len(images)) == (await seen(ledger, job_id)).progress


async def test_a_plan_comes_in_blocks_and_is_whole_when_it_is_said_to_be(ledger: SqliteLedger) -> None:
    job_id, images = await opened(ledger, expected=8), catalogue_images(7)
    for first in (0, 3, 6):
        await ledger.plan(job_id, first, images[first : first + 3])
        assert not await ledger.is_planned(job_id)
        assert Progress(total=8) == (await seen(ledger, job_id)).progress
    await ledger.planned(job_id, 7)
    assert images == [each.image for each in await ledger.pending(job_id, -1, 10)]
    assert Progress(total=7) == (await seen(ledger, job_id)).progress


async def test_of_a_plan_that_a_kill_cut_short_nothing_is_left_by_the_next_one(ledger_file: Path) -> None:
    with closing(SqliteLedger(ledger_file)) as ledger:
        job_id = await opened(ledger)
        await ledger.plan(job_id, 0, catalogue_images(9, "former"))
    with closing(SqliteLedger(ledger_file)) as ledger:
        assert [job_id] == [job.job_id for job in await ledger.live()]
        assert not await ledger.is_planned(job_id)
        await plan(ledger, job_id, 4)
        assert catalogue_images(4) == [each.image for each in await ledger.pending(job_id, -1, 10)]
        assert Progress(total=4) == (await seen(ledger, job_id)).progress


async def test_a_job_is_planned_once(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 3)
    await plan(ledger, job_id, 9, "others")
    await asyncio.gather(*(plan(ledger, job_id, number) for number in range(5)))
    assert catalogue_images(3) == [each.image for each in await ledger.pending(job_id, -1, 10)]
    assert Progress(total=3) == (await seen(ledger, job_id)).progress


async def test_a_job_that_has_ended_is_not_planned_any_more(ledger: SqliteLedger) -> None:
    job_id = await opened(ledger, expected=5)
    await ledger.cancel(job_id)
    before = await seen(ledger, job_id)
    await plan(ledger, job_id, 5)
    assert before == await seen(ledger, job_id)
    assert not await positions(ledger, job_id)


async def test_of_a_block_that_fails_nothing_is_written(ledger: SqliteLedger) -> None:
    job_id = await opened(ledger)
    with pytest.raises(AttributeError):
        await ledger.plan(job_id, 0, [*catalogue_images(3), cast("CatalogueImage", None)])
    assert not await ledger.is_planned(job_id)
    assert not await positions(ledger, job_id)
    await plan(ledger, job_id, 2)
    assert list(range(2)) == await positions(ledger, job_id)


async def test_a_plan_of_no_images_is_one(ledger: SqliteLedger) -> None:
    job_id = await opened(ledger, expected=3)
    await ledger.planned(job_id, 0)
    assert await ledger.is_planned(job_id)
    assert Progress() == (await seen(ledger, job_id)).progress
    assert not await positions(ledger, job_id)


async def test_pending_images_come_by_position_behind_another_and_so_many(ledger: SqliteLedger) -> None:
    job_id, other = await planned(ledger, 6), await planned(ledger, 2, "hats")
    await ledger.record({job_id: [Indexed(1), AlreadyThere(4)]})
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
    await ledger.record({job_id: [Indexed(0), Indexed(1, embedded=False), AlreadyThere(2)]})
    undecodable = [Failed(position, Reason.UNDECODABLE, fetched=True) for position in (3, 5)]
    await ledger.record({job_id: [*undecodable, failed(4, Reason.FILE_MISSING)]})
    job = await seen(ledger, job_id)
    expected = Progress(total=6, downloaded=4, already_there=1, failed=3, embedded=1, indexed=2)
    assert (expected, {Reason.UNDECODABLE: 2, Reason.FILE_MISSING: 1}) == (job.progress, job.failures_by_reason)
    assert expected.total == job.progress.done
    assert not await positions(ledger, job_id)


async def test_outcomes_of_several_jobs_are_written_together_or_not_at_all(ledger: SqliteLedger) -> None:
    one, other = await planned(ledger, 2, "a"), await planned(ledger, 2, "b")
    with pytest.raises(OverflowError):
        await ledger.record({one: [Indexed(0)], other: [Indexed(0), Indexed(2**70)]})
    assert [Progress(total=2)] * 2 == [(await seen(ledger, job_id)).progress for job_id in (one, other)]
    await ledger.record({one: [Indexed(0)], other: [failed(1)]})
    expected = [Progress(total=2, downloaded=1, embedded=1, indexed=1), Progress(total=2, failed=1)]
    assert expected == [(await seen(ledger, job_id)).progress for job_id in (one, other)]
    assert [[1], [0]] == [await positions(ledger, job_id) for job_id in (one, other)]


async def test_an_outcome_that_is_recorded_twice_counts_once_and_the_first_stays(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 2)
    await ledger.record({job_id: [Failed(0, Reason.TOO_SMALL, fetched=True), Indexed(0)]})
    await ledger.record({job_id: [Indexed(0), Indexed(1)]})
    await asyncio.gather(*(ledger.record({job_id: [Indexed(0), Indexed(1)]}) for _ in range(5)))
    job = await seen(ledger, job_id)
    expected = Progress(total=2, downloaded=2, failed=1, embedded=1, indexed=1)
    assert (expected, {Reason.TOO_SMALL: 1}) == (job.progress, job.failures_by_reason)


async def test_an_outcome_of_an_image_that_was_not_planned_counts_nothing(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 1)
    await ledger.record({job_id: [Indexed(1), failed(-1)], "unknown": [Indexed(0)]})
    await ledger.record({job_id: []})
    await ledger.record({})
    job = await seen(ledger, job_id)
    assert (Progress(total=1), {}) == (job.progress, job.failures_by_reason)


async def test_cancelling_ends_the_images_that_are_left(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 5)
    await ledger.start(job_id)
    await ledger.record({job_id: [Indexed(0), Failed(1, Reason.TOO_LARGE, fetched=True)]})
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
    await ledger.record({job_id: [Indexed(0), Indexed(1)]})
    assert before == await seen(ledger, job_id)


@pytest.mark.parametrize(("written", "total"), [(0, 5), (3, 5), (7, 7)])
async def test_of_a_job_that_is_cancelled_before_its_plan_is_whole_the_planned_images_are(
    ledger: SqliteLedger, written: int, total: int
) -> None:
    job_id = await opened(ledger, expected=5)
    await ledger.plan(job_id, 0, catalogue_images(written))
    await ledger.cancel(job_id)
    ended = await seen(ledger, job_id)
    assert (JobState.CANCELLED, Progress(total=total, failed=written)) == (ended.state, ended.progress)
    assert written == len(await ledger.failures(job_id, count=10))


async def test_outcomes_survive_an_opening_anew(ledger_file: Path) -> None:
    with closing(SqliteLedger(ledger_file)) as ledger:
        job_id = await planned(ledger, 4)
        await ledger.record({job_id: [Indexed(0), failed(2, Reason.ROBOTS)]})
        before = await seen(ledger, job_id), await ledger.failures(job_id, count=9)
    with closing(SqliteLedger(ledger_file)) as ledger:
        assert before == (await seen(ledger, job_id), await ledger.failures(job_id, count=9))
        expected = [1, 3]
        assert expected == await positions(ledger, job_id)


async def test_what_is_left_of_an_ended_job_is_still_known(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 3)
    await ledger.record({job_id: [Indexed(1)]})
    await end(ledger, job_id)
    expected = [0, 2]
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
            await ledger.record({job_id: call})
        job = await seen(ledger, job_id)
    assert Progress(total=10).plus(tally(list(first.values()))) == job.progress
