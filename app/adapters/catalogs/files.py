"""Data-set files and tables as a catalogue: read once into a SQLite file, and again when they change."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.adapters.catalogs.built import BuiltCatalogue
from app.adapters.catalogs.photo_files import file_inside, read_file
from app.adapters.catalogs.shelf import Shelf
from app.adapters.catalogs.source_files import ReadingStoppedError, SourceFiles
from app.domain.attributes import Attributes
from app.domain.errors import CatalogueError
from app.domain.records import BadRecord, CatalogueImage, CatalogueLabel, CatalogueReport, HostCount


class FileCatalogue:
    """See the port. Reading happens on a thread of its own; calls wait for it."""

    def __init__(
        self,
        files: SourceFiles,
        cache_folder: Path,
        *,
        name: str,
        attributes: Attributes | None = None,
    ) -> None:
        """Nothing is read yet. `attributes` None: as the file beside each table declares.

        The files are looked at before each call: whoever changes a list and starts a job gets what it says now.
        """
        meant = hashlib.sha256(json.dumps([name, files.identity]).encode()).hexdigest()[:12]
        self._shelf = Shelf(files, cache_folder / f"{name}-{meant}.sqlite3", name, attributes)
        self._files = files
        self._name = name
        self._thread = ThreadPoolExecutor(1, f"catalogue-{name}")
        self._look: asyncio.Future[BuiltCatalogue] | None = None
        self._declared: Attributes | None = None

    def start(self) -> None:
        """Begin to read, in the running loop, before the first call asks for it."""
        self._begin()

    async def close(self) -> None:
        """Stop reading; what was not read to its end is not kept."""
        self._shelf.stopped.set()
        await asyncio.to_thread(self._thread.shutdown)

    async def labels(self) -> Sequence[CatalogueLabel]:
        """All labels, ordered by id."""
        return (await self._built()).labels

    async def label(self, label_id: str) -> CatalogueLabel | None:
        """One label, or None."""
        return (await self._built()).by_id.get(label_id)

    async def images(
        self, label_id: str, shown_as: str | None = None
    ) -> AsyncGenerator[Sequence[CatalogueImage], None]:
        """A label's images in the order of the files; `shown_as` is the label's id among several catalogues."""
        built = await self._built()
        if label_id not in built.by_id:
            return
        blocks = await asyncio.to_thread(built.blocks, label_id, shown_as or label_id)
        try:
            while block := await asyncio.to_thread(blocks.next):
                yield block
        finally:
            blocks.close()

    async def attributes(self) -> Attributes:
        """As last read. Where that was before, the files are looked at, and read if they changed, beside the call."""
        if self._declared is None:
            return (await self._built()).attributes
        if self._look is None or self._look.done():
            self._begin()
        return self._declared

    async def hosts(self, label_id: str, count: int) -> Sequence[HostCount]:
        """The busiest hosts of a label, up to 200."""
        built = await self._built()
        return await asyncio.to_thread(built.hosts, label_id, count) if label_id in built.by_id else []

    async def reports(self) -> Sequence[CatalogueReport]:
        """One."""
        return [(await self._built()).report]

    async def bad_records(self, name: str, after: int, count: int) -> Sequence[BadRecord]:
        """The first thousand are kept."""
        built = await self._built()
        return await asyncio.to_thread(built.bad_records, after, count) if name == self._name else []

    def read(self, locator: str, max_bytes: int) -> bytes:
        """An image's bytes, cut at `max_bytes + 1`."""
        return read_file(self.file(locator), locator, max_bytes)

    def file(self, locator: str) -> Path | None:
        """The image's file, if it is a regular one in the folder of one of the files."""
        return file_inside(self._files.root, locator, self._files.folders) if locator else None

    async def _built(self) -> BuiltCatalogue:
        """The catalogue as the files are now. A caller that gives up does not stop the reading."""
        look = self._look
        if look is None or look.done():
            look = self._begin()
        try:
            return await asyncio.shield(look)
        except CatalogueError as error:
            raise CatalogueError(str(error)) from error.__cause__
        except ReadingStoppedError:
            raise CatalogueError("The service is closing.") from None

    def _begin(self) -> "asyncio.Future[BuiltCatalogue]":
        if self._shelf.stopped.is_set():
            raise CatalogueError("The service is closing.")
        self._look = asyncio.get_running_loop().run_in_executor(self._thread, self._shelf.current)
        self._look.add_done_callback(self._note)
        return self._look

    def _note(self, look: "asyncio.Future[BuiltCatalogue]") -> None:
        # A failure is seen by that: whoever calls next is told.
        if not look.cancelled() and look.exception() is None:
            self._declared = look.result().attributes
