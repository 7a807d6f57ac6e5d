"""Images of a catalogue -> entries in the store, a batch at a time; what fails is an outcome, never an end."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.domain.errors import ImageRejectedError, Reason
from app.domain.features import Vectors
from app.domain.imaging import Prepared, prepare
from app.domain.jobs import AlreadyThere, Failed, Indexed, Outcome, PlannedImage
from app.domain.naming import product_id
from app.domain.ports import Catalogue, Embedder, Store, Workers
from app.domain.records import CatalogueImage, Entry, NewEntry, Origin, ProductFrom, StoredFeatures


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An image that was read and decoded."""

    planned: PlannedImage
    sha256: str
    prepared: Prepared


class Indexing:
    """Turns a batch of planned images into entries."""

    def __init__(
        self, embedder: Embedder, workers: Workers, store: Store, catalogue: Catalogue, product_from: ProductFrom
    ) -> None:
        """`workers` are indexing's own, behind those of searches."""
        self._embedder = embedder
        self._workers = workers
        self._store = store
        self._catalogue = catalogue
        self._product_from = product_from

    async def index(self, job_id: str, batch: Sequence[PlannedImage]) -> list[Outcome]:
        """One outcome for each image of the batch; when it returns, what it calls indexed is in the store."""
        there = await self._store.existing([planned.image.image_id for planned in batch])
        met = [_met_before(planned, job_id, there) for planned in batch if planned.image.image_id in there]
        missing = [planned for planned in batch if planned.image.image_id not in there]
        return [*met, *(await self._add(job_id, missing) if missing else [])]

    async def _add(self, job_id: str, missing: Sequence[PlannedImage]) -> list[Outcome]:
        results = await self._workers.run(self._load_all, missing)
        loaded = [result for result in results if isinstance(result, _Loaded)]
        outcomes: list[Outcome] = [result for result in results if isinstance(result, Failed)]
        if not loaded:
            return outcomes
        known = await self._store.twins([image.sha256 for image in loaded])
        # Of the same bytes twice in a batch, the first is embedded.
        new = {image.sha256: image.prepared for image in reversed(loaded) if image.sha256 not in known}
        features = {**known, **await self._embed(new)}
        await self._store.put([self._entry(job_id, image, features[image.sha256]) for image in loaded])
        return outcomes + [Indexed(image.planned.position, embedded=_takes(new, image)) for image in loaded]

    async def _embed(self, new: Mapping[str, Prepared]) -> dict[str, StoredFeatures]:
        if not new:
            return {}
        vectors = await self._workers.run(self._embedder.embed, list(new.values()))
        return dict(zip(new, as_stored(vectors), strict=True))

    def _load_all(self, batch: Sequence[PlannedImage]) -> list[_Loaded | Failed]:
        return [self._load(planned) for planned in batch]

    def _load(self, planned: PlannedImage) -> _Loaded | Failed:
        recipe = self._embedder.recipe
        try:
            data = self._catalogue.read(planned.image.locator, recipe.limits.max_bytes)
        except OSError:
            return Failed(planned.position, Reason.FILE_MISSING, fetched=False)
        try:
            prepared = prepare(data, recipe, hashed=True)
        except ImageRejectedError as error:
            return Failed(planned.position, error.reason, fetched=True)
        return _Loaded(planned, hashlib.sha256(data).hexdigest(), prepared)

    def _entry(self, job_id: str, loaded: _Loaded, features: StoredFeatures) -> NewEntry:
        image = loaded.planned.image
        entry = new_entry(image, loaded.sha256, loaded.prepared, self._product_of(image), job_id)
        return NewEntry(entry, features)

    def _product_of(self, image: CatalogueImage) -> str:
        return product_id(
            self._product_from, label_id=image.label_id, image_id=image.image_id, own=image.own_product_id
        )


def new_entry(image: CatalogueImage, sha256: str, prepared: Prepared, product: str, job_id: str) -> Entry:
    """The entry of a catalogue's image."""
    return Entry(
        image_id=image.image_id,
        name=image.name,
        label_ids=(image.label_id,),
        product_id=product,
        width=prepared.width,
        height=prepared.height,
        sha256=sha256,
        perceptual_hash=prepared.perceptual_hash or b"",
        origin=Origin.CATALOGUE,
        locator=image.locator,
        job_id=job_id,
    )


def as_stored(vectors: Vectors) -> StoredFeatures:
    """float32 [n, dimensions] -> the float16 that is kept."""
    return vectors.astype(np.float16)


def _met_before(planned: PlannedImage, job_id: str, there: Mapping[str, str | None]) -> Outcome:
    # Put by this very job before a restart: its outcome was lost, not its work.
    if there[planned.image.image_id] == job_id:
        return Indexed(planned.position)
    return AlreadyThere(planned.position)


def _takes(new: dict[str, Prepared], image: _Loaded) -> bool:
    """Whether the image was embedded itself: the first of its bytes in the batch."""
    return new.get(image.sha256) is image.prepared
