"""A catalogue's image -> its encoded bytes, for a look that stores nothing."""

from app.domain.downloads import Fetched
from app.domain.ports import Catalogue, Downloads, Workers
from app.domain.records import CatalogueImage


class Photos:
    """Reads images of a catalogue: from their files, or from the first address that serves them."""

    def __init__(self, catalogue: Catalogue, downloads: Downloads, workers: Workers, max_bytes: int) -> None:
        """Of a larger file only `max_bytes + 1` are read."""
        self._catalogue = catalogue
        self._downloads = downloads
        self._workers = workers
        self._max_bytes = max_bytes

    async def read(self, image: CatalogueImage) -> bytes | None:
        """An image's bytes, or None where they are not to be had."""
        if image.locator:
            try:
                return await self._workers.run(self._catalogue.read, image.locator, self._max_bytes)
            except OSError:
                pass
        for url in image.urls:
            async with self._downloads.fetch(url) as got:
                if isinstance(got, Fetched):
                    return got.data
        return None
