"""Of the processes on one store, one makes the changes: jobs run here while that is this process."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from app.domain.errors import NotTheIndexerError, StoreUnavailableError
from app.domain.ports import Leadership, Ledger
from app.flows.running import Part, Runner

_log = logging.getLogger(__name__)

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 10.0


class Leading:
    """Takes the jobs over whenever this process becomes the indexer, and leaves them when it is not any more."""

    def __init__(self, leadership: Leadership, ledger: Ledger, runner: Runner, parts: Sequence[Part] = ()) -> None:
        """Nothing runs before `open`. `parts` are open while jobs run here, and may begin some."""
        self._leadership = leadership
        self._ledger = ledger
        self._runner = runner
        self._parts = parts
        self._ready = False
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_vacant(self) -> bool:
        """Whether live jobs wait for an indexer, as far as this process knows."""
        return not self._ready and (self._leadership.held or self._leadership.where is None)

    def require(self) -> None:
        """Return if this process may make changes now. Raises NotTheIndexerError."""
        if not self._leadership.held:
            raise NotTheIndexerError(self._leadership.where)
        if not self._ready:
            raise NotTheIndexerError(None)

    async def open(self) -> None:
        """Begin to follow the leadership; where it is held already, jobs run once this returns."""
        self._task = asyncio.create_task(self._follow(), name="leading")
        if self._leadership.held:
            await self._tried.wait()

    async def close(self) -> None:
        """Let what is at hand finish; the rest goes on elsewhere, or at the next start."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            await self._leadership.acquired()
            begins = asyncio.create_task(self._begin(), name="takes over")
            try:
                await self._leadership.lost()
                _log.warning("This process is not the indexer any more; it answers searches and reads.")
            finally:
                self._ready = False
                begins.cancel()
                await asyncio.gather(begins, return_exceptions=True)
                for part in self._parts:
                    await part.close()
                await self._runner.close()
                await self._ledger.let_go()

    async def _begin(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._ready:
            try:
                await self._ledger.take_over()
                await self._runner.open()
                for part in self._parts:
                    part.open()
                self._ready = True
            except (StoreUnavailableError, NotTheIndexerError) as error:
                _log.warning("Jobs cannot be taken over now: %s", error)
            except Exception:  # noqa: BLE001 - searches go on, and so do the attempts
                _log.exception("Jobs cannot be taken over")
            finally:
                self._tried.set()
            if not self._ready:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
