"""Who is the indexer, as a test says it."""

import asyncio


class FakeLeadership:
    """The port `Leadership`: a test gives it and takes it away."""

    def __init__(self, where: str | None = None, *, held: bool = False) -> None:
        """At first it is elsewhere, or nowhere."""
        self.where = where
        self._held = asyncio.Event()
        self._not_held = asyncio.Event()
        (self._held if held else self._not_held).set()

    @property
    def held(self) -> bool:
        """Whether it was given."""
        return self._held.is_set()

    async def acquired(self) -> None:
        """Wait for it to be given."""
        await self._held.wait()

    async def lost(self) -> None:
        """Wait for it to be taken away."""
        await self._not_held.wait()

    def give(self) -> None:
        """From now on."""
        self._not_held.clear()
        self._held.set()

    def take_away(self, where: str | None = None) -> None:
        """To another process, or none."""
        self.where = where
        self._held.clear()
        self._not_held.set()
