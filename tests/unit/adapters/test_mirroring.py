import asyncio

from app.adapters.ledger.ledger import SqliteLedger
from app.adapters.ledger.mirroring import Mirroring
from app.domain.jobs import Indexed, JobState
from tests.summaries import FakeSummaries
from tests.unit.adapters.ledger_steps import planned

NEVER_S = 100_000


async def a_while() -> None:
    """Enough for whatever is under way."""
    await asyncio.sleep(0.05)


async def test_progress_waits_for_its_turn_and_a_state_does_not(ledger: SqliteLedger) -> None:
    summaries = FakeSummaries()
    job_id = await planned(ledger, 3)
    mirroring = Mirroring(ledger, summaries, "here", every_s=NEVER_S)
    mirroring.open()
    for position in range(3):
        await ledger.record({job_id: [Indexed(position)]})
        mirroring.soon([job_id])
        await a_while()
    assert [1] == [summaries.kept[job_id].job.progress.indexed for _ in summaries.puts]
    await ledger.finish(job_id, JobState.SUCCEEDED)
    mirroring.soon([job_id], hurry=True)
    await a_while()
    assert [[job_id]] * 2 == summaries.puts
    assert mirroring.has_ended(job_id)
    await mirroring.close()


async def test_what_came_while_one_was_written_goes_with_the_next(ledger: SqliteLedger) -> None:
    summaries = FakeSummaries()
    ids = [await planned(ledger, 1, label_id) for label_id in ("a", "b", "c")]
    mirroring = Mirroring(ledger, summaries, "here")
    await asyncio.gather(*(mirroring.now([job_id]) for job_id in ids))
    assert [job_id for put in summaries.puts for job_id in put].count(ids[2]) == 1
    assert set(ids) == set(summaries.kept)
    assert 2 >= len(summaries.puts)
    await mirroring.close()


async def test_closing_puts_what_is_left_and_forgets_what_was_told(ledger: SqliteLedger) -> None:
    summaries = FakeSummaries()
    job_id = await planned(ledger, 1)
    mirroring = Mirroring(ledger, summaries, "here")
    mirroring.soon([job_id])
    await mirroring.close()
    assert [[job_id]] == summaries.puts
    assert not mirroring.is_told(job_id)
