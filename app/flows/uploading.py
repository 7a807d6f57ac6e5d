"""The caller's own image -> an entry whose original is kept."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.errors import InvalidRequestError
from app.domain.features import Vectors
from app.domain.imaging import Prepared, prepare
from app.domain.naming import product_id, upload_image_id
from app.domain.ports import Embedder, Media, Store, Workers
from app.domain.records import Entry, NewEntry, Origin, ProductFrom
from app.flows.indexing import as_stored


@dataclass(frozen=True, slots=True)
class Upload:
    """An image's bytes and what its owner says of it."""

    label_id: str
    data: bytes
    name: str
    product_id: str | None = None
    title: str | None = None
    attributes: Mapping[str, str | float | bool] = field(default_factory=dict)


class Uploading:
    """Adds single images under a label, which is made if need be."""

    def __init__(
        self,
        embedder: Embedder,
        workers: Workers,
        store: Store,
        media: Media,
        product_from: ProductFrom,
        *,
        changed: asyncio.Event,
    ) -> None:
        """`workers` are those of indexing; `changed` is set when an image was added."""
        self._embedder = embedder
        self._workers = workers
        self._store = store
        self._media = media
        self._product_from = product_from
        self._changed = changed
        self._one_at_a_time = asyncio.Lock()

    async def add(self, upload: Upload) -> tuple[Entry, bool]:
        """The entry, and whether it is new; the same bytes again only add a label. Raises ImageRejectedError."""
        image_id = upload_image_id(upload.data)
        known = await self._labelled(image_id, upload.label_id)
        if known:
            return known, False
        prepared, vectors = await self._workers.run(self._embed, upload.data)
        async with self._one_at_a_time:
            known = await self._labelled(image_id, upload.label_id)
            if known:
                return known, False
            entry = self._entry(image_id, upload, prepared, await self._store.entry(image_id))
            await self._media.keep(image_id, upload.data)
            if await self._store.put([NewEntry(entry, as_stored(vectors)[0])]):
                detail = "The store does not take this image: its title or attributes are more than it can index."
                raise InvalidRequestError("store_rejected", detail)
            await self._store.refresh()
        self._changed.set()
        return entry, True

    async def _labelled(self, image_id: str, label_id: str) -> Entry | None:
        """The entry of these very bytes under one more label, if it is there."""
        if not await self._store.existing([image_id]):
            return None
        await self._store.add_label([image_id], label_id)
        await self._store.refresh()
        return await self._store.entry(image_id)

    def _embed(self, data: bytes) -> tuple[Prepared, Vectors]:
        prepared = prepare(data, self._embedder.recipe, hashed=True)
        return prepared, self._embedder.embed([prepared])

    def _entry(self, image_id: str, upload: Upload, prepared: Prepared, stale: Entry | None) -> Entry:
        """`stale` is the same image as it was indexed with another model."""
        label_ids = {upload.label_id, *(stale.label_ids if stale else ())}
        own = upload.product_id
        return Entry(
            image_id=image_id,
            name=upload.name,
            label_ids=tuple(sorted(label_ids)),
            product_id=own or product_id(self._product_from, label_id=upload.label_id, image_id=image_id, own=None),
            width=prepared.width,
            height=prepared.height,
            sha256=hashlib.sha256(upload.data).hexdigest(),
            perceptual_hash=prepared.perceptual_hash or b"",
            origin=Origin.UPLOAD,
            locator="",
            title=upload.title,
            attributes=upload.attributes,
        )
