"""Outcomes -> the ledger, many in one transaction: what came while one was written goes with the next."""

import asyncio
from typing import Final

from app.domain.jobs import Outcome
from app.domain.ports import Ledger
from app.flows.waiting import Waiting

_PAUSE_S: Final = 0.03
"""Between two transactions, so that quick outcomes share one."""
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
        self._written = asyncio.Condition()
        self._added = self._kept = 0
        self._worker: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to write."""
        self._worker = asyncio.create_task(self._work(), name="recorder")

    async def add(self, job_id: str, *outcomes: Outcome) -> None:
        """Take outcomes to be written soon; waits when too many are waiting."""
        self._pending.setdefault(job_id, []).extend(outcomes)
        self._added += len(outcomes)
        self._come.set()
        if self._added - self._kept > _MAX_WAITING:
            await self.flush()

    async def flush(self) -> None:
        """Return when everything that was taken by now is written."""
        wanted = self._added
        async with self._written:
            await self._written.wait_for(lambda: self._kept >= wanted)

    async def close(self) -> None:
        """Write what is left, if the ledger answers."""
        if self._worker:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        await self._write()

    async def _work(self) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            await asyncio.shield(self._write())
            await asyncio.sleep(_PAUSE_S)

    async def _write(self) -> None:
        outcomes, self._pending = self._pending, {}
        if outcomes:
            await self._waiting.until_there(lambda: self._ledger.record(outcomes))
            async with self._written:
                self._kept += sum(map(len, outcomes.values()))
                self._written.notify_all()
