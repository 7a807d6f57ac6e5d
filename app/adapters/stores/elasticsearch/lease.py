"""The lease: which of several processes changes what is on the cluster.

It is one document, written only as a successor of the one that was read. A process that wants it watches it with its
own clock: one that does not change for as long as a lease lasts has run out, whatever the time of day is elsewhere.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from app.adapters.stores.elasticsearch.client import Cluster, MissingError, VersionConflictError
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.mappings import Names
from app.domain.errors import LookalikeError, StoreUnavailableError

_log = logging.getLogger(__name__)

_DOCUMENT: Final = "lease"
_STEPS: Final = 3
"""It is renewed, or looked at, so many times while it lasts."""
_PAUSE: Final = 0.1
"""Of its time, between attempts to renew it when one failed."""
_GIVEN_UP_AFTER: Final = 0.8
"""Of its time without a renewal, and the process changes nothing more: before another one may begin."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The document as it was read."""

    source: Mapping[str, Any]
    place: tuple[int, int]
    """Its sequence number and primary term."""
    since: float

    def is_over(self, now: float) -> bool:
        """Whether the lease was given back, or has run out; how long it lasts is what its holder counts with."""
        return bool(self.source["released"] or now - self.since >= self.source["lasts_s"])


class Lease:
    """See the port `Leadership`. Kept up by a task between `open` and `close`."""

    def __init__(
        self, cluster: Cluster, names: Names, fence: Fence, found: Callable[[], Awaitable[None]],
        begin: Callable[[], Coroutine[Any, Any, None]], *, where: str, lasts_s: float,
    ) -> None:  # fmt: skip
        """A lease of `lasts_s` seconds, for the process at the address `where`.

        `found` makes the place that it is kept in, `begin` makes the store ready for changes; then it is held.
        """
        self._cluster = cluster
        self._path = f"/{quote(names.state)}/_doc/{_DOCUMENT}"
        self._fence = fence
        self._found = found
        self._founded = False
        self._told = ""
        self._begin = begin
        self._own_address = where
        self._lasts_s = lasts_s
        self._holder = uuid4().hex
        self._seen: _Seen | None = None
        self._renewed = 0.0
        self._held = asyncio.Event()
        self._not_held = asyncio.Event()
        self._not_held.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def held(self) -> bool:
        """Whether this process is the indexer."""
        return self._held.is_set() and self._fence.held

    @property
    def where(self) -> str | None:
        """The indexer's address; None while there is none, as far as this process can tell."""
        return self._own_address if self.held else self._fence.where

    async def acquired(self) -> None:
        """Wait for it."""
        await self._held.wait()

    async def lost(self) -> None:
        """Wait until it is another's."""
        await self._not_held.wait()

    async def open(self) -> None:
        """Ask for it, and go on asking; a process that is alone has it once this returns."""
        await self._step()
        self._task = asyncio.create_task(self._keep(), name="lease")

    async def close(self) -> None:
        """Give it back, so that another process need not wait until it runs out."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._held.is_set() and self._seen:
            self._lose()
            try:
                async with asyncio.timeout(self._lasts_s / _STEPS):
                    await self._write({**self._seen.source, "released": True})
            except (LookalikeError, VersionConflictError, MissingError, TimeoutError):
                _log.warning("The lease could not be given back: another process waits until it runs out.")

    async def _keep(self) -> None:
        while True:
            failing = self._held.is_set() and self._age() > self._lasts_s / _STEPS
            await asyncio.sleep(self._lasts_s * (_PAUSE if failing else 1 / _STEPS))
            self._lose_if_over()
            await self._step()
            self._lose_if_over()

    async def _step(self) -> None:
        held = self._held.is_set()
        try:
            async with asyncio.timeout(self._lasts_s / (2 * _STEPS) if held else self._lasts_s):
                await (self._renew() if held else self._ask())
            if not held and self._fence.held:
                await self._take_over()
        except (StoreUnavailableError, TimeoutError, VersionConflictError, MissingError):
            pass  # looked at again at the next step
        except LookalikeError as error:
            if str(error) != self._told:
                _log.error("This process cannot become the indexer: %s", error)
                self._told = str(error)

    def _age(self) -> float:
        """Seconds since the lease was asked for with success."""
        return asyncio.get_running_loop().time() - self._renewed

    def _lose_if_over(self) -> None:
        over = self._age() > _GIVEN_UP_AFTER * self._lasts_s
        if self._held.is_set() and (over or not self._fence.held):
            self._lose()

    def _lose(self) -> None:
        self._fence.give_up()
        self._held.clear()
        self._not_held.set()

    async def _ask(self) -> None:
        await self._look()
        seen = self._seen
        asked_at = asyncio.get_running_loop().time()
        if seen and not seen.is_over(asked_at):
            return
        if not self._founded:
            await self._found()
            self._founded = True
        number = seen.source["number"] + 1 if seen else 1
        await self._write({"kind": _DOCUMENT, "number": number, "released": False, "lasts_s": self._lasts_s})
        self._renewed = asked_at
        self._fence.raise_to(number)

    async def _take_over(self) -> None:
        """Begin, the lease renewed meanwhile: to repair and to catch up may take longer than it lasts."""
        begins = asyncio.create_task(self._begin(), name="begins")
        try:
            while not (await asyncio.wait({begins}, timeout=self._lasts_s / _STEPS))[0]:
                async with asyncio.timeout(self._lasts_s / _STEPS):
                    await self._renew()
            begins.result()
        except BaseException:
            begins.cancel()
            await asyncio.gather(begins, return_exceptions=True)
            self._lose()
            raise
        if not self._fence.held:  # it was another's meanwhile
            self._lose()
            return
        self._not_held.clear()
        self._held.set()
        _log.info("This process is the indexer.")

    async def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        try:
            answer = await self._cluster.request("GET", self._path)
        except MissingError:
            self._seen = None
            return
        place = (answer["_seq_no"], answer["_primary_term"])
        if self._seen is None or self._seen.place != place:
            self._seen = _Seen(answer["_source"], place, now)
        if self._seen.source["holder"] != self._holder:
            self._fence.where = None if self._seen.is_over(now) else self._seen.source["where"]

    async def _renew(self) -> None:
        asked_at = asyncio.get_running_loop().time()
        if self._seen is None or not self._fence.held:
            return
        try:
            await self._write(self._seen.source)
        except VersionConflictError:
            await self._look()  # an answer may have been lost on its way, and the document be our own
            if self._seen.source["holder"] != self._holder:
                self._lose()
            return
        self._renewed = asked_at

    async def _write(self, source: Mapping[str, Any]) -> None:
        document = {**source, "holder": self._holder, "where": self._own_address}
        params = (
            {"if_seq_no": str(self._seen.place[0]), "if_primary_term": str(self._seen.place[1])}
            if self._seen
            else {"op_type": "create"}
        )
        answer = await self._cluster.request("PUT", self._path, document, params)
        self._seen = _Seen(document, (answer["_seq_no"], answer["_primary_term"]), asyncio.get_running_loop().time())
