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
        self.unseen = False
        """Whether there may be something that searches do not see yet."""

    async def take(self, change: Callable[[], Awaitable[T]]) -> T:
        """Make a change in its turn. Raises NotTheIndexerError."""
        return await asyncio.shield(self._in_turn(change))

    async def _in_turn(self, change: Callable[[], Awaitable[T]]) -> T:
        async with self.lock:
            self._fence.next()  # raises before anything is looked up
            self.unseen = True
            return await change()
