"""The embedded store as the port promises it."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from app.adapters.sqlite import SqliteFile
from app.adapters.stores.embedded import evaluations, reading, spaces, writing
from app.adapters.stores.embedded.changing import Changing
from app.adapters.stores.embedded.following import TOKENS
from app.adapters.stores.embedded.live import Live, clear_caches, loaded
from app.adapters.stores.embedded.scanning import use_one_thread
from app.adapters.stores.embedded.schema import SCHEMA, STORE_FILE, meta
from app.domain.answering.report import CalibrationReport
from app.domain.errors import ConflictError, NotFoundError, SpaceChangedError
from app.domain.evaluating.records import Evaluation
from app.domain.records import (
    Description,
    Entry,
    GalleryBlock,
    Hit,
    KeptEntry,
    LabelIndex,
    Member,
    NewEntry,
    ProductPhotos,
    Query,
    Standing,
    StoredFeatures,
)
from app.domain.spaces import LearnedSpace, Space, SpaceCard

_NOT_DROPPED: Final = "The live space and the raw one stay: POST /spaces/{space_id}/activate another first."


class EmbeddedStore:
    """See the port. One process, one folder."""

    def __init__(self, folder: Path, file: SqliteFile, raw: Space, live: Live) -> None:
        """Use `open` instead."""
        self._folder = folder
        self._file = file
        self._changing = Changing(file, live)
        self._building = asyncio.Lock()
        self._raw = raw

    @classmethod
    async def open(cls, folder: Path, raw: Space, *, readers: int) -> Self:
        """Open the store in a folder, made if need be, for a model's features. Raises DataFolderError."""
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        file = SqliteFile(folder / STORE_FILE, SCHEMA, readers=readers, prepare_thread=use_one_thread)
        space = await file.read(spaces.live, raw)
        clear_caches(folder, space)
        return cls(folder, file, raw, await file.read(loaded, folder, space))

    @property
    def space(self) -> Space:
        """The live space."""
        return self._changing.live.space

    @property
    def method(self) -> str:
        """`rabitq` once there are codes, `exact` before."""
        return "rabitq" if self._changing.live.cache.snapshot.codes else "exact"

    # What is asked.

    async def search(self, query: Query) -> list[Hit]:
        """The nearest entries."""
        return await self._file.read(self._live_as(query.space_id).searching.search, query)

    async def photos_of(self, product_ids: Sequence[str], space_id: str) -> Mapping[str, ProductPhotos]:
        """Photos of products."""
        return await self._file.read(self._live_as(space_id).searching.photos_of, product_ids)

    def _live_as(self, space_id: str | None) -> Live:
        live = self._changing.live
        if space_id not in (None, live.space.space_id):
            raise SpaceChangedError(live.space.space_id)
        return live

    async def product_sizes(self, after: str, count: int) -> Mapping[str, int]:
        """Photos by product."""
        return await self._file.read(reading.product_sizes, after, count, self._raw.fingerprint)

    async def entries_of(self, product_id: str, after: str, count: int) -> list[Entry]:
        """A product's next photos."""
        return await self._file.read(reading.entries_of, product_id, after, count, self._raw.fingerprint)

    async def gallery(self, after: str, count: int) -> GalleryBlock:
        """The next photos."""
        return await self._file.read(reading.gallery, after, count, self._raw.fingerprint)

    async def entry(self, image_id: str) -> Entry | None:
        """One entry."""
        return await self._file.read(reading.by_image_id, image_id)

    async def entries(self, image_ids: Sequence[str]) -> Mapping[str, Entry]:
        """Some entries."""
        found = await self._file.read(reading.by_image_ids, image_ids)
        return {entry.image_id: entry for entry in found.values()}

    async def features(self, image_id: str) -> StoredFeatures | None:
        """An entry's features."""
        return await self._file.read(reading.features, image_id, self._raw.fingerprint)

    async def features_of(self, image_ids: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """Features of some entries."""
        return await self._file.read(reading.features_of, image_ids, self._raw.fingerprint)

    async def existing(self, image_ids: Sequence[str]) -> Mapping[str, Standing]:
        """Which of these are there."""
        return await self._file.read(reading.existing, image_ids, self._raw.fingerprint)

    async def twins(self, sha256s: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """Features of the same bytes."""
        return await self._file.read(reading.twins, sha256s, self._raw.fingerprint)

    async def unindexed(self, label_ids: Collection[str]) -> Collection[str]:
        """Labels without entries."""
        return await self._file.read(reading.unindexed, label_ids) if label_ids else ()

    async def members(self, label_id: str, after: str, count: int) -> list[Member]:
        """A label's next entries."""
        return await self._file.read(reading.members, label_id, after, count)

    async def deleted(self, image_ids: Sequence[str]) -> Collection[str]:
        """Which of these were deleted."""
        return await self._file.read(reading.deleted, image_ids)

    async def counts(self) -> Mapping[str, int]:
        """Entries by label."""
        return await self._file.read(reading.counts)

    async def labels(self) -> list[LabelIndex]:
        """What is indexed."""
        rows = await self._file.read(reading.label_indexes, self._raw.fingerprint)
        return [self._label_index(row) for row in rows]

    async def label(self, label_id: str) -> LabelIndex | None:
        """What is indexed under a label."""
        rows = await self._file.read(reading.label_indexes, self._raw.fingerprint, label_id)
        return self._label_index(rows[0]) if rows else None

    def _label_index(self, row: tuple[Any, ...]) -> LabelIndex:
        label_id, name, images, stale, products, last = row
        codes = self._changing.live.cache.snapshot.codes
        row_bytes = self.space.dimensions * 2 + (codes.bytes_per_row if codes else 0)
        return LabelIndex(label_id, name, images, stale, products, images * row_bytes, datetime.fromisoformat(last))

    async def ping(self) -> None:
        """Read a word."""
        await self._file.read(meta, TOKENS)

    # What is changed.

    async def put(self, entries: Sequence[NewEntry]) -> Collection[str]:
        """Add entries or replace them; all are taken."""
        latest = {new.entry.image_id: new for new in entries}
        if latest:
            await self._changing.put(latest)
        return ()

    async def restore(self, entries: Sequence[KeptEntry]) -> Collection[str]:
        """Add entries as another store kept them; all are taken."""
        latest = {kept.entry.image_id: kept for kept in entries}
        if latest:
            await self._changing.restore(latest)
        return ()

    async def refresh(self) -> None:
        """Everything is seen already."""

    async def name_labels(self, names: Mapping[str, str]) -> None:
        """What labels are called."""
        await self._file.write(writing.name_labels, names)

    async def add_label(self, image_ids: Sequence[str], label_id: str) -> None:
        """One more label for entries."""
        if image_ids:
            await self._changing.add_label(image_ids, label_id)

    async def describe(self, descriptions: Mapping[str, Description]) -> None:
        """Other words for entries."""
        if descriptions:
            await self._changing.describe(descriptions)

    async def take_out(self, image_ids: Sequence[str], label_id: str) -> list[Entry]:
        """One label less for entries."""
        return await self._changing.take_out(image_ids, label_id) if image_ids else []

    async def delete(self, image_id: str) -> Entry | None:
        """Delete for good."""
        return await self._changing.delete(image_id)

    async def forgive(self, label_id: str) -> None:
        """Forget deletions."""
        await self._file.write(writing.forgive, label_id)

    async def restore_deletions(self, deletions: Mapping[str, Collection[str]]) -> None:
        """Delete for good what was deleted elsewhere."""
        if deletions:
            await self._changing.restore_deletions(deletions)

    async def drop_label(self, label_id: str) -> list[Entry]:
        """Take a label away."""
        return await self._changing.drop_label(label_id)

    # Spaces.

    async def spaces(self) -> list[SpaceCard]:
        """What was learned, and the raw space."""
        return [*await self._file.read(spaces.cards, self._raw.fingerprint), SpaceCard.raw(self._raw)]

    async def keep_space(self, learned: LearnedSpace) -> None:
        """Keep what was learned."""
        await self._file.write(spaces.keep, learned)

    async def activate(self, space_id: str) -> None:
        """Build a space from the truth beside the live one, and switch."""
        async with self._building:
            space = await self._kept(space_id)
            if space.space_id == self.space.space_id:
                return
            built = await asyncio.shield(self._built(space))
            (await self._changing.switch(built)).cache.close()
            clear_caches(self._folder, space)

    async def keep_calibration(self, report: CalibrationReport) -> None:
        """Keep how sure answers in a space are."""
        await self._file.write(spaces.keep_calibration, report)

    async def calibration(self, space_id: str) -> CalibrationReport | None:
        """What was kept for a space."""
        return await self._file.read(spaces.calibration, space_id)

    async def drop_space(self, space_id: str) -> None:
        """Forget a space."""
        async with self._building:
            await self._kept(space_id)
            if space_id in {self.space.space_id, self._raw.space_id}:
                raise ConflictError("space_live", _NOT_DROPPED)
            await self._file.write(spaces.drop, space_id)

    async def _kept(self, space_id: str) -> Space:
        if space_id == self._raw.space_id:
            return self._raw
        learned = await self._file.read(spaces.by_id, space_id)
        if learned is None or learned.space.fingerprint != self._raw.fingerprint:
            raise NotFoundError("space_not_found", f"There is no space '{space_id}': GET /spaces lists them.")
        return learned.space

    async def _built(self, space: Space) -> Live:
        # On a connection and a thread of its own: searches keep all of theirs.
        file = SqliteFile(self._folder / STORE_FILE, SCHEMA, readers=1)
        try:
            return await file.read(loaded, self._folder, space)
        finally:
            file.close()

    # Evaluations.

    async def keep_evaluation(self, evaluation: Evaluation) -> None:
        """Keep an evaluation."""
        await self._file.write(evaluations.keep, evaluation)

    async def evaluation(self, evaluation_id: str) -> Evaluation | None:
        """What was kept under an id."""
        return await self._file.read(evaluations.one, evaluation_id)

    async def close(self) -> None:
        """Save the cache and close the files."""
        await self._changing.close()
