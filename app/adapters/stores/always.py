"""The right to change a store that no other process has."""

import asyncio


class AlwaysHeld:
    """See the port `Leadership`."""

    held = True
    where = None

    async def acquired(self) -> None:
        """It is."""

    async def lost(self) -> None:
        """It never is."""
        await asyncio.get_running_loop().create_future()
