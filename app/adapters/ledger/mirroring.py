"""Jobs of this process' ledger -> their summaries: behind the work, in one request whatever changed meanwhile."""

import asyncio
import logging
from collections.abc import Collection
from contextlib import suppress
from typing import Final

from app.adapters.ledger.ledger import SqliteLedger
from app.adapters.ledger.summaries import Summaries, Summary
from app.domain.errors import LookalikeError, NotTheIndexerError, StoreUnavailableError
from app.domain.jobs import LIVE, Job, JobState

_log = logging.getLogger(__name__)

_EVERY_S: Final = 1.0
"""Between two requests, unless a job's state changed."""
_LONGEST_WAIT_S: Final = 10.0
_LAST_TRY_S: Final = 2.0


class Mirroring:
    """Puts what changed, one request at a time."""

    def __init__(self, ledger: SqliteLedger, summaries: Summaries, where: str, *, every_s: float = _EVERY_S) -> None:
        """`where` is this process' address. Nothing is put behind the work before `open`."""
        self._ledger = ledger
        self._summaries = summaries
        self._where = where
        self._every_s = every_s
        self._changed: set[str] = set()
        self._told: dict[str, JobState] = {}
        self._come = asyncio.Event()
        self._hurry = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to put."""
        self._task = asyncio.create_task(self._work(), name="mirror")

    async def close(self) -> None:
        """Put what is left, if that is quick; forget what was told."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        with suppress(LookalikeError, TimeoutError):
            async with asyncio.timeout(_LAST_TRY_S):
                await self._put()
        self._changed.clear()
        self._told.clear()

    def is_told(self, job_id: str) -> bool:
        """Whether there is a summary of a job."""
        return job_id in self._told

    def has_ended(self, job_id: str) -> bool:
        """Whether a job's summary tells that it has ended."""
        return self._told.get(job_id, JobState.RUNNING) not in LIVE

    def soon(self, job_ids: Collection[str], *, hurry: bool = False) -> None:
        """Put jobs and their parents within a second, or as soon as can be."""
        self._changed.update(job_ids)
        self._come.set()
        if hurry:
            self._hurry.set()

    async def now(self, job_ids: Collection[str]) -> None:
        """Return when they are put. Raises StoreUnavailableError, NotTheIndexerError; they are put later then."""
        self._changed.update(job_ids)
        self._come.set()
        await self._put()

    async def _put(self) -> None:
        async with self._one_at_a_time:
            changed, self._changed = self._changed, set()
            if not changed:
                return
            try:
                jobs = await self._ledger.with_parents(changed)
                await self._summaries.put([self._summary(job) for job in jobs])
            except BaseException:
                self._changed |= changed
                raise
            self._told.update({job.job_id: job.state for job in jobs})

    def _summary(self, job: Job) -> Summary:
        return Summary(job, self._ledger.ledger_id, self._where)

    async def _work(self) -> None:
        wait_s = self._every_s
        while True:
            await self._come.wait()
            self._come.clear()
            self._hurry.clear()
            try:
                await self._put()
                wait_s = self._every_s
            except NotTheIndexerError:
                return  # whoever is goes on with these jobs
            except StoreUnavailableError:
                wait_s = await self._fail(wait_s)
            except Exception:  # noqa: BLE001 - a summary may be late, but no job is held up by it
                _log.exception("Summaries of jobs cannot be written")
                wait_s = await self._fail(wait_s)
            await self._pause(self._every_s)

    async def _fail(self, wait_s: float) -> float:
        self._come.set()
        await asyncio.sleep(wait_s)
        return min(2 * wait_s, _LONGEST_WAIT_S)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # wait_for may miss that it is cancelled
                await self._hurry.wait()
