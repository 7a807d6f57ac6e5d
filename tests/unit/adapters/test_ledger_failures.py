import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import Reason
from app.domain.jobs import FailedImage, Indexed, Tried
from tests.unit.adapters.ledger_steps import end, failed, opened, parent_of, plan, planned, positions, seen

GONE = Tried("http://a.example/1.jpg?x=%2C", Reason.HTTP_404, 1)
SLOW = Tried("https://b.example:88/\udc00", Reason.TIMEOUT, 3)


async def listed(ledger: SqliteLedger, job_id: str, *reasons: Reason) -> list[tuple[str, Reason]]:
    return [(one.name, one.reason) for one in await ledger.failures(job_id, reasons=reasons, count=100)]


async def test_a_failure_tells_its_image_its_reason_and_every_address_that_was_tried(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 4)
    await ledger.record({job_id: [failed(2, Reason.TIMEOUT, GONE, SLOW), Indexed(0), failed(3, Reason.FILE_MISSING)]})
    first, second = found = await ledger.failures(job_id, count=10)
    expected = [
        FailedImage(first.seq, job_id, "shoes:2", "2.jpg", Reason.TIMEOUT, (GONE, SLOW)),
        FailedImage(second.seq, job_id, "shoes:3", "3.jpg", Reason.FILE_MISSING, ()),
    ]
    assert expected == found
    assert 0 < first.seq < second.seq


async def test_failures_come_in_the_order_of_time_over_all_jobs(ledger: SqliteLedger) -> None:
    one, other = await planned(ledger, 4, "a"), await planned(ledger, 4, "b")
    await ledger.record({one: [failed(3, Reason.TLS)], other: [failed(1)]})
    await ledger.record({one: [failed(0), failed(1, Reason.TLS)]})
    await ledger.record({other: [failed(0)]})
    assert [("3.jpg", Reason.TLS), ("0.jpg", Reason.DNS), ("1.jpg", Reason.TLS)] == await listed(ledger, one)
    seqs = {job_id: [each.seq for each in await ledger.failures(job_id, count=10)] for job_id in (one, other)}
    assert seqs[one][0] < seqs[other][0] < seqs[one][1] < seqs[one][2] < seqs[other][1]


async def test_failures_come_behind_a_seq_so_many_for_the_reasons_that_are_named(ledger: SqliteLedger) -> None:
    job_id, reasons = await planned(ledger, 9), [Reason.DNS, Reason.TLS, Reason.ROBOTS]
    for position in range(9):
        await ledger.record({job_id: [failed(position, reasons[position % 3])]})
    seqs = [each.seq for each in await ledger.failures(job_id, count=100)]
    found = await ledger.failures(job_id, reasons=[Reason.TLS, Reason.ROBOTS], after=seqs[2], count=3)
    assert [seqs[4], seqs[5], seqs[7]] == [each.seq for each in found]
    assert seqs[8:] == [each.seq for each in await ledger.failures(job_id, after=seqs[7], count=9)]
    assert not await ledger.failures(job_id, after=seqs[8], count=9)
    assert not await ledger.failures(job_id, reasons=[Reason.HTTP_403], count=9)


async def test_who_reads_on_behind_the_last_one_misses_none_that_comes_later(ledger: SqliteLedger) -> None:
    job_id, seen_names, after = await planned(ledger, 6), [], 0
    for position in (4, 0, 5, 1):
        await ledger.record({job_id: [failed(position, [Reason.DNS, Reason.TLS][position % 2])]})
        page = await ledger.failures(job_id, after=after, count=10)
        seen_names += [each.name for each in page]
        after = page[-1].seq
    assert ["4.jpg", "0.jpg", "5.jpg", "1.jpg"] == seen_names


async def test_an_outcome_that_comes_twice_is_one_failure(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 2)
    for _ in range(2):
        await ledger.record({job_id: [failed(0), failed(0, Reason.TLS), Indexed(1), failed(1)]})
    assert [("0.jpg", Reason.DNS)] == await listed(ledger, job_id)


async def test_a_job_without_failures_and_an_unknown_one_have_none(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 1)
    await ledger.record({job_id: [Indexed(0)]})
    assert not await ledger.failures(job_id, count=10)
    assert not await ledger.failures("unknown", count=10)


async def test_what_a_cancel_ends_are_failures_by_position_without_an_address(ledger: SqliteLedger) -> None:
    job_id = await planned(ledger, 5)
    await ledger.record({job_id: [Indexed(1), failed(3, Reason.DNS, GONE)]})
    await ledger.cancel(job_id)
    found = await ledger.failures(job_id, count=10)
    expected = [("3.jpg", Reason.DNS, (GONE,)), *((f"{n}.jpg", Reason.CANCELLED, ()) for n in (0, 2, 4))]
    assert expected == [(each.name, each.reason, each.tried) for each in found]
    assert sorted({each.seq for each in found}) == [each.seq for each in found]


@pytest.mark.parametrize("ended", [False, True])
async def test_a_parents_failures_are_its_childrens_in_the_order_of_time(ledger: SqliteLedger, *, ended: bool) -> None:
    parent, other = await parent_of(ledger, ["a", "b", "c"]), await planned(ledger, 3, "other")
    one, two, three = parent.children
    for child in parent.children:
        await plan(ledger, child, 3, "any")
    await ledger.record({two: [failed(2)], other: [failed(0)]})
    await ledger.record({one: [failed(0, Reason.TLS)], two: [failed(1), failed(0, Reason.TLS)]})
    await ledger.record({three: [Indexed(0)]})
    if ended:
        await end(ledger, *parent.children)
    found = await ledger.failures(parent.job_id, count=10)
    expected = [(two, "2.jpg"), (one, "0.jpg"), (two, "1.jpg"), (two, "0.jpg")]
    assert expected == [(each.job_id, each.name) for each in found]
    assert found[1:3] == await ledger.failures(parent.job_id, after=found[0].seq, count=2)
    assert found[1::2] == await ledger.failures(parent.job_id, reasons=[Reason.TLS], count=10)


@settings(max_examples=25)
@given(
    history=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(list(Reason)[:4])), max_size=40),
    wanted=st.sets(st.sampled_from(list(Reason)[:4])),
    page_size=st.integers(1, 7),
)
async def test_pages_put_together_are_the_whole_list(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[int, Reason]], wanted: set[Reason], page_size: int
) -> None:
    ledger = SqliteLedger(tmp_path_factory.mktemp("ledger") / "jobs.sqlite3")
    try:
        parent = await parent_of(ledger, ["a", "b", "c", "d"])
        for child in parent.children:
            await plan(ledger, child, len(history), "any")
        for position, (number, reason) in enumerate(history):
            await ledger.record({parent.children[number]: [failed(position, reason)]})
        found, after = [], 0
        while page := await ledger.failures(parent.job_id, reasons=wanted, after=after, count=page_size):
            assert len(page) <= page_size
            found += page
            after = page[-1].seq
    finally:
        ledger.close()
    expected = [
        (parent.children[number], f"{position}.jpg", reason)
        for position, (number, reason) in enumerate(history)
        if not wanted or reason in wanted
    ]
    assert expected == [(each.job_id, each.name, each.reason) for each in found]


async def test_a_job_of_many_images_is_cancelled_whole(ledger: SqliteLedger) -> None:
    job_id = await opened(ledger)
    await plan(ledger, job_id, 20_000)
    await ledger.record({job_id: [Indexed(position) for position in range(0, 20_000, 2)]})
    await ledger.cancel(job_id)
    assert {Reason.CANCELLED: 10_000} == (await seen(ledger, job_id)).failures_by_reason
    last = await ledger.failures(job_id, after=9_995, count=10)
    assert [f"{position}.jpg" for position in range(19_991, 20_000, 2)] == [each.name for each in last]
    assert not await positions(ledger, job_id)
