"""Looking around: labels of the catalogue, what is indexed, single images and their files."""

import difflib
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import MediaElsewhereError, NotFoundError, NotTheIndexerError, Reason
from app.domain.ports import Catalogue, Ledger, Media, Store
from app.domain.records import (
    BadRecord,
    CatalogueImage,
    CatalogueLabel,
    CatalogueReport,
    Entry,
    LabelIndex,
    MediaFile,
    Origin,
)


@dataclass(frozen=True, slots=True)
class BrowsedLabel:
    """A label of the catalogue and how much of it is indexed."""

    label: CatalogueLabel
    indexed_count: int


@dataclass(frozen=True, slots=True)
class BrowsedHost:
    """A host that images of a label come from, and what became of them before: None where others keep account of it."""

    host: str
    image_count: int
    indexed: int | None
    failed: Mapping[Reason, int] | None


class Browsing:
    """Reads and changes nothing."""

    def __init__(self, catalogue: Catalogue, store: Store, media: Media, ledger: Ledger) -> None:
        """Over what could be indexed, what is, the files, and what became of earlier jobs."""
        self._catalogue = catalogue
        self._store = store
        self._media = media
        self._ledger = ledger

    async def ping(self) -> None:
        """Return if the catalogue can be read. Raises CatalogueError."""
        await self._catalogue.label("")

    async def labels(self) -> list[BrowsedLabel]:
        """Every label of the catalogue, by id."""
        indexed = await self._store.counts()
        return [BrowsedLabel(label, indexed.get(label.label_id, 0)) for label in await self._catalogue.labels()]

    async def products(self, after: str, count: int) -> Mapping[str, int]:
        """How many photos the next products by id have."""
        return await self._store.product_sizes(after, count)

    async def photos_of_product(self, product_id: str, after: str, count: int) -> Sequence[Entry]:
        """A product's next photos by image id. Raises NotFoundError."""
        found = await self._store.entries_of(product_id, after, count)
        if not found and not (after and await self._store.entries_of(product_id, "", 1)):
            raise NotFoundError("product_not_found", f"No indexed image is of a product '{product_id}': GET /products.")
        return found

    async def label(self, label_id: str) -> BrowsedLabel:
        """One label of the catalogue. Raises NotFoundError with near names."""
        label = await self.catalogue_label(label_id)
        return BrowsedLabel(label, (await self._store.counts()).get(label_id, 0))

    async def hosts(self, label_id: str, count: int = 10) -> list[BrowsedHost]:
        """The hosts that most of a label's images come from, the busiest first."""
        hosts = await self._catalogue.hosts(label_id, count)
        try:
            before = {host.host: host for host in await self._ledger.host_outcomes(label_id)}
        except NotTheIndexerError:
            return [BrowsedHost(found.host, found.image_count, None, None) for found in hosts]
        return [
            BrowsedHost(found.host, found.image_count, past.indexed if past else 0, past.failed if past else {})
            for found in hosts
            for past in [before.get(found.host)]
        ]

    async def reports(self) -> Sequence[CatalogueReport]:
        """What reading the catalogues found."""
        return await self._catalogue.reports()

    async def bad_records(self, name: str, after: int, count: int) -> Sequence[BadRecord]:
        """A catalogue's records that could not be taken as they are. Raises NotFoundError."""
        known = [report.name for report in await self._catalogue.reports()]
        if name not in known:
            detail = f"There is no catalogue '{name}': GET /catalogues lists them."
            raise NotFoundError("catalogue_not_found", detail)
        return await self._catalogue.bad_records(name, after, count)

    async def catalogue_label(self, label_id: str) -> CatalogueLabel:
        """One label of the catalogue. Raises NotFoundError with near names."""
        label = await self._catalogue.label(label_id)
        if label is None:
            known = [label.label_id for label in await self._catalogue.labels()]
            raise NotFoundError("label_not_found", _no_such_label(label_id, known))
        return label

    async def catalogue_images(self, label_id: str) -> AsyncGenerator[Sequence[CatalogueImage], None]:
        """A label's images in blocks, in the catalogue's order. Raises NotFoundError."""
        await self.catalogue_label(label_id)
        async for block in self._catalogue.images(label_id):
            yield block

    async def indexes(self) -> Sequence[LabelIndex]:
        """What is indexed, by label id."""
        return await self._store.labels()

    async def index(self, label_id: str) -> LabelIndex:
        """What is indexed under a label. Raises NotFoundError."""
        index = await self._store.label(label_id)
        if index is None:
            await self.catalogue_label(label_id)  # an unknown label is another mistake
            detail = f"Label '{label_id}' is not indexed yet: POST /index/{label_id} first."
            raise NotFoundError("label_not_indexed", detail)
        return index

    async def image(self, image_id: str) -> Entry:
        """One indexed image. Raises NotFoundError."""
        entry = await self._store.entry(image_id)
        if entry is None:
            raise NotFoundError("image_not_found", f"No indexed image has the id '{image_id}'.")
        return entry

    async def content(self, image_id: str) -> MediaFile:
        """An image's file. Raises NotFoundError, MediaElsewhereError."""
        entry = await self.image(image_id)
        path = self._path(entry)
        return self._kept(entry, await self._media.describe(path) if path else None, original=True)

    async def thumbnail(self, image_id: str) -> MediaFile:
        """An image's thumbnail. Raises NotFoundError, MediaElsewhereError."""
        entry = await self.image(image_id)
        return self._kept(entry, await self._media.thumbnail(entry, self._path(entry)), original=False)

    def _path(self, entry: Entry) -> Path | None:
        if entry.origin is Origin.CATALOGUE:
            return self._catalogue.file(entry.locator)
        return self._media.original(entry.image_id)

    def _kept(self, entry: Entry, file: MediaFile | None, *, original: bool) -> MediaFile:
        if file:
            return file
        if self._media.is_elsewhere(entry, original=original):
            raise MediaElsewhereError
        raise NotFoundError("image_not_kept", "The image is indexed, but its file is not kept here.")


def _no_such_label(label_id: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(label_id, known, n=5, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}?" if near else "GET /labels lists them."
    return f"There is no label '{label_id}' in the catalogue. {hint}"
