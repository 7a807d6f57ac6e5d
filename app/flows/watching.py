"""A job as events, for whoever watches it: the ledger is asked now and then until the job has ended."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.domain.errors import BusyError, NotTheIndexerError, StoreUnavailableError
from app.domain.jobs import LIVE, FailedImage, Job
from app.domain.ports import Ledger
from app.flows.jobs import Jobs
from app.flows.running import Pace

_POLL_S: Final = 0.25
_HEARTBEAT_S: Final = 15.0
_MAX_WATCHERS: Final = 50
_BLOCK: Final = 1_000
"""Failures that are in memory at once."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The job's state, or what it waits for, is another one. The first event is one of these."""

    seq: int
    job: Job
    pace: Pace


@dataclass(frozen=True, slots=True)
class Progressed:
    """Images were downloaded, or came to their outcome."""

    seq: int
    job: Job
    pace: Pace


@dataclass(frozen=True, slots=True)
class ImageFailed:
    """An image failed; `seq` is the failure's own."""

    seq: int
    failure: FailedImage


@dataclass(frozen=True, slots=True)
class Ended:
    """The job has ended and each of its failures was told: the last event."""

    seq: int
    job: Job
    pace: Pace


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing happened for a while."""

    seq: int


Event = StateChanged | Progressed | ImageFailed | Ended | Quiet
"""`seq` is that of the last failure told so far: whoever comes again with it misses none and gets none twice."""


class Watching:
    """Tells what happens to jobs, to parents too. The ledger is asked only while somebody watches."""

    def __init__(
        self,
        ledger: Ledger,
        jobs: Jobs,
        *,
        poll_s: float = _POLL_S,
        heartbeat_s: float = _HEARTBEAT_S,
        max_watchers: int = _MAX_WATCHERS,
    ) -> None:
        """The ledger is asked each `poll_s` for each of the watchers; silence lasts about `heartbeat_s` at most."""
        self._ledger = ledger
        self._jobs = jobs
        self._poll_s = poll_s
        self._heartbeat_s = heartbeat_s
        self._max_watchers = max_watchers
        self._watchers = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End the events of every watcher now: the service shuts down, and would wait for them."""
        self._closing.set()

    async def watch(self, job_id: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """A job's events, failures beyond the seq `after` only. Raises NotFoundError, BusyError.

        They stop without an `Ended` when the service shuts down or the ledger is away: come again with the last seq.
        Of a job whose images are in another process' ledger, single failures are not told here.
        """
        await self._jobs.job(job_id)
        if self._watchers >= self._max_watchers:
            raise BusyError(f"{self._watchers} others watch jobs already; try again, or ask for the job itself.")
        return self._events(job_id, after)

    async def _events(self, job_id: str, after: int) -> AsyncGenerator[Event, None]:
        told, spoke_s = _Told(after), time.monotonic()
        self._watchers += 1
        try:
            while not (told.the_end or self._closing.is_set()):
                events = await self._news(job_id, told)
                if not events and time.monotonic() - spoke_s >= self._heartbeat_s:
                    events = [Quiet(told.seq)]
                for event in events:
                    yield event
                    spoke_s = time.monotonic()
                if told.everything:
                    await self._pause()
        except StoreUnavailableError:
            return
        finally:
            self._watchers -= 1

    async def _news(self, job_id: str, told: "_Told") -> list[Event]:
        # The job before its failures: of one that has ended none is missed.
        job = await self._jobs.job(job_id)
        try:
            failures = await self._ledger.failures(job_id, after=told.seq, count=_BLOCK)
        except NotTheIndexerError:
            failures = ()
        return told.news(job, self._jobs.pace(job), failures)

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._closing.wait()


class _Told:
    """What one watcher was told so far."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.everything = False
        self.the_end = False
        self._state: object = None
        self._counts: object = None

    def news(self, job: Job, pace: Pace, failures: Sequence[FailedImage]) -> list[Event]:
        """The events that tell of a job as it is now and of its next failures, at most a block of them."""
        events: list[Event] = []
        state = job.state, pace.waiting_for
        counts = job.progress, pace.fetched_ahead, dict(job.failures_by_reason)
        if self._state is None:
            self._counts = counts  # the first event shows them
        if state != self._state:
            events.append(StateChanged(self.seq, job, pace))
            self._state = state
        if failures:
            events += [ImageFailed(failure.seq, failure) for failure in failures]
            self.seq = failures[-1].seq
        self.everything = len(failures) < _BLOCK
        if self.everything and counts != self._counts:
            events.append(Progressed(self.seq, job, pace))
            self._counts = counts
        if self.everything and job.state not in LIVE:
            events.append(Ended(self.seq, job, pace))
            self.the_end = True
        return events
