"""Searches see every change that has ended, whenever somebody looks."""

import asyncio

import pytest

from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.turns import Turns


class Index:
    """What is written, and what searches see of it; both take a moment."""

    def __init__(self) -> None:
        self.written = self.seen = self.looks = 0
        self.broken = False

    async def write(self) -> None:
        """One more."""
        await asyncio.sleep(0.02)
        self.written += 1

    async def refresh(self) -> None:
        """All that is written when it begins."""
        self.looks += 1
        if self.broken:
            raise OSError("away")
        there = self.written
        await asyncio.sleep(0.02)
        self.seen = there


@pytest.fixture
def turns() -> Turns:
    fence = Fence()
    fence.raise_to(1)
    return Turns(fence)


async def test_a_look_in_the_middle_of_a_change_is_not_the_last(turns: Turns) -> None:
    index = Index()
    await turns.take(index.write)
    changing = asyncio.create_task(turns.take(index.write))
    await asyncio.sleep(0.01)
    await turns.see(index.refresh)
    await changing
    await turns.see(index.refresh)
    assert (2, 2) == (index.written, index.seen)


async def test_who_looks_while_another_does_waits_for_what_that_one_sees(turns: Turns) -> None:
    index = Index()
    await turns.take(index.write)
    first = asyncio.create_task(turns.see(index.refresh))
    await asyncio.sleep(0)
    await turns.see(index.refresh)
    assert (1, 1) == (index.seen, index.looks)
    await first


async def test_nobody_looks_twice_at_the_same_and_a_look_that_failed_is_done_again(turns: Turns) -> None:
    index = Index()
    await turns.see(index.refresh)
    assert 0 == index.looks
    await turns.take(index.write)
    index.broken = True
    with pytest.raises(OSError, match="away"):
        await turns.see(index.refresh)
    index.broken = False
    await turns.see(index.refresh)
    await turns.see(index.refresh)
    assert (1, 2) == (index.seen, index.looks)
