"""Changes of the embedded store: one at a time, the truth first, then the cache that searches read."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

import numpy as np

from app.adapters.sqlite import Connection, SqliteFile
from app.adapters.stores.embedded import reading, spaces, writing
from app.adapters.stores.embedded.following import catch_up, remember_token
from app.adapters.stores.embedded.live import Live
from app.adapters.stores.embedded.schema import Sequences
from app.domain.errors import StoreUnavailableError
from app.domain.records import Description, Entry, KeptEntry, NewEntry, StoredFeatures

T = TypeVar("T")
E = TypeVar("E", NewEntry, KeptEntry)


class Changing:
    """Each change runs to its end even if its caller goes away."""

    def __init__(self, file: SqliteFile, live: Live) -> None:
        """`live` is what is changed, and what searches read."""
        self._file = file
        self._turn = asyncio.Lock()
        self._behind = False
        self.live = live

    async def put(self, latest: Mapping[str, NewEntry]) -> None:
        """Add entries or replace them."""
        await self._change(lambda: self._put(latest, writing.put))

    async def restore(self, latest: Mapping[str, KeptEntry]) -> None:
        """Add entries as another store kept them."""
        await self._change(lambda: self._put(latest, writing.restore))

    async def add_label(self, image_ids: Sequence[str], label_id: str) -> None:
        """One more label for entries."""
        await self._change(lambda: self._add_label(image_ids, label_id))

    async def describe(self, descriptions: Mapping[str, Description]) -> None:
        """Other words for entries."""
        await self._change(lambda: self._describe(descriptions))

    async def take_out(self, image_ids: Sequence[str], label_id: str) -> list[Entry]:
        """One label less for entries."""
        return await self._change(lambda: self._take_out(image_ids, label_id))

    async def delete(self, image_id: str) -> Entry | None:
        """Delete for good."""
        return await self._change(lambda: self._delete(image_id))

    async def restore_deletions(self, deletions: Mapping[str, Collection[str]]) -> None:
        """Delete for good what was deleted elsewhere."""
        await self._change(lambda: self._restore_deletions(deletions))

    async def drop_label(self, label_id: str) -> list[Entry]:
        """Take a label away."""
        return await self._change(lambda: self._drop_label(label_id))

    async def switch(self, built: Live) -> Live:
        """Make what was built beside the live space the live one; what was."""
        return await self._change(lambda: self._switch(built))

    async def close(self) -> None:
        """Save the cache and close the files."""
        async with self._turn:
            try:
                if not self._behind:
                    await self._save()
            finally:
                self._file.close()
                self.live.cache.close()

    async def _change(self, change: Callable[[], Awaitable[T]]) -> T:
        return await asyncio.shield(self._in_turn(change))

    async def _in_turn(self, change: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:
            if self._behind:
                await self._catch_up(self.live)
                self._behind = False
            # Between the truth and the cache anything may happen: then the cache is behind until it is caught up.
            self._behind = True
            result = await change()
            self._behind = False
            if self.live.cache.worth_saving:
                await self._save()
            return result

    async def _catch_up(self, live: Live) -> None:
        try:
            await self._file.read(catch_up, live.cache, live.space)
        except OSError as error:
            raise _unwritable() from error

    async def _switch(self, built: Live) -> Live:
        await self._catch_up(built)
        await self._file.write(spaces.set_live, built.space)
        before, self.live = self.live, built
        return before

    async def _put(
        self, latest: Mapping[str, E], write: Callable[[Connection, Sequence[E], str], writing.Written]
    ) -> None:
        self.live.searching.leaving = await self._file.read(reading.by_image_ids, list(latest))
        written = await self._file.write(write, list(latest.values()), self.live.space.fingerprint)
        if written.added or written.removed:
            features = np.array([kept.features for kept in written.entries], np.float16)
            labels = [kept.entry.label_ids for kept in written.entries]
            seqs = np.array(written.added, np.int64)
            await self._on_cache(lambda: self._add(seqs, features, labels, written.removed))
        self.live.searching.leaving = {}

    def _add(
        self, seqs: Sequences, features: StoredFeatures, labels: Sequence[Sequence[str]], removed: Sequence[int]
    ) -> None:
        self.live.cache.apply(seqs, self.live.space.vectors(features), labels, removed)

    async def _add_label(self, image_ids: Sequence[str], label_id: str) -> None:
        try:
            seqs = await self._file.write(writing.add_label, image_ids, label_id)
            if seqs:
                await self._on_cache(lambda: self.live.cache.add_label(seqs, label_id))
        finally:
            self.live.searching.forget_shown()

    async def _describe(self, descriptions: Mapping[str, Description]) -> None:
        try:
            await self._file.write(writing.describe, descriptions)
        finally:
            self.live.searching.forget_described(descriptions)

    async def _take_out(self, image_ids: Sequence[str], label_id: str) -> list[Entry]:
        there = await self._file.read(reading.by_image_ids, image_ids)
        gone = {seq: entry for seq, entry in there.items() if entry.label_ids == (label_id,)}
        return await self._leave(
            gone,
            lambda db: writing.take_out(db, label_id, there, gone),
            lambda: self.live.cache.take_out(list(there), label_id, list(gone)),
        )

    async def _drop_label(self, label_id: str) -> list[Entry]:
        gone = await self._file.read(reading.only_under, label_id)
        return await self._leave(
            gone,
            lambda db: writing.drop_label(db, label_id, gone),
            lambda: self.live.cache.drop_label(label_id, list(gone)),
        )

    async def _delete(self, image_id: str) -> Entry | None:
        gone = await self._file.read(reading.by_image_ids, [image_id])
        entries = await self._leave(
            gone, lambda db: writing.delete(db, gone), lambda: self.live.cache.remove(list(gone))
        )
        return entries[0] if entries else None

    async def _restore_deletions(self, deletions: Mapping[str, Collection[str]]) -> None:
        gone = await self._file.read(reading.by_image_ids, list(deletions))
        await self._leave(
            gone,
            lambda db: writing.restore_deletions(db, deletions, gone),
            lambda: self.live.cache.remove(list(gone)),
        )

    async def _leave(
        self, gone: Mapping[int, Entry], write: Callable[[Connection], None], follow: Callable[[], None]
    ) -> list[Entry]:
        self.live.searching.leaving = gone
        try:
            await self._file.write(write)
            await self._on_cache(follow)
        finally:
            self.live.searching.forget_shown()
        self.live.searching.leaving = {}
        return list(gone.values())

    async def _on_cache(self, change: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(change)
        except OSError as error:
            raise _unwritable() from error

    async def _save(self) -> None:
        token = secrets.token_hex(8)
        # The truth knows the token before the files do, and still the one before: a kill between leaves either whole.
        await self._file.write(remember_token, token)
        await self._on_cache(lambda: self.live.cache.save(token))


def _unwritable() -> StoreUnavailableError:
    return StoreUnavailableError("The data folder cannot be written; is it full?")
