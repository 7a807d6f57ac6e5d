"""Images that come one by one -> batches, as many as wait when one can begin; each image hears what became of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.domain.errors import Reason
from app.domain.records import CatalogueImage
from app.flows.waiting import Waiting


@dataclass(frozen=True, slots=True)
class Arrived:
    """An image that is at hand: downloaded `data` from a `url`, or a file of the catalogue that is still to be read.

    `fresh` embeds it even if the same bytes were embedded before. When `stop` is set before its turn, it is dropped.
    """

    job_id: str
    image: CatalogueImage
    stop: asyncio.Event
    data: bytes | None = None
    url: str | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """The image is kept; `embedded` is false where the features of the same bytes served."""

    embedded: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """The image cannot be taken; `fetched` tells whether there were bytes."""

    reason: Reason
    fetched: bool


class Stage(Protocol):
    """What images that are at hand come to."""

    async def add(self, arrived: Arrived) -> Taken | Rejected:
        """Take an image. Raises CancelledError when it was dropped."""


_Promise = asyncio.Future[Taken | Rejected]
Take = Callable[[Sequence[Arrived]], Awaitable[Sequence[Taken | Rejected]]]
"""What is done with a batch; it may be called again for the same one when the store was away."""


class Batching:
    """The stage that works in batches: `at_once` of up to `size` images."""

    def __init__(self, take: Take, waiting: Waiting, *, size: int, at_once: int) -> None:
        """Nothing is taken before `open`."""
        self._take = take
        self._waiting = waiting
        self._size = size
        self._at_once = at_once
        self._queue: asyncio.Queue[tuple[Arrived, _Promise]] = asyncio.Queue()
        self._loops: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin to take images. Several batches at once: while one waits for the disk, another is decoded."""
        self._loops = [asyncio.create_task(self._work(), name="batches") for _ in range(self._at_once)]

    async def close(self) -> None:
        """Stop; nobody waits for an image any more."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    async def add(self, arrived: Arrived) -> Taken | Rejected:
        """See `Stage`."""
        promise: _Promise = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((arrived, promise))
        return await promise

    async def _work(self) -> None:
        while True:
            batch = [await self._queue.get()]
            while len(batch) < self._size and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            await self._keep_promises([pair for pair in batch if not _dropped(pair)])

    async def _keep_promises(self, batch: Sequence[tuple[Arrived, _Promise]]) -> None:
        if not batch:
            return
        try:
            results = await self._waiting.until_there(lambda: self._take([arrived for arrived, _ in batch]))
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            for _, promise in batch:
                if not promise.done():
                    promise.set_exception(error)
            return
        for (_, promise), result in zip(batch, results, strict=True):
            if not promise.done():
                promise.set_result(result)


def _dropped(pair: tuple[Arrived, _Promise]) -> bool:
    arrived, promise = pair
    if arrived.stop.is_set():
        promise.cancel()
    return promise.cancelled()
