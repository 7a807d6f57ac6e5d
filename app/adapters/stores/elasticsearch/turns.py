"""Changes in turn: one at a time, each to its end even if its caller goes away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.adapters.stores.elasticsearch.fence import Fence

T = TypeVar("T")


class Turns:
    """The turns of the process that holds the fence."""

    def __init__(self, fence: Fence) -> None:
        """Nobody's turn."""
        self._fence = fence
        self.lock = asyncio.Lock()
        self._looking = asyncio.Lock()
        self._unseen = False

    async def take(self, change: Callable[[], Awaitable[T]]) -> T:
        """Make a change in its turn. Raises NotTheIndexerError."""
        return await asyncio.shield(self._in_turn(change))

    async def _in_turn(self, change: Callable[[], Awaitable[T]]) -> T:
        async with self.lock:
            self._fence.next()  # raises before anything is looked up
            try:
                return await change()
            finally:  # not before: a look in the middle of a change may be too early for it
                self._unseen = True

    async def see(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """Let searches see every change that has ended, unless they do. Raises what `refresh` does."""
        async with self._looking:
            if not self._unseen:
                return
            self._unseen = False
            try:
                await refresh()
            except BaseException:
                self._unseen = True
                raise
