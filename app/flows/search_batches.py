"""Many searches in one request: each has its own outcome, and together they leave room for others."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.domain.errors import BusyError, LookalikeError
from app.domain.ports import Downloads
from app.flows.searching import Found, Search, Searching

_MOST_BATCHES: Final = 8
"""At once; their photos are in memory."""
_LANES: Final = 8
"""Searches of a batch under way at once: most of them fetch their photo, or wait for their turn."""


class SearchBatches:
    """Batches of searches. Between them they search `at_once`, in turn, however many they are and have."""

    def __init__(self, searching: Searching, downloads: Downloads, *, at_once: int) -> None:
        """`at_once` is fewer than there are threads for searches, so that one is always left for a single search."""
        self._searching = searching
        self._downloads = downloads
        self._turns = asyncio.Semaphore(at_once)
        self._inside = 0

    async def search(self, searches: Sequence[Search]) -> list[Found | LookalikeError]:
        """What each of them found, or why it could not, in order. Raises BusyError for a batch too many."""
        if self._inside >= _MOST_BATCHES:
            raise BusyError("Too many batches are being searched; try again in a second.")
        self._inside += 1
        try:
            return await self._outcomes(searches)
        finally:
            self._inside -= 1

    async def _outcomes(self, searches: Sequence[Search]) -> list[Found | LookalikeError]:
        outcomes: dict[int, Found | LookalikeError] = {}
        waiting = enumerate(searches)

        async def work() -> None:
            for index, search in waiting:
                outcomes[index] = await self._outcome(search)

        async with asyncio.TaskGroup() as lanes:
            for _ in range(min(_LANES, len(searches))):
                lanes.create_task(work())
        return [outcomes[index] for index in range(len(searches))]

    async def _outcome(self, search: Search) -> Found | LookalikeError:
        try:
            if search.image_url is not None:
                search = replace(search, photo=await self._downloads.query_photo(search.image_url), image_url=None)
            async with self._turns:
                return await self._searching.search(search)
        except LookalikeError as error:
            return error
