"""A job at work in this process: what stops it, and how fast it goes."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from app.domain.jobs import AlreadyThere, Job, Outcome

_WINDOW_S: Final = 30.0
"""A rate is of the last half minute: long enough to be calm, short enough to be true."""


@dataclass(slots=True, eq=False)
class Run:
    """`fetching` are the tasks that may be cut short; `fetched_ahead` photos are fetched and have no outcome yet."""

    job: Job
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    fetching: set["asyncio.Task[object]"] = field(default_factory=set)
    fetched_ahead: int = 0
    _done: deque[tuple[float, int]] = field(default_factory=deque)
    _started: float = field(default_factory=time.monotonic)

    def halt(self) -> None:
        """Begin nothing more, and give up what is still being fetched."""
        self.stop.set()
        for task in tuple(self.fetching):
            task.cancel()

    def fetch_begins(self) -> None:
        """The current task may be cut short from now on."""
        if task := asyncio.current_task():
            self.fetching.add(task)

    def fetch_ends(self) -> None:
        """The current task is to come to its end."""
        if task := asyncio.current_task():
            self.fetching.discard(task)

    def note(self, outcome: Outcome) -> None:
        """Count an outcome that took work."""
        if isinstance(outcome, AlreadyThere):
            return
        second = float(int(time.monotonic()))
        if self._done and self._done[-1][0] == second:
            self._done[-1] = (second, self._done[-1][1] + 1)
        else:
            self._done.append((second, 1))

    def rate(self) -> float:
        """Images a second, of late."""
        now = time.monotonic()
        while self._done and self._done[0][0] < now - _WINDOW_S:
            self._done.popleft()
        span = min(_WINDOW_S, max(now - self._started, 1.0))
        return sum(count for _, count in self._done) / span
