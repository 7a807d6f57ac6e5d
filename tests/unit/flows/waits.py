"""Waiting for what other tasks do, for a bounded time."""

import asyncio
from collections.abc import Callable

WAIT_S = 10


async def until(condition: Callable[[], bool]) -> None:
    """Return once it holds."""
    for _ in range(1000 * WAIT_S):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise TimeoutError
