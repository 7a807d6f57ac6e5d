"""What changes on the cluster, one call at a time: both indices, the aliases, what is remembered beside the entries."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Final, Self

from app.adapters.stores.elasticsearch.aliases import Aliases
from app.adapters.stores.elasticsearch.changing import Changing, Write
from app.adapters.stores.elasticsearch.client import Cluster, line
from app.adapters.stores.elasticsearch.deriving import documents_of
from app.adapters.stores.elasticsearch.documents import parse_entry, parse_features, truth_document
from app.adapters.stores.elasticsearch.live import LiveSpace
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.reading import Found, Reading, deletion_document_id, label_document_id
from app.domain.records import Description, Entry, KeptEntry, NewEntry, Origin, StoredFeatures
from app.domain.spaces import Space

_PAGE: Final = 500
_PART: Final = 250
"""Entries that become text while those before them are sent."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An entry as it is to be written: whose features these are, and when it was indexed."""

    entry: Entry
    features: StoredFeatures
    fingerprint: str
    indexed_at: str

    @classmethod
    def after(cls, found: Found, entry: Entry) -> Self:
        """What was found with another entry: it is of its space and time still."""
        return cls(entry, parse_features(found.fields), found.source["space"], found.source["indexed_at"])


class Writing:
    """Each call as the port `Store` promises it, in its turn."""

    def __init__(
        self, cluster: Cluster, names: Names, live: LiveSpace, *, reading: Reading, changing: Changing, aliases: Aliases
    ) -> None:
        """`aliases` are loaded before the first call, and `begin` comes before the first change."""
        self._cluster = cluster
        self._names = names
        self._live = live
        self._reading = reading
        self._changing = changing
        self._aliases = aliases
        self._may_be_deleted = True

    async def begin(self) -> None:
        """Learn whether anything is remembered as deleted: where nothing is, no photo has to be looked up."""
        await self.refresh()
        self._may_be_deleted = await self._reading.is_remembered("deletion")

    async def refresh(self, *others: Space) -> None:
        """Let searches see what was written, in the live space and maybe others."""
        spaces = map(self._names.space, (self._live.space, *others))
        indices = ",".join((self._names.entries, self._names.state, *spaces))
        await self._cluster.request("POST", f"/{indices}/_refresh", None, {"ignore_unavailable": "true"})

    async def put(self, latest: Mapping[str, NewEntry]) -> Collection[str]:
        """Add entries or replace them; the ids of those that are refused."""
        uploads = [image_id for image_id, new in latest.items() if _is_upload(new.entry)]
        notes = {deletion_document_id(image_id): image_id for image_id in latest.keys() - uploads}
        indexed_at = datetime.now(UTC).isoformat()
        kept = [_Kept(new.entry, new.features, self._live.fingerprint, indexed_at) for new in latest.values()]
        parts = _parts(self._names, self._live.space, kept)
        # The cluster looks and notes while the first vectors become documents.
        deleted, first, change = await asyncio.gather(
            self._reading.remembered(notes if self._may_be_deleted else ()),
            asyncio.to_thread(next, parts),
            self._changing.begin(list(latest)),
        )
        left_out = {notes[document_id] for document_id in deleted}
        taken = [new.entry for image_id, new in latest.items() if image_id not in left_out]
        await self._aliases.make({label_id for entry in taken for label_id in entry.label_ids})
        forgiven = [Write(self._names.state, deletion_document_id(image_id), None) for image_id in uploads]
        wanted = ([write for write in part if write.document_id not in left_out] for part in chain([first], parts))
        return await self._changing.finish(change, chain(wanted, [forgiven] if forgiven else ()))

    async def restore(self, latest: Mapping[str, KeptEntry]) -> Collection[str]:
        """Add entries as another store kept them, or replace them; the ids of those that are refused."""
        deleted = await self._reading.remembered(map(deletion_document_id, latest))
        await self._aliases.make({label_id for kept in latest.values() for label_id in kept.entry.label_ids})
        writes = [Write(self._names.state, document_id, None) for document_id in deleted]
        stale = [image_id for image_id, kept in latest.items() if kept.fingerprint != self._live.fingerprint]
        writes += [Write(self._names.space(self._live.space), image_id, None) for image_id in stale]
        kept = [_Kept(one.entry, one.features, one.fingerprint, one.indexed_at.isoformat()) for one in latest.values()]
        change = await self._changing.begin(list(latest))
        parts = _parts(self._names, self._live.space, kept)
        return await self._changing.finish(change, chain([writes] if writes else (), parts))

    async def restore_deletions(self, deletions: Mapping[str, Collection[str]]) -> None:
        """Delete for good what was deleted elsewhere."""
        known = await self._reading.remembered(map(deletion_document_id, deletions))
        new = {
            image_id: label_ids
            for image_id, label_ids in deletions.items()
            if deletion_document_id(image_id) not in known
        }
        if not new:
            return
        there = await self._reading.truth(new, fields=["image_id"])
        writes = [self._noted(image_id, label_ids) for image_id, label_ids in new.items()]
        writes += [write for image_id in there for write in self._removed(image_id)]
        await self._changing.apply(list(there), writes)
        await self.refresh()

    async def _written(self, kept: Sequence[_Kept]) -> list[Write]:
        """Entries in both indices; those of another model in the truth alone. Vectors become text beside the loop."""
        return await asyncio.to_thread(_writes, self._names, self._live.space, kept)

    def _removed(self, image_id: str) -> list[Write]:
        return [Write(index, image_id, None) for index in (self._names.entries, self._names.space(self._live.space))]

    async def name_labels(self, names: Mapping[str, str]) -> None:
        """What labels are called, and that their aliases can be had."""
        await self._aliases.make(names)
        ids = {label_document_id(label_id): label_id for label_id in names}
        known = await self._reading.remembered(ids)
        documents = {
            document_id: {"kind": "label", "label_ids": [label_id], "name": names[label_id]}
            for document_id, label_id in ids.items()
            if document_id not in known or known[document_id].source["name"] != names[label_id]
        }
        await self._changing.apply([], [Write(self._names.state, *one) for one in documents.items()])

    async def add_label(self, image_ids: Sequence[str], label_id: str) -> None:
        """One more label for entries."""
        await self._aliases.make([label_id])
        await self._rewrite(
            image_ids, lambda entry: replace(entry, label_ids=tuple(sorted({*entry.label_ids, label_id})))
        )

    async def _rewrite(self, image_ids: Collection[str], changed: Callable[[Entry], Entry | None]) -> list[Entry]:
        """Write entries that change as they are to be, None for gone; those that are gone then."""
        gone: list[Entry] = []
        ids = list(dict.fromkeys(image_ids))
        for start in range(0, len(ids), _PAGE):
            entries = await self._entries(ids[start : start + _PAGE])
            after = {image_id: changed(entry) for image_id, entry in entries.items()}
            moved = [image_id for image_id, entry in entries.items() if after[image_id] != entry]
            full = await self._reading.truth(moved, with_features=True)
            left = {image_id: entry for image_id in full if (entry := after[image_id])}
            gone += [entries[image_id] for image_id in full if image_id not in left]
            writes = [write for image_id in full if image_id not in left for write in self._removed(image_id)]
            writes += await self._written([_Kept.after(full[image_id], entry) for image_id, entry in left.items()])
            if writes:
                await self._changing.apply(moved, writes)
        return gone

    async def describe(self, descriptions: Mapping[str, Description]) -> None:
        """Other words for entries."""
        await self._rewrite(descriptions, lambda entry: _described(entry, descriptions))

    async def _entries(self, image_ids: Sequence[str]) -> dict[str, Entry]:
        found = await self._reading.truth(image_ids)
        return {image_id: parse_entry(one.source) for image_id, one in found.items()}

    async def take_out(self, image_ids: Sequence[str], label_id: str) -> list[Entry]:
        """One label less for entries."""
        gone = await self._rewrite(image_ids, lambda entry: _without(entry, label_id))
        await self.refresh()
        return gone

    async def delete(self, image_id: str) -> Entry | None:
        """Delete for good."""
        entry = (await self._entries([image_id])).get(image_id)
        if entry is None:
            return None
        note = self._noted(image_id, entry.label_ids)
        await self._changing.apply([image_id], [note, *self._removed(image_id)])
        await self.refresh()
        return entry

    def _noted(self, image_id: str, label_ids: Collection[str]) -> Write:
        self._may_be_deleted = True
        document = {"kind": "deletion", "image_id": image_id, "label_ids": list(label_ids)}
        return Write(self._names.state, deletion_document_id(image_id), document)

    async def forgive(self, label_id: str) -> None:
        """Forget deletions."""
        await self.refresh()
        while ids := await self._reading.remembered_under("deletion", label_id, _PAGE):
            await self._changing.apply([], [Write(self._names.state, one, None) for one in ids])
            await self.refresh()

    async def drop_label(self, label_id: str) -> list[Entry]:
        """Take a label away."""
        gone: list[Entry] = []
        await self.refresh()
        while members := await self._reading.members(label_id, "", _PAGE):
            ids = [member.image_id for member in members]
            gone += await self._rewrite(ids, lambda entry: _without(entry, label_id))
            await self.refresh()
        await self.forgive(label_id)
        await self._aliases.drop(label_id)
        await self._changing.apply([], [Write(self._names.state, label_document_id(label_id), None)])
        return gone


def _parts(names: Names, space: Space, kept: Sequence[_Kept]) -> Iterator[list[Write]]:
    """What `_writes` makes, of some entries at a time."""
    return (_writes(names, space, kept[start : start + _PART]) for start in range(0, len(kept), _PART))


def _writes(names: Names, space: Space, kept: Sequence[_Kept]) -> list[Write]:
    truth = (truth_document(one.entry, one.features, one.fingerprint, one.indexed_at) for one in kept)
    ours = [(one.entry, one.features) for one in kept if one.fingerprint == space.fingerprint]
    vectors = documents_of(space, ours)
    # Side by side, so that each request gives both indices something to do.
    writes = []
    for document in truth:
        image_id = document["image_id"]
        writes.append(Write(names.entries, image_id, line(document)))
        if image_id in vectors:
            writes.append(Write(names.space(space), image_id, line(vectors[image_id])))
    return writes


def _is_upload(entry: Entry) -> bool:
    return entry.origin is Origin.UPLOAD


def _described(entry: Entry, descriptions: Mapping[str, Description]) -> Entry:
    said = descriptions[entry.image_id]
    return replace(entry, product_id=said.product_id, title=said.title, attributes=said.attributes)


def _without(entry: Entry, label_id: str) -> Entry | None:
    """The entry without a label; None without its last one."""
    if label_id not in entry.label_ids:
        return entry
    left = tuple(one for one in entry.label_ids if one != label_id)
    return replace(entry, label_ids=left) if left else None
