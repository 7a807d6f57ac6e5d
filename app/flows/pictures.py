"""Photos that a report shows, made small."""

import asyncio
from pathlib import Path
from typing import Final

from app.domain.errors import ImageRejectedError, MediaElsewhereError, NotFoundError
from app.domain.imaging import Limits, thumbnail
from app.domain.ports import Workers
from app.domain.records import CatalogueImage
from app.flows.browsing import Browsing
from app.flows.photos import Photos

_SIDE: Final = 144


def small_picture(photo: bytes, limits: Limits) -> bytes | None:
    """An encoded photo -> a JPEG of at most 144 pixels a side; None if it is none."""
    try:
        return thumbnail(photo, limits, _SIDE)
    except ImageRejectedError:
        return None


class Pictures:
    """Finds photos again: those of a catalogue, and those that are indexed."""

    def __init__(self, browsing: Browsing, photos: Photos, workers: Workers, limits: Limits) -> None:
        """`photos` reads the catalogue that only asks."""
        self._browsing = browsing
        self._photos = photos
        self._workers = workers
        self._limits = limits

    async def small(self, image_id: str, image: CatalogueImage | None) -> bytes | None:
        """A JPEG of at most 144 pixels a side: of an indexed image, or of `image`; None if it is not to be had."""
        data = await (self._photos.read(image) if image else self._kept(image_id))
        return await self._workers.run(small_picture, data, self._limits) if data else None

    async def _kept(self, image_id: str) -> bytes | None:
        try:
            file = await self._browsing.thumbnail(image_id)
            return await asyncio.to_thread(Path(file.path).read_bytes)
        except (NotFoundError, MediaElsewhereError, OSError):
            return None
