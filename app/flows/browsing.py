"""Looking around: labels of the catalogue, what is indexed, single images and their files."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import NotFoundError
from app.domain.ports import Catalogue, Media, Store
from app.domain.records import CatalogueImage, CatalogueLabel, Entry, LabelIndex, MediaFile, Origin


@dataclass(frozen=True, slots=True)
class BrowsedLabel:
    """A label of the catalogue and how much of it is indexed."""

    label: CatalogueLabel
    indexed_count: int


class Browsing:
    """Reads and changes nothing."""

    def __init__(self, catalogue: Catalogue, store: Store, media: Media) -> None:
        """Over what could be indexed, what is, and the files."""
        self._catalogue = catalogue
        self._store = store
        self._media = media

    async def ping(self) -> None:
        """Return if the catalogue can be read. Raises CatalogueError."""
        await self._catalogue.label("")

    async def labels(self) -> list[BrowsedLabel]:
        """Every label of the catalogue, by id."""
        indexed = {label.label_id: label.image_count for label in await self._store.labels()}
        return [BrowsedLabel(label, indexed.get(label.label_id, 0)) for label in await self._catalogue.labels()]

    async def label(self, label_id: str) -> BrowsedLabel:
        """One label of the catalogue. Raises NotFoundError with near names."""
        label = await self.catalogue_label(label_id)
        indexed = await self._store.label(label_id)
        return BrowsedLabel(label, indexed.image_count if indexed else 0)

    async def catalogue_label(self, label_id: str) -> CatalogueLabel:
        """One label of the catalogue. Raises NotFoundError with near names."""
        label = await self._catalogue.label(label_id)
        if label is None:
            known = [label.label_id for label in await self._catalogue.labels()]
            raise NotFoundError("label_not_found", _no_such_label(label_id, known))
        return label

    async def catalogue_images(self, label_id: str) -> Sequence[CatalogueImage]:
        """A label's images in the catalogue's order. Raises NotFoundError."""
        await self.catalogue_label(label_id)
        return await self._catalogue.images(label_id)

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
        """An image's file. Raises NotFoundError."""
        path = self._path(await self.image(image_id))
        return _kept(await self._media.describe(path) if path else None)

    async def thumbnail(self, image_id: str) -> MediaFile:
        """An image's thumbnail. Raises NotFoundError."""
        entry = await self.image(image_id)
        path = self._path(entry)
        return _kept(await self._media.thumbnail(entry.sha256, path) if path else None)

    def _path(self, entry: Entry) -> Path | None:
        if entry.origin is Origin.UPLOAD:
            return self._media.original(entry.image_id)
        return self._catalogue.file(entry.locator)


def _kept(file: MediaFile | None) -> MediaFile:
    if file is None:
        raise NotFoundError("image_not_kept", "The image is indexed, but its file is not there any more.")
    return file


def _no_such_label(label_id: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(label_id, known, n=5, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}?" if near else "GET /labels lists them."
    return f"There is no label '{label_id}' in the catalogue. {hint}"
