"""Threads that take work off the event loop, with a bound on how much may wait for them."""

import asyncio
import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from app.domain.errors import BusyError

P = ParamSpec("P")
T = TypeVar("T")


def usable_cores() -> int:
    """How many cores this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ThreadWorkers:
    """`count` threads; up to `max_waiting` calls may wait for them. See the port."""

    def __init__(self, name: str, count: int, max_waiting: int, *, niceness: int = 0) -> None:
        """Threads start as they are needed. `niceness` puts them behind others where the system can do it by thread."""
        self._admitted = count + max_waiting
        self._inside = 0
        self._pool = ThreadPoolExecutor(count, name, initializer=_lower_priority, initargs=(niceness,))

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function on a worker."""
        if self._inside >= self._admitted:
            raise BusyError("Too many searches are waiting; try again in a second.")
        self._inside += 1
        # The place is given back when the work ends, not when its caller goes away: it still holds a thread.
        work = self._pool.submit(functools.partial(function, *args, **kwargs))
        future = asyncio.wrap_future(work)
        future.add_done_callback(self._leave)
        return await asyncio.shield(future)

    def _leave(self, future: "asyncio.Future[T]") -> None:
        self._inside -= 1
        if not future.cancelled():
            future.exception()  # retrieved, so that a caller who left early is no warning

    def close(self) -> None:
        """Wait for what runs and drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _lower_priority(niceness: int) -> None:
    if niceness and hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
