"""From a query to hits: the cache's snapshot tells which rows are nearest, the truth what they are."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np

from app.adapters.stores.embedded.cache import VectorCache
from app.adapters.stores.embedded.filtering import Filtering
from app.adapters.stores.embedded.reading import by_seq, of_products
from app.adapters.stores.embedded.schema import Connection
from app.adapters.stores.embedded.snapshot import Mask, Snapshot, search
from app.domain.grouping import in_order
from app.domain.ports.store import MAX_PHOTOS
from app.domain.records import Entry, Hit, ProductPhotos, Query

_TRIES: Final = 3
_SHOWN_ENTRIES: Final = 4096


class Searching:
    """Searches on any thread, beside one change at a time.

    `leaving` are the entries, by seq, that the change under way takes from the truth: until the cache has followed,
    searches still come to them.
    """

    def __init__(self, cache: VectorCache, fingerprint: str) -> None:
        """Search a cache of the entries of a space."""
        self._cache = cache
        self._fingerprint = fingerprint
        self._filtering = Filtering(fingerprint)
        self._shown: dict[int, Entry] = {}
        self.leaving: Mapping[int, Entry] = {}

    def forget_shown(self) -> None:
        """Read entries anew that searches showed lately: after any change of an entry that keeps its seq."""
        self._shown = {}

    def forget_described(self, image_ids: Collection[str]) -> None:
        """Read entries anew that searches showed or filtered: after any change of what is said of them."""
        self.forget_shown()
        self._filtering.forget(image_ids)

    def search(self, db: Connection, query: Query) -> list[Hit]:
        """The nearest entries."""
        for _ in range(_TRIES):
            leaving = self.leaving
            snapshot, wanted = self._selected(db, query)
            seqs, scores = search(snapshot, query, wanted)
            last_seen = {seq: leaving[seq] for seq in seqs.tolist() if seq in leaving}
            entries = last_seen | self._entries(db, seqs.tolist())
            if all(seq in entries for seq in seqs.tolist()):
                break
            # An entry went between the scan and the look-up: the next snapshot is without it.
        found = zip(seqs.tolist(), scores.tolist(), strict=True)
        hits = [Hit(entries[seq], score) for seq, score in found if seq in entries]
        return in_order(hits)[: query.k]

    def photos_of(self, db: Connection, product_ids: Sequence[str]) -> dict[str, ProductPhotos]:
        """Photos of products; entries that are not in the cache yet, or any more, are left out."""
        listed = of_products(db, product_ids, self._fingerprint, MAX_PHOTOS)
        known = {seq: (product_id, image_id) for product_id, image_id, seq in listed}
        snapshot = self._cache.snapshot
        positions = snapshot.positions_of(np.array(sorted(known), np.int64))
        positions = positions[snapshot.alive[positions]]
        photos: dict[str, list[tuple[str, int]]] = {}
        for position, seq in zip(positions.tolist(), snapshot.seqs[positions].tolist(), strict=True):
            product_id, image_id = known[seq]
            photos.setdefault(product_id, []).append((image_id, position))
        return {product_id: _photos(snapshot, placed) for product_id, placed in photos.items()}

    def _selected(self, db: Connection, query: Query) -> tuple[Snapshot, Mask | None]:
        """What is there now, and which rows of it the query's filter leaves."""
        if query.filter is None:
            return self._cache.snapshot, None
        # Once the cache has followed a change, nothing is leaving: a snapshot taken after that look is without it.
        return self._filtering.select(db, query.filter, lambda: (self.leaving, self._cache.snapshot))

    def _entries(self, db: Connection, seqs: Sequence[int]) -> dict[int, Entry]:
        shown = self._shown  # before the truth is asked, so that what is read now never outlives a change of an entry
        known = {seq: entry for seq in seqs if (entry := shown.get(seq))}
        read = by_seq(db, [seq for seq in seqs if seq not in known]) if len(known) < len(seqs) else {}
        if len(shown) + len(read) > _SHOWN_ENTRIES:
            self._shown = {}
        else:
            shown.update(read)
        return known | read


def _photos(snapshot: Snapshot, placed: Sequence[tuple[str, int]]) -> ProductPhotos:
    image_ids, positions = zip(*placed, strict=True)
    return ProductPhotos(image_ids, snapshot.rows[list(positions)])
