"""The embedded store as the port promises it: the truth first, then the cache that searches read."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, ParamSpec, Self, TypeVar

import numpy as np

from app.adapters.sqlite import Connection, SqliteFile
from app.adapters.stores.embedded import truth
from app.adapters.stores.embedded.cache import VectorCache
from app.adapters.stores.embedded.scanning import use_one_thread
from app.adapters.stores.embedded.snapshot import search
from app.domain.errors import StoreUnavailableError
from app.domain.grouping import in_order
from app.domain.records import Entry, Hit, LabelIndex, NewEntry, Query, Space, StoredFeatures

P = ParamSpec("P")
T = TypeVar("T")

_TOKENS: Final = "cache_tokens"
_SEARCH_TRIES: Final = 3
_SHOWN_ENTRIES: Final = 4096
_SAMPLED_ROWS: Final = 64


class EmbeddedStore:
    """See the port. One process, one folder."""

    def __init__(self, file: SqliteFile, cache: VectorCache, space: Space) -> None:
        """Use `open` instead."""
        self._file = file
        self._cache = cache
        self._writing = asyncio.Lock()
        self._behind = False
        # Entries that searches showed lately, by seq; one changes in its labels alone, and then all are forgotten.
        self._shown: dict[int, Entry] = {}
        self._leaving: dict[int, Entry] = {}
        self.space = space

    @classmethod
    async def open(cls, folder: Path, space: Space, *, readers: int) -> Self:
        """Open the store in a folder, made if need be. Raises DataFolderError."""
        cache_folder = folder / "cache"
        cache_folder.mkdir(parents=True, exist_ok=True)
        file = SqliteFile(folder / "store.sqlite3", truth.SCHEMA, readers=readers, prepare_thread=use_one_thread)
        return cls(file, await file.read(_load_cache, cache_folder, space), space)

    @property
    def method(self) -> str:
        """`rabitq` once there are codes, `exact` before."""
        return "rabitq" if self._cache.snapshot.codes else "exact"

    async def put(self, entries: Sequence[NewEntry]) -> None:
        """Add entries or replace them."""
        latest = {new.entry.image_id: new for new in entries}
        if latest:
            await self._change(lambda: self._put(list(latest.values())))

    async def search(self, query: Query) -> list[Hit]:
        """The nearest entries."""
        return await self._file.read(self._search, query)

    async def entry(self, image_id: str) -> Entry | None:
        """One entry."""
        return await self._file.read(truth.by_image_id, image_id)

    async def features(self, image_id: str) -> StoredFeatures | None:
        """An entry's features."""
        return await self._file.read(truth.features, image_id, self.space.fingerprint)

    async def existing(self, image_ids: Sequence[str]) -> Mapping[str, str | None]:
        """Which of these are there."""
        return await self._file.read(truth.existing, image_ids, self.space.fingerprint)

    async def twins(self, sha256s: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """Features of the same bytes."""
        return await self._file.read(truth.twins, sha256s, self.space.fingerprint)

    async def unindexed(self, label_ids: Collection[str]) -> Collection[str]:
        """Labels without entries."""
        return await self._file.read(truth.unindexed, label_ids) if label_ids else ()

    async def name_label(self, label_id: str, name: str) -> None:
        """What a label is called."""
        await self._file.write(truth.name_label, label_id, name)

    async def add_label(self, image_id: str, label_id: str) -> None:
        """One more label for an entry."""
        await self._change(lambda: self._add_label(image_id, label_id))

    async def drop_label(self, label_id: str) -> list[Entry]:
        """Take a label away."""
        return await self._change(lambda: self._drop_label(label_id))

    async def labels(self) -> list[LabelIndex]:
        """What is indexed."""
        rows = await self._file.read(truth.label_counts, self.space.fingerprint)
        return [self._label_index(row) for row in rows]

    async def label(self, label_id: str) -> LabelIndex | None:
        """What is indexed under a label."""
        rows = await self._file.read(truth.label_counts, self.space.fingerprint, label_id)
        return self._label_index(rows[0]) if rows else None

    async def ping(self) -> None:
        """Read a word."""
        await self._file.read(truth.meta, _TOKENS)

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
            await self._file.read(_catch_up, self._cache, self.space)
        except OSError as error:
            raise _unwritable() from error

    async def _put(self, entries: Sequence[NewEntry]) -> None:
        # Until the cache has followed, searches still come to what is replaced.
        self._leaving = await self._file.read(truth.by_image_ids, [new.entry.image_id for new in entries])
        written = await self._file.write(truth.put, entries, self.space.fingerprint)
        vectors = np.stack([new.features for new in entries])
        labels = [new.entry.label_ids for new in entries]
        await self._on_cache(self._cache.apply, np.array(written.added), vectors, labels, written.removed)
        self._leaving = {}

    async def _add_label(self, image_id: str, label_id: str) -> None:
        seq = await self._file.write(truth.add_label, image_id, label_id)
        if seq is not None:
            await self._on_cache(self._cache.add_label, seq, label_id)
            self._shown = {}

    async def _drop_label(self, label_id: str) -> list[Entry]:
        # Until the cache has followed, searches still come to what is dropped.
        self._leaving = await self._file.read(truth.by_label, label_id)
        try:
            dropped = await self._file.write(truth.drop_label, label_id)
            await self._on_cache(self._cache.drop_label, label_id, list(dropped.entries))
        finally:
            self._shown = {}
        self._leaving = {}
        return list(dropped.entries.values())

    async def _on_cache(self, change: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            await asyncio.to_thread(change, *args, **kwargs)
        except OSError as error:
            raise _unwritable() from error

    async def _save(self) -> None:
        token = secrets.token_hex(8)
        # The truth knows the token before the files do, and still the one before: a kill between leaves either whole.
        await self._file.write(_remember_token, token)
        await self._on_cache(self._cache.save, token)

    # Reading.

    def _search(self, db: Connection, query: Query) -> list[Hit]:
        for _ in range(_SEARCH_TRIES):
            leaving = self._leaving
            seqs, scores = search(self._cache.snapshot, query)
            entries = leaving | self._entries(db, seqs.tolist())
            if all(seq in entries for seq in seqs.tolist()):
                break
            # An entry went between the scan and the look-up: the next snapshot is without it.
        found = zip(seqs.tolist(), scores.tolist(), strict=True)
        hits = [Hit(entries[seq], score) for seq, score in found if seq in entries]
        return in_order(hits)[: query.k]

    def _entries(self, db: Connection, seqs: Sequence[int]) -> dict[int, Entry]:
        shown = self._shown  # before the truth is asked, so that what is read now never outlives a change of labels
        known = {seq: entry for seq in seqs if (entry := shown.get(seq))}
        read = truth.by_seq(db, [seq for seq in seqs if seq not in known]) if len(known) < len(seqs) else {}
        if len(shown) + len(read) > _SHOWN_ENTRIES:
            self._shown = {}
        else:
            shown.update(read)
        return known | read

    def _label_index(self, row: tuple[Any, ...]) -> LabelIndex:
        label_id, name, images, stale, products, last = row
        codes = self._cache.snapshot.codes
        row_bytes = self.space.dimensions * 2 + (codes.bytes_per_row if codes else 0)
        return LabelIndex(label_id, name, images, stale, products, images * row_bytes, datetime.fromisoformat(last))


def _unwritable() -> StoreUnavailableError:
    return StoreUnavailableError("The data folder cannot be written; is it full?")


def _load_cache(db: Connection, folder: Path, space: Space) -> VectorCache:
    tokens = (truth.meta(db, _TOKENS) or "").split()
    cache = VectorCache.restore(folder, space, tokens)
    if cache is None or not _is_right(db, cache, space):
        if cache:
            cache.close()
        for path in folder.iterdir():
            path.unlink()
        cache = VectorCache(folder, space)
    _catch_up(db, cache, space)
    return cache


def _is_right(db: Connection, cache: VectorCache, space: Space) -> bool:
    """Whether a sample of the cache's rows, the last among them, is what the truth says."""
    seqs = np.intersect1d(cache.snapshot.seqs, truth.live_seqs(db, space.fingerprint), assume_unique=True)
    if not len(seqs):
        return True
    sample = seqs[np.linspace(0, len(seqs) - 1, min(len(seqs), _SAMPLED_ROWS)).astype(np.int64)]
    return cache.agrees_with(sample, truth.vectors_of(db, sample, space.dimensions))


def _catch_up(db: Connection, cache: VectorCache, space: Space) -> None:
    """Bring the cache to where the truth is."""
    cache.keep_only(truth.live_seqs(db, space.fingerprint))
    for seqs, vectors in truth.vectors_after(db, cache.last_seq, space.fingerprint, space.dimensions):
        cache.apply(seqs, vectors, [()] * len(seqs), ())
    cache.label_all(truth.seqs_by_label(db))


def _remember_token(db: Connection, token: str) -> None:
    before = (truth.meta(db, _TOKENS) or "").split()
    truth.set_meta(db, {_TOKENS: " ".join([token, *before[:1]])})
