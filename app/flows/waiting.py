"""What running jobs wait for: a store that is away, a disk that is nearly full. They go on by themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Literal, TypeVar

from app.domain.errors import StoreUnavailableError
from app.domain.ports import Media

T = TypeVar("T")

WaitsFor = Literal["disk", "store", "indexer"]

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 10.0
_LOOK_AGAIN_S: Final = 1.0


class Waiting:
    """Holds jobs back while they cannot go on; one for all jobs, since they share the disk and the store."""

    def __init__(self, media: Media) -> None:
        """`media` knows whether there is room."""
        self._media = media
        self._reasons: list[WaitsFor] = []
        self._closing = asyncio.Event()
        self._looked = float("-inf")

    @property
    def now(self) -> WaitsFor | None:
        """What jobs wait for at this moment."""
        return self._reasons[0] if self._reasons else None

    def open(self) -> None:
        """Wait again, after `close`."""
        self._closing.clear()

    def close(self) -> None:
        """Wait for nothing any more."""
        self._closing.set()

    async def until_there(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call until the store answers. Raises StoreUnavailableError when everything is closed meanwhile."""
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                return await call()
            except StoreUnavailableError:
                await self._wait("store", wait_s, self._closing)
                if self._closing.is_set():
                    raise
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def until_room(self, stop: asyncio.Event) -> None:
        """Return when the disk has room, or when `stop` is set."""
        now = asyncio.get_running_loop().time()
        if now - self._looked < _LOOK_AGAIN_S:
            return
        while not stop.is_set() and not await asyncio.to_thread(self._media.has_room):
            await self._wait("disk", _LOOK_AGAIN_S, stop)
        self._looked = now

    async def _wait(self, reason: WaitsFor, seconds: float, until: asyncio.Event) -> None:
        self._reasons.append(reason)
        try:
            async with asyncio.timeout(seconds):  # wait_for may miss that it is cancelled
                await until.wait()
        except TimeoutError:
            pass
        finally:
            self._reasons.remove(reason)
