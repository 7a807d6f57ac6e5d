"""How fast a job goes."""

import asyncio

from app.domain.jobs import AlreadyThere, Indexed
from app.flows.run import Run
from tests.unit.flows.parts import job


def test_what_was_there_already_makes_no_job_fast() -> None:
    run = Run(job())
    for position in range(50):
        run.note(AlreadyThere(position))
    assert 0 == run.rate()
    for position in range(50):
        run.note(Indexed(position))
    assert 0 < run.rate() <= 50


async def test_a_halt_cuts_short_what_is_being_fetched_and_nothing_else() -> None:
    run, never = Run(job()), asyncio.Event()

    async def work(*, fetching: bool) -> str:
        run.fetch_begins()
        if not fetching:
            run.fetch_ends()
        await asyncio.wait_for(never.wait(), 0.05 if not fetching else 60)
        return "not reached"

    tasks = [asyncio.create_task(work(fetching=True)), asyncio.create_task(work(fetching=False))]
    await asyncio.sleep(0)
    run.halt()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [asyncio.CancelledError, TimeoutError] == [type(result) for result in results]
