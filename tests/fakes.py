"""Stand-ins for the world that keep the promises of the ports, in memory and slowly."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np

from app.domain.answering.report import CalibrationReport
from app.domain.errors import ConflictError, NotFoundError, SpaceChangedError
from app.domain.evaluating.records import Evaluation
from app.domain.filters import matches
from app.domain.ports.store import MAX_EVALUATIONS, MAX_PHOTOS
from app.domain.records import (
    Description,
    Entry,
    GalleryBlock,
    Hit,
    KeptEntry,
    LabelIndex,
    Member,
    NewEntry,
    Origin,
    ProductPhotos,
    Query,
    Standing,
    StoredFeatures,
)
from app.domain.spaces import LearnedSpace, Space, SpaceCard


@dataclass
class Shelf:
    """What outlives a store that is closed: give the same shelf to the next one."""

    entries: dict[str, KeptEntry] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    deleted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Labels by image id."""
    learned: dict[str, LearnedSpace] = field(default_factory=dict)
    reports: dict[str, CalibrationReport] = field(default_factory=dict)
    live: str = ""
    evaluations: dict[str, Evaluation] = field(default_factory=dict)


class FakeStore:
    """The port `Store` by brute force: every search compares every entry. It passes the stores' own suite."""

    method = "exact"

    def __init__(self, space: Space, shelf: Shelf | None = None) -> None:
        """An empty store, or one that goes on with a shelf."""
        self._shelf = shelf or Shelf()
        self._raw = space
        live = self._shelf.learned.get(self._shelf.live)
        self.space = live.space if live and live.space.fingerprint == space.fingerprint else space

    async def refresh(self) -> None:
        """Everything is seen already."""

    async def put(self, entries: Sequence[NewEntry]) -> Collection[str]:
        """All or none: nothing is on the shelf before the last is read."""
        await asyncio.sleep(0)  # as with any store, other calls may come in between
        now = datetime.now(UTC)
        put = {new.entry.image_id: self._kept(new, now) for new in entries}
        for image_id, kept in put.items():
            if kept.entry.origin is Origin.UPLOAD:
                self._shelf.deleted.pop(image_id, None)
            if image_id not in self._shelf.deleted:
                self._shelf.entries[image_id] = kept
        return ()

    def _kept(self, new: NewEntry, now: datetime) -> KeptEntry:
        return KeptEntry(_tidy(new.entry), new.features.copy(), self.space.fingerprint, now)

    async def search(self, query: Query) -> list[Hit]:
        """Every entry compared, then sorted, then cut."""
        await asyncio.sleep(0)
        self._check(query.space_id)
        wanted = [kept for kept in self._live() if _is_wanted(kept.entry, query)]
        hits = [Hit(kept.entry, _cosine(query.vector, self._vector(kept))) for kept in wanted]
        return sorted(hits, key=lambda hit: (-hit.score, hit.entry.image_id))[: query.k]

    async def photos_of(self, product_ids: Sequence[str], space_id: str) -> Mapping[str, ProductPhotos]:
        """Sorted anew for each product."""
        self._check(space_id)
        found: dict[str, list[KeptEntry]] = {}
        for kept in sorted(self._live(), key=lambda kept: kept.entry.image_id):
            if kept.entry.product_id in product_ids:
                found.setdefault(kept.entry.product_id, []).append(kept)
        return {product_id: self._photos(listed[:MAX_PHOTOS]) for product_id, listed in found.items()}

    def _photos(self, listed: Sequence[KeptEntry]) -> ProductPhotos:
        image_ids = tuple(kept.entry.image_id for kept in listed)
        return ProductPhotos(image_ids, np.array([self._vector(kept) for kept in listed], np.float16))

    def _vector(self, kept: KeptEntry) -> StoredFeatures:
        vector: StoredFeatures = self.space.vectors(kept.features[np.newaxis])[0]
        return vector

    def _check(self, space_id: str | None) -> None:
        if space_id not in (None, self.space.space_id):
            raise SpaceChangedError(self.space.space_id)

    async def spaces(self) -> list[SpaceCard]:
        """What was kept, and the raw one."""
        of_model = [one.card for one in self._shelf.learned.values() if one.card.fingerprint == self._raw.fingerprint]
        latest = sorted(of_model, key=lambda card: (card.fitted_at, card.space_id), reverse=True)
        return [*latest, SpaceCard.raw(self._raw)]

    async def keep_space(self, learned: LearnedSpace) -> None:
        """On the shelf."""
        self._shelf.learned[learned.space.space_id] = learned

    async def activate(self, space_id: str) -> None:
        """From now on."""
        self.space = self._space(space_id)
        self._shelf.live = space_id

    async def keep_calibration(self, report: CalibrationReport) -> None:
        """On the shelf."""
        self._shelf.reports[report.space_id] = report

    async def calibration(self, space_id: str) -> CalibrationReport | None:
        """From the shelf."""
        return self._shelf.reports.get(space_id)

    async def keep_evaluation(self, evaluation: Evaluation) -> None:
        """On the shelf, which is sorted anew."""
        kept = {**self._shelf.evaluations, evaluation.evaluation_id: evaluation}
        latest = sorted(kept.values(), key=lambda one: (one.created_at, one.evaluation_id))[-MAX_EVALUATIONS:]
        self._shelf.evaluations = {one.evaluation_id: one for one in latest}

    async def evaluation(self, evaluation_id: str) -> Evaluation | None:
        """From the shelf."""
        return self._shelf.evaluations.get(evaluation_id)

    async def features_of(self, image_ids: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """Those of the live space's model."""
        return {kept.entry.image_id: kept.features for kept in self._live() if kept.entry.image_id in image_ids}

    async def drop_space(self, space_id: str) -> None:
        """From the shelf."""
        self._space(space_id)
        if space_id in {self.space.space_id, self._raw.space_id}:
            raise ConflictError("space_live", space_id)
        del self._shelf.learned[space_id]
        self._shelf.reports.pop(space_id, None)

    def _space(self, space_id: str) -> Space:
        if space_id == self._raw.space_id:
            return self._raw
        learned = self._shelf.learned.get(space_id)
        if learned is None or learned.space.fingerprint != self._raw.fingerprint:
            raise NotFoundError("space_not_found", space_id)
        return learned.space

    async def product_sizes(self, after: str, count: int) -> Mapping[str, int]:
        """Counted anew."""
        sizes = Counter(kept.entry.product_id for kept in self._live())
        wanted = sorted(product_id for product_id in sizes if product_id > after)[:count]
        return {product_id: sizes[product_id] for product_id in wanted}

    async def entries_of(self, product_id: str, after: str, count: int) -> list[Entry]:
        """Sorted anew for each page."""
        listed = [kept.entry for kept in self._live() if kept.entry.product_id == product_id]
        return sorted((entry for entry in listed if entry.image_id > after), key=lambda entry: entry.image_id)[:count]

    async def gallery(self, after: str, count: int) -> GalleryBlock:
        """Sorted anew for each block."""
        listed = sorted(
            (kept for kept in self._live() if kept.entry.image_id > after), key=lambda kept: kept.entry.image_id
        )
        entries, features = [kept.entry for kept in listed[:count]], [kept.features for kept in listed[:count]]
        image_ids, product_ids = (each.image_id for each in entries), (each.product_id for each in entries)
        return GalleryBlock(tuple(image_ids), tuple(product_ids), np.array(features, np.float16))

    async def entry(self, image_id: str) -> Entry | None:
        """One entry of any space."""
        kept = self._shelf.entries.get(image_id)
        return kept.entry if kept else None

    async def entries(self, image_ids: Sequence[str]) -> Mapping[str, Entry]:
        """Some entries of any space."""
        return {image_id: kept.entry for image_id in image_ids if (kept := self._shelf.entries.get(image_id))}

    async def features(self, image_id: str) -> StoredFeatures | None:
        """The features of one of the live space."""
        return next((kept.features for kept in self._live() if kept.entry.image_id == image_id), None)

    async def existing(self, image_ids: Sequence[str]) -> Mapping[str, Standing]:
        """Those of the live space."""
        there = [kept.entry for kept in self._live() if kept.entry.image_id in set(image_ids)]
        return {each.image_id: Standing(each.job_id, each.label_ids, each.origin, each.locator) for each in there}

    async def twins(self, sha256s: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """Those of the same bytes."""
        wanted = set(sha256s)
        return {kept.entry.sha256: kept.features for kept in self._live() if kept.entry.sha256 in wanted}

    async def unindexed(self, label_ids: Collection[str]) -> Collection[str]:
        """Labels without any entry."""
        indexed = {label_id for kept in self._shelf.entries.values() for label_id in kept.entry.label_ids}
        return [label_id for label_id in label_ids if label_id not in indexed]

    async def name_labels(self, names: Mapping[str, str]) -> None:
        """Remember names."""
        self._shelf.names.update(names)

    async def add_label(self, image_ids: Sequence[str], label_id: str) -> None:
        """One more label."""
        for entry in self._known(image_ids):
            self._change(replace(entry, label_ids=(*entry.label_ids, label_id)))

    async def describe(self, descriptions: Mapping[str, Description]) -> None:
        """Other words."""
        described = [_described(entry, descriptions[entry.image_id]) for entry in self._known(descriptions)]
        for entry in described:
            self._change(entry)

    async def members(self, label_id: str, after: str, count: int) -> list[Member]:
        """Sorted anew for each page."""
        under = sorted((kept.entry for kept in self._under(label_id)), key=lambda entry: entry.image_id)
        members = [Member(entry.image_id, entry.origin, entry.job_id) for entry in under if entry.image_id > after]
        return members[:count]

    async def take_out(self, image_ids: Sequence[str], label_id: str) -> list[Entry]:
        """One label less, for some."""
        gone = []
        for entry in self._known(image_ids):
            left = tuple(other for other in entry.label_ids if other != label_id)
            if left:
                self._change(replace(entry, label_ids=left))
            else:
                gone.append(self._shelf.entries.pop(entry.image_id).entry)
        return gone

    async def delete(self, image_id: str) -> Entry | None:
        """From the shelf to the deleted."""
        kept = self._shelf.entries.pop(image_id, None)
        if kept:
            self._shelf.deleted[image_id] = kept.entry.label_ids
        return kept.entry if kept else None

    async def deleted(self, image_ids: Sequence[str]) -> Collection[str]:
        """Those among the deleted."""
        return self._shelf.deleted.keys() & set(image_ids)

    async def forgive(self, label_id: str) -> None:
        """Away with what had the label."""
        for image_id, label_ids in list(self._shelf.deleted.items()):
            if label_id in label_ids:
                del self._shelf.deleted[image_id]

    async def counts(self) -> Mapping[str, int]:
        """Counted anew each time."""
        return Counter(label_id for kept in self._shelf.entries.values() for label_id in kept.entry.label_ids)

    async def restore(self, entries: Sequence[KeptEntry]) -> Collection[str]:
        """Onto the shelf as they came."""
        for kept in entries:
            self._shelf.deleted.pop(kept.entry.image_id, None)
            self._shelf.entries[kept.entry.image_id] = replace(kept, entry=_tidy(kept.entry))
        return ()

    async def restore_deletions(self, deletions: Mapping[str, Collection[str]]) -> None:
        """From the shelf to the deleted."""
        for image_id, label_ids in deletions.items():
            self._shelf.entries.pop(image_id, None)
            self._shelf.deleted.setdefault(image_id, tuple(label_ids))

    async def drop_label(self, label_id: str) -> list[Entry]:
        """One label less, for all."""
        gone = await self.take_out([kept.entry.image_id for kept in self._under(label_id)], label_id)
        await self.forgive(label_id)
        self._shelf.names.pop(label_id, None)
        return gone

    async def labels(self) -> list[LabelIndex]:
        """Counted anew each time."""
        label_ids = {label_id for kept in self._shelf.entries.values() for label_id in kept.entry.label_ids}
        return [self._label_index(label_id) for label_id in sorted(label_ids)]

    async def label(self, label_id: str) -> LabelIndex | None:
        """One of them."""
        return next((label for label in await self.labels() if label.label_id == label_id), None)

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        """Nothing to close."""

    def _live(self) -> list[KeptEntry]:
        return [kept for kept in self._shelf.entries.values() if kept.fingerprint == self.space.fingerprint]

    def _under(self, label_id: str) -> list[KeptEntry]:
        return [kept for kept in self._shelf.entries.values() if label_id in kept.entry.label_ids]

    def _known(self, image_ids: Collection[str]) -> list[Entry]:
        return [kept.entry for image_id, kept in self._shelf.entries.items() if image_id in set(image_ids)]

    def _change(self, entry: Entry) -> None:
        kept = self._shelf.entries[entry.image_id]
        self._shelf.entries[entry.image_id] = replace(kept, entry=_tidy(entry))

    def _label_index(self, label_id: str) -> LabelIndex:
        under = self._under(label_id)
        return LabelIndex(
            label_id=label_id,
            name=self._shelf.names.get(label_id, label_id),
            image_count=len(under),
            stale_count=sum(kept.fingerprint != self.space.fingerprint for kept in under),
            product_count=len({kept.entry.product_id for kept in under}),
            byte_count=sum(kept.features.nbytes for kept in under),
            built_at=max(kept.indexed_at for kept in under),
        )


class FakeSource:
    """The port `CopySource` of a shelf, sorted anew for each page."""

    def __init__(self, shelf: Shelf) -> None:
        """What is on the shelf."""
        self._shelf = shelf

    async def space(self) -> Space | None:
        """That of most entries."""
        spaces = Counter(Space.raw(kept.fingerprint, len(kept.features)) for kept in self._shelf.entries.values())
        return max(spaces, key=spaces.__getitem__, default=None)

    async def count(self) -> int:
        """All on the shelf."""
        return len(self._shelf.entries)

    async def entries(self, after: str, count: int) -> list[KeptEntry]:
        """Some of the shelf."""
        return [self._shelf.entries[image_id] for image_id in sorted(self._shelf.entries) if image_id > after][:count]

    async def names(self) -> Mapping[str, str]:
        """All of them."""
        return dict(self._shelf.names)

    async def deletions(self, after: str, count: int) -> Mapping[str, Collection[str]]:
        """Some of the deleted."""
        ids = [image_id for image_id in sorted(self._shelf.deleted) if image_id > after][:count]
        return {image_id: self._shelf.deleted[image_id] for image_id in ids}


def _tidy(entry: Entry) -> Entry:
    return replace(entry, label_ids=tuple(sorted(set(entry.label_ids))), attributes=dict(entry.attributes))


def _described(entry: Entry, said: Description) -> Entry:
    return replace(entry, product_id=said.product_id, title=said.title, attributes=dict(said.attributes))


def _is_wanted(entry: Entry, query: Query) -> bool:
    under = query.label_ids is None or not query.label_ids.isdisjoint(entry.label_ids)
    return under and (query.filter is None or matches(query.filter, entry.attributes))


def _cosine(vector: np.ndarray, features: StoredFeatures) -> float:
    one, other = vector.astype(np.float64), features.astype(np.float64)
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(np.float32((one * other).sum() / lengths)) if lengths else 0.0
