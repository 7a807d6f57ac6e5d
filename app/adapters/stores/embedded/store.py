"""The embedded store as the port promises it: the truth first, then the cache that searches read."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ParamSpec, Self, TypeVar

import numpy as np

from app.adapters.sqlite import Connection, SqliteFile
from app.adapters.stores.embedded import reading, writing
from app.adapters.stores.embedded.cache import VectorCache
from app.adapters.stores.embedded.following import TOKENS, catch_up, load_cache, remember_token
from app.adapters.stores.embedded.scanning import use_one_thread
from app.adapters.stores.embedded.schema import SCHEMA, STORE_FILE, meta
from app.adapters.stores.embedded.searching import Searching
from app.domain.errors import StoreUnavailableError
from app.domain.records import (
    Description,
    Entry,
    Hit,
    KeptEntry,
    LabelIndex,
    Member,
    NewEntry,
    Query,
    Space,
    Standing,
    StoredFeatures,
)

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", NewEntry, KeptEntry)


class EmbeddedStore:
    """See the port. One process, one folder."""

    def __init__(self, file: SqliteFile, cache: VectorCache, space: Space) -> None:
        """Use `open` instead."""
        self._file = file
        self._cache = cache
        self._searching = Searching(cache, space.fingerprint)
        self._writing = asyncio.Lock()
        self._behind = False
        self.space = space

    @classmethod
    async def open(cls, folder: Path, space: Space, *, readers: int) -> Self:
        """Open the store in a folder, made if need be. Raises DataFolderError."""
        cache_folder = folder / "cache"
        cache_folder.mkdir(parents=True, exist_ok=True)
        file = SqliteFile(folder / STORE_FILE, SCHEMA, readers=readers, prepare_thread=use_one_thread)
        return cls(file, await file.read(load_cache, cache_folder, space), space)

    @property
    def method(self) -> str:
        """`rabitq` once there are codes, `exact` before."""
        return "rabitq" if self._cache.snapshot.codes else "exact"

    # What is asked.

    async def search(self, query: Query) -> list[Hit]:
        """The nearest entries."""
        return await self._file.read(self._searching.search, query)

    async def entry(self, image_id: str) -> Entry | None:
        """One entry."""
        return await self._file.read(reading.by_image_id, image_id)

    async def entries(self, image_ids: Sequence[str]) -> Mapping[str, Entry]:
        """Some entries."""
        found = await self._file.read(reading.by_image_ids, image_ids)
        return {entry.image_id: entry for entry in found.values()}

    async def features(self, image_id: str) -> StoredFeatures | None:
        """An entry's features."""
        return await self._file.read(reading.features, image_id, self.space.fingerprint)

    async def existing(self, image_ids: Sequence[str]) -> Mapping[str, Standing]:
        """Which of these are there."""
        return await self._file.read(reading.existing, image_ids, self.space.fingerprint)

    async def twins(self, sha256s: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """Features of the same bytes."""
        return await self._file.read(reading.twins, sha256s, self.space.fingerprint)

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
        rows = await self._file.read(reading.label_indexes, self.space.fingerprint)
        return [self._label_index(row) for row in rows]

    async def label(self, label_id: str) -> LabelIndex | None:
        """What is indexed under a label."""
        rows = await self._file.read(reading.label_indexes, self.space.fingerprint, label_id)
        return self._label_index(rows[0]) if rows else None

    def _label_index(self, row: tuple[Any, ...]) -> LabelIndex:
        label_id, name, images, stale, products, last = row
        codes = self._cache.snapshot.codes
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
            await self._change(lambda: self._put(latest, writing.put))
        return ()

    async def restore(self, entries: Sequence[KeptEntry]) -> Collection[str]:
        """Add entries as another store kept them; all are taken."""
        latest = {kept.entry.image_id: kept for kept in entries}
        if latest:
            await self._change(lambda: self._put(latest, writing.restore))
        return ()

    async def refresh(self) -> None:
        """Everything is seen already."""

    async def name_labels(self, names: Mapping[str, str]) -> None:
        """What labels are called."""
        await self._file.write(writing.name_labels, names)

    async def add_label(self, image_ids: Sequence[str], label_id: str) -> None:
        """One more label for entries."""
        if image_ids:
            await self._change(lambda: self._add_label(image_ids, label_id))

    async def describe(self, descriptions: Mapping[str, Description]) -> None:
        """Other words for entries."""
        if descriptions:
            await self._change(lambda: self._describe(descriptions))

    async def take_out(self, image_ids: Sequence[str], label_id: str) -> list[Entry]:
        """One label less for entries."""
        return await self._change(lambda: self._take_out(image_ids, label_id)) if image_ids else []

    async def delete(self, image_id: str) -> Entry | None:
        """Delete for good."""
        return await self._change(lambda: self._delete(image_id))

    async def forgive(self, label_id: str) -> None:
        """Forget deletions."""
        await self._file.write(writing.forgive, label_id)

    async def restore_deletions(self, deletions: Mapping[str, Collection[str]]) -> None:
        """Delete for good what was deleted elsewhere."""
        if deletions:
            await self._change(lambda: self._restore_deletions(deletions))

    async def drop_label(self, label_id: str) -> list[Entry]:
        """Take a label away."""
        return await self._change(lambda: self._drop_label(label_id))

    async def close(self) -> None:
        """Save the cache and close the files."""
        async with self._writing:
            try:
                if not self._behind:
                    await self._save()
            finally:
                self._file.close()
                self._cache.close()

    # Changes: one at a time, each to its end even if its caller goes away.

    async def _change(self, change: Callable[[], Awaitable[T]]) -> T:
        return await asyncio.shield(self._in_turn(change))

    async def _in_turn(self, change: Callable[[], Awaitable[T]]) -> T:
        async with self._writing:
            if self._behind:
                await self._catch_up()
                self._behind = False
            # Between the truth and the cache anything may happen: then the cache is behind until it is caught up.
            self._behind = True
            result = await change()
            self._behind = False
            if self._cache.worth_saving:
                await self._save()
            return result

    async def _catch_up(self) -> None:
        try:
            await self._file.read(catch_up, self._cache, self.space)
        except OSError as error:
            raise _unwritable() from error

    async def _put(
        self, latest: Mapping[str, E], write: Callable[[Connection, Sequence[E], str], writing.Written]
    ) -> None:
        self._searching.leaving = await self._file.read(reading.by_image_ids, list(latest))
        written = await self._file.write(write, list(latest.values()), self.space.fingerprint)
        if written.added or written.removed:
            vectors = np.array([kept.features for kept in written.entries], np.float16)
            labels = [kept.entry.label_ids for kept in written.entries]
            await self._on_cache(self._cache.apply, np.array(written.added, np.int64), vectors, labels, written.removed)
        self._searching.leaving = {}

    async def _add_label(self, image_ids: Sequence[str], label_id: str) -> None:
        try:
            seqs = await self._file.write(writing.add_label, image_ids, label_id)
            if seqs:
                await self._on_cache(self._cache.add_label, seqs, label_id)
        finally:
            self._searching.forget_shown()

    async def _describe(self, descriptions: Mapping[str, Description]) -> None:
        try:
            await self._file.write(writing.describe, descriptions)
        finally:
            self._searching.forget_described(descriptions)

    async def _take_out(self, image_ids: Sequence[str], label_id: str) -> list[Entry]:
        there = await self._file.read(reading.by_image_ids, image_ids)
        gone = {seq: entry for seq, entry in there.items() if entry.label_ids == (label_id,)}
        return await self._leave(
            gone,
            lambda db: writing.take_out(db, label_id, there, gone),
            lambda: self._cache.take_out(list(there), label_id, list(gone)),
        )

    async def _drop_label(self, label_id: str) -> list[Entry]:
        gone = await self._file.read(reading.only_under, label_id)
        return await self._leave(
            gone,
            lambda db: writing.drop_label(db, label_id, gone),
            lambda: self._cache.drop_label(label_id, list(gone)),
        )

    async def _delete(self, image_id: str) -> Entry | None:
        gone = await self._file.read(reading.by_image_ids, [image_id])
        entries = await self._leave(gone, lambda db: writing.delete(db, gone), lambda: self._cache.remove(list(gone)))
        return entries[0] if entries else None

    async def _restore_deletions(self, deletions: Mapping[str, Collection[str]]) -> None:
        gone = await self._file.read(reading.by_image_ids, list(deletions))
        await self._leave(
            gone,
            lambda db: writing.restore_deletions(db, deletions, gone),
            lambda: self._cache.remove(list(gone)),
        )

    async def _leave(
        self, gone: Mapping[int, Entry], write: Callable[[Connection], None], follow: Callable[[], None]
    ) -> list[Entry]:
        self._searching.leaving = gone
        try:
            await self._file.write(write)
            await self._on_cache(follow)
        finally:
            self._searching.forget_shown()
        self._searching.leaving = {}
        return list(gone.values())

    async def _on_cache(self, change: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await asyncio.to_thread(change, *args, **kwargs)
        except OSError as error:
            raise _unwritable() from error

    async def _save(self) -> None:
        token = secrets.token_hex(8)
        # The truth knows the token before the files do, and still the one before: a kill between leaves either whole.
        await self._file.write(remember_token, token)
        await self._on_cache(self._cache.save, token)


def _unwritable() -> StoreUnavailableError:
    return StoreUnavailableError("The data folder cannot be written; is it full?")
