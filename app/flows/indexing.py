"""Photos -> entries in the store, in batches: decoded, embedded, kept and put; what is no photo is told apart."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.domain.errors import ImageRejectedError, Reason
from app.domain.features import Vectors
from app.domain.imaging import Prepared, download_name, prepare
from app.domain.naming import product_id
from app.domain.ports import Catalogue, Embedder, Media, Store, Workers
from app.domain.records import CatalogueImage, Entry, NewEntry, Origin, ProductFrom, StoredFeatures
from app.flows.batching import Arrived, Rejected, Taken


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An image that was read and decoded."""

    arrived: Arrived
    data: bytes
    sha256: str
    prepared: Prepared


class Indexing:
    """Takes batches of images that are at hand."""

    def __init__(
        self,
        *,
        embedder: Embedder,
        workers: Workers,
        store: Store,
        catalogue: Catalogue,
        media: Media,
        product_from: ProductFrom,
    ) -> None:
        """`workers` are indexing's own, behind those of searches."""
        self._embedder = embedder
        self._workers = workers
        self._store = store
        self._catalogue = catalogue
        self._media = media
        self._product_from = product_from
        self._putting = asyncio.Lock()

    async def take(self, batch: Sequence[Arrived]) -> list[Taken | Rejected]:
        """What became of each, in order; the entries of those that are taken are in the store."""
        results = await self._workers.run(self._load_all, batch)
        loaded = [result for result in results if isinstance(result, _Loaded)]
        if not loaded:
            return [result for result in results if isinstance(result, Rejected)]
        known = await self._store.twins([image.sha256 for image in loaded if not image.arrived.fresh])
        # Of the same bytes twice in a batch, the first is embedded.
        new = {image.sha256: image.prepared for image in reversed(loaded) if image.sha256 not in known}
        features = {**known, **await self._embed(new)}
        await self._workers.run(self._keep_files, loaded)
        refused = await self._put(loaded, features)
        return [self._outcome(result, new, refused) if isinstance(result, _Loaded) else result for result in results]

    def _outcome(self, loaded: _Loaded, new: Mapping[str, Prepared], refused: Collection[str]) -> Taken | Rejected:
        if loaded.arrived.image.image_id in refused:
            return Rejected(Reason.STORE_REJECTED, fetched=True)
        return Taken(new.get(loaded.sha256) is loaded.prepared)

    async def _embed(self, new: Mapping[str, Prepared]) -> dict[str, StoredFeatures]:
        if not new:
            return {}
        vectors = await self._workers.run(self._embedder.embed, list(new.values()))
        return dict(zip(new, as_stored(vectors), strict=True))

    async def _put(self, loaded: Sequence[_Loaded], features: Mapping[str, StoredFeatures]) -> Collection[str]:
        async with self._putting:  # two jobs may bring one image under two labels: each adds to what the other put
            there = await self._store.entries([image.arrived.image.image_id for image in loaded])
            entries = []
            for image in loaded:
                before = there.get(image.arrived.image.image_id)
                entry = self._entry(image, before.label_ids if before else ())
                entries.append(NewEntry(entry, features[image.sha256]))
            return await self._store.put(_merged(entries))

    def _load_all(self, batch: Sequence[Arrived]) -> list[_Loaded | Rejected]:
        return [self._load(arrived) for arrived in batch]

    def _load(self, arrived: Arrived) -> _Loaded | Rejected:
        recipe = self._embedder.recipe
        data = arrived.data
        try:
            if data is None:
                data = self._catalogue.read(arrived.image.locator, recipe.limits.max_bytes)
        except OSError:
            return Rejected(Reason.FILE_MISSING, fetched=False)
        try:
            prepared = prepare(data, recipe, hashed=True)
        except ImageRejectedError as error:
            return Rejected(error.reason, fetched=True)
        return _Loaded(arrived, data, hashlib.sha256(data).hexdigest(), prepared)

    def _keep_files(self, loaded: Sequence[_Loaded]) -> None:
        self._media.keep_downloads({image.arrived.image.image_id: image.data for image in loaded if image.arrived.url})

    def _entry(self, loaded: _Loaded, label_ids: Sequence[str]) -> Entry:
        arrived, prepared = loaded.arrived, loaded.prepared
        image, url = arrived.image, arrived.url
        return Entry(
            image_id=image.image_id,
            name=download_name(image.image_id, loaded.data) if url else image.name,
            label_ids=tuple(sorted({*label_ids, image.label_id})),
            product_id=product_of(self._product_from, image),
            width=prepared.width,
            height=prepared.height,
            sha256=loaded.sha256,
            perceptual_hash=prepared.perceptual_hash or b"",
            origin=Origin.DOWNLOAD if url else Origin.CATALOGUE,
            locator=url or image.locator,
            title=image.title,
            attributes=image.attributes,
            job_id=arrived.job_id,
        )


def product_of(rule: ProductFrom, image: CatalogueImage) -> str:
    """The product of a catalogue's image."""
    return product_id(rule, label_id=image.label_id, image_id=image.image_id, own=image.own_product_id)


def as_stored(vectors: Vectors) -> StoredFeatures:
    """float32 [n, dimensions] -> the float16 that is kept."""
    return vectors.astype(np.float16)


def _merged(entries: Sequence[NewEntry]) -> list[NewEntry]:
    """One for each image: where two jobs brought the same one in a batch, it is under the labels of both."""
    merged: dict[str, NewEntry] = {}
    for new in entries:
        other = merged.get(new.entry.image_id)
        if other:
            label_ids = sorted({*new.entry.label_ids, *other.entry.label_ids})
            new = replace(new, entry=replace(new.entry, label_ids=tuple(label_ids)))  # noqa: PLW2901
        merged[new.entry.image_id] = new
    return list(merged.values())
