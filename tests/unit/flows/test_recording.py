"""Outcomes -> the ledger."""

import asyncio

import pytest

from app.domain.jobs import AlreadyThere
from app.flows import waiting as waiting_module
from tests.unit.flows.parts import FakeLedger, FakeMedia, recorder_of, waiting_for


async def test_what_comes_while_one_is_written_goes_with_the_next() -> None:
    ledger = FakeLedger()
    recorder = recorder_of(ledger)
    recorder.open()
    for position in range(100):
        await recorder.add("a1", AlreadyThere(position))
        if position % 10 == 9:
            await asyncio.sleep(0)
    await recorder.flush()
    written = [outcome.position for batch in ledger.recorded for outcome in batch["a1"]]
    assert list(range(100)) == written
    assert len(ledger.recorded) < 10
    await recorder.close()


async def test_closing_writes_what_is_left() -> None:
    ledger = FakeLedger()
    recorder = recorder_of(ledger)
    recorder.open()
    await recorder.add("a1", AlreadyThere(0))
    await recorder.add("b2", AlreadyThere(4))
    await recorder.close()
    assert [{"a1": [AlreadyThere(0)], "b2": [AlreadyThere(4)]}] == ledger.recorded


async def test_a_ledger_that_is_away_is_waited_for_and_nothing_is_lost(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(waiting_module, "_FIRST_WAIT_S", 0.01)
    ledger, waiting = FakeLedger(away=2), waiting_for(FakeMedia())
    recorder = recorder_of(ledger, waiting)
    recorder.open()
    await recorder.add("a1", AlreadyThere(0))
    await recorder.flush()
    assert [{"a1": [AlreadyThere(0)]}] == ledger.recorded
    assert waiting.now is None
    await recorder.close()


async def test_a_bug_in_the_ledger_is_told_to_whoever_waits() -> None:
    recorder = recorder_of(FakeLedger(bug=ValueError("a bug")))
    recorder.open()
    await recorder.add("a1", AlreadyThere(0))
    for _ in range(2):
        with pytest.raises(ValueError, match="a bug"):
            await recorder.flush()


async def test_what_broke_the_writing_is_forgotten_when_it_begins_anew() -> None:
    ledger = FakeLedger(bug=ValueError("a bug"))
    recorder = recorder_of(ledger)
    recorder.open()
    await recorder.add("a1", AlreadyThere(0))
    with pytest.raises(ValueError, match="a bug"):
        await recorder.flush()
    await recorder.close()
    ledger.bug = None
    recorder.open()
    await recorder.add("a1", AlreadyThere(1))
    await asyncio.wait_for(recorder.flush(), 10)
    assert [{"a1": [AlreadyThere(1)]}] == ledger.recorded
    await recorder.close()
