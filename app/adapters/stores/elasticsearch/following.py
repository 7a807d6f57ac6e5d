"""Which space is live on the cluster: any process looks at the pointer, and goes over to where it leads."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from app.adapters.stores.elasticsearch.client import MissingError, RefusedError
from app.adapters.stores.elasticsearch.live import LiveSpace
from app.adapters.stores.elasticsearch.reading import Reading
from app.adapters.stores.elasticsearch.spaces import KeptSpaces
from app.domain.errors import SpaceChangedError, StoreUnavailableError
from app.domain.spaces import Space

T = TypeVar("T")

LIVE: Final = "live"
"""Where it is remembered which space is the live one."""
_LOOKED_EVERY_S: Final = 1.0


def pointer(space: Space) -> Mapping[str, Any]:
    """What is remembered there."""
    return {"kind": LIVE, "space_id": space.space_id}


class Following:
    """Keeps `live` where the cluster's pointer is."""

    def __init__(self, reading: Reading, kept: KeptSpaces, live: LiveSpace) -> None:
        """Nothing is looked at yet."""
        self._reading = reading
        self._kept = kept
        self._live = live
        self._looking = asyncio.Lock()
        self._looked_at: float | None = None

    async def look(self) -> None:
        """Go where the pointer leads. One to a space that is not kept, as another model's raw one, leads nowhere."""
        self._looked_at = asyncio.get_running_loop().time()
        async with self._looking:  # a space is large: one question of many at once fetches it
            found = (await self._reading.remembered([LIVE])).get(LIVE)
            if found and self._live.is_older(found.version):
                space = await self._named(found.source["space_id"])
                self._live.switch(space or self._live.space, found.version)

    async def _named(self, space_id: str) -> Space | None:
        for known in (self._live.space, self._live.raw):
            if known.space_id == space_id:
                return known
        learned = await self._kept.by_id(space_id)
        return learned.space if learned and learned.space.fingerprint == self._live.fingerprint else None

    async def ask(self, space_id: str | None, question: Callable[[Space], Awaitable[list[T]]]) -> list[T]:
        """Ask something of the live space, which has to be this one if it is named; nothing is in one never made.

        Raises SpaceChangedError, also if another space is live by the time the question fails.
        """
        if self._looked_at is None or asyncio.get_running_loop().time() - self._looked_at >= _LOOKED_EVERY_S:
            await self.look()
        space = self.live_as(space_id)
        try:
            return await question(space)
        except (MissingError, RefusedError, StoreUnavailableError) as error:
            await self.look()
            self.live_as(space.space_id)
            if isinstance(error, MissingError):
                return []
            raise

    def live_as(self, space_id: str | None) -> Space:
        """The live space. Raises SpaceChangedError if this is another one."""
        space = self._live.space
        if space_id not in {None, space.space_id}:
            raise SpaceChangedError(space.space_id)
        return space
