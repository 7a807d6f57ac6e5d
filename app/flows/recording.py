"""Outcomes -> the ledger, many in one transaction: what came while one was written goes with the next."""

import asyncio
import logging
from contextlib import suppress
from typing import Final

from app.domain.errors import StoreUnavailableError
from app.domain.jobs import Outcome
from app.domain.ports import Ledger
from app.flows.waiting import Waiting

_log = logging.getLogger(__name__)

_PAUSE_S: Final = 0.2
"""Between two transactions, so that quick outcomes share one; cut short for whoever waits."""
_MAX_WAITING: Final = 2_000


class Recorder:
    """Writes outcomes behind the work that made them."""

    def __init__(self, ledger: Ledger, waiting: Waiting) -> None:
        """Nothing is written before `open`."""
        self._ledger = ledger
        self._waiting = waiting
        self._pending: dict[str, list[Outcome]] = {}
        self._count = 0
        self._come = asyncio.Event()
        self._hurry = asyncio.Event()
        self._written = asyncio.Condition()
        self._added = self._kept = 0
        self._broken: Exception | None = None
        self._worker: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to write. What could not be written before is forgotten: its images have no outcome."""
        self._pending = {}
        self._kept = self._added
        self._broken = None
        self._worker = asyncio.create_task(self._work(), name="recorder")

    async def add(self, job_id: str, *outcomes: Outcome) -> None:
        """Take outcomes to be written soon; waits when too many are waiting."""
        self._pending.setdefault(job_id, []).extend(outcomes)
        self._added += len(outcomes)
        self._come.set()
        if self._added - self._kept > _MAX_WAITING:
            await self.flush()

    async def flush(self) -> None:
        """Return when everything that was taken by now is written. Raises what broke the writing, if a bug did."""
        wanted = self._added
        self._hurry.set()
        async with self._written:
            await self._written.wait_for(lambda: self._kept >= wanted or self._broken is not None)
        if self._broken:
            raise self._broken

    async def close(self) -> None:
        """Write what is left, if the ledger answers."""
        if self._worker:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        try:
            await self._write()
        except StoreUnavailableError:
            _log.warning("Some outcomes could not be written: their images are looked at again at the next start.")

    async def _work(self) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            try:
                await asyncio.shield(self._write())
            except Exception as error:  # noqa: BLE001 - told to every job: none must wait for what never comes
                self._broken = error
                async with self._written:
                    self._written.notify_all()
                return
            await self._pause()

    async def _pause(self) -> None:
        self._hurry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PAUSE_S):  # wait_for may miss that it is cancelled
                await self._hurry.wait()

    async def _write(self) -> None:
        outcomes, self._pending = self._pending, {}
        if outcomes:
            await self._waiting.until_there(lambda: self._ledger.record(outcomes))
            async with self._written:
                self._kept += sum(map(len, outcomes.values()))
                self._written.notify_all()
