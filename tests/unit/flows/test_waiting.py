"""What running jobs wait for."""

import asyncio

import pytest

from app.domain.errors import StoreUnavailableError
from tests.unit.flows.parts import FakeMedia, waiting_for


async def _away() -> None:
    raise StoreUnavailableError("away")


async def test_a_call_is_given_up_when_everything_closes() -> None:
    waiting = waiting_for(FakeMedia())
    call = asyncio.create_task(waiting.until_there(_away))
    await asyncio.sleep(0.01)
    assert "store" == waiting.now
    waiting.close()
    with pytest.raises(StoreUnavailableError):
        await call


async def test_a_full_disk_holds_jobs_back_until_it_has_room() -> None:
    waiting = waiting_for(FakeMedia(full_for=1))
    held = asyncio.create_task(waiting.until_room(asyncio.Event()))
    await asyncio.sleep(0.1)
    assert ("disk", False) == (waiting.now, held.done())
    await held
    assert waiting.now is None


async def test_a_halted_job_does_not_wait_for_the_disk() -> None:
    waiting, stop = waiting_for(FakeMedia(full_for=10_000)), asyncio.Event()
    held = asyncio.create_task(waiting.until_room(stop))
    await asyncio.sleep(0.1)
    stop.set()
    await held
    assert waiting.now is None
