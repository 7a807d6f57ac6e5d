"""Changes of entries in both indices, so that a kill in between leaves nothing that is not repaired.

A change is written down in the journal before it begins. Whoever becomes the indexer next brings what the journal names
into line with the truth; so does this process after a change that failed.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from app.adapters.stores.elasticsearch.client import Cluster, VersionConflictError, line
from app.adapters.stores.elasticsearch.deriving import Kept, derived
from app.adapters.stores.elasticsearch.documents import parse_entry, parse_features, truth_document
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.following import LIVE, pointer
from app.adapters.stores.elasticsearch.live import LiveSpace
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.reading import Found, Reading
from app.domain.errors import NotTheIndexerError, StoreUnavailableError
from app.domain.spaces import Space

_JOURNAL: Final = "journal"
_MAX_LINES: Final = 4000
_MAX_BYTES: Final = 8_000_000
_MAX_BYTES_BESIDE: Final = 1_000_000
"""What is done beside searches goes in smaller requests: they wait while one is put together."""
_PARTS_AT_ONCE: Final = 2
"""A shard works on a request at a time: with another one under way the cluster is never without work."""
_MAX_READ: Final = 200
_TRIES: Final = 5
_FIRST_WAIT_S: Final = 0.2
_CONFLICT: Final = 409
_MISSING: Final = 404
_REFUSED: Final = 400


@dataclass(frozen=True, slots=True)
class Write:
    """A document to write, as JSON or to be made so, or to delete where there is none."""

    index: str
    document_id: str
    document: bytes | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is written down: of which images, and the version of what it writes."""

    image_ids: tuple[str, ...]
    version: int


class Changing:
    """Writes, one change after the other."""

    def __init__(self, cluster: Cluster, names: Names, live: LiveSpace, fence: Fence, reading: Reading) -> None:
        """`fence` tells whether this process may."""
        self._cluster = cluster
        self._reading = reading
        self._names = names
        self._live = live
        self._fence = fence
        self._unsettled: set[str] = set()
        """Images of changes that failed, and may be half done."""
        self._watched: set[str] | None = None
        """Images that changed since somebody began to watch."""

    async def apply(self, image_ids: Sequence[str], writes: Sequence[Write]) -> tuple[str, ...]:
        """Make a change of these images; the ids of documents that the cluster refuses.

        One change at a time. Raises StoreUnavailableError and NotTheIndexerError; then all or a part of it is done.
        """
        return await self.finish(await self.begin(image_ids), iter([writes]))

    async def begin(self, image_ids: Sequence[str]) -> Change:
        """Write down which images a change is of, before any of it is done; raises what `apply` does."""
        await self.settle_failed()
        version = self._fence.next()
        self._unsettled.update(image_ids)
        await self._note(version)
        return Change(tuple(image_ids), version)

    async def finish(self, change: Change, parts: Iterator[Sequence[Write]]) -> tuple[str, ...]:
        """Make the change that was begun last; see `apply`. Parts are of different documents, in no order."""
        try:
            refused = await self._send_parts(parts, change.version)
        finally:  # not before: whoever watches looks at the truth then
            self._remember(change.image_ids)
        self._unsettled.clear()
        return tuple(sorted(refused))

    async def _send_parts(self, parts: Iterator[Sequence[Write]], version: int) -> set[str]:
        """Each part is made while the ones before are sent, and nothing is on its way any more in the end."""
        refused: set[str] = set()
        under_way: set[asyncio.Task[set[str]]] = set()
        try:
            while (lines := await _next_lines(parts, version)) is not None:
                under_way.add(asyncio.create_task(self._send_all(lines, _MAX_BYTES)))
                if len(under_way) == _PARTS_AT_ONCE:
                    sent, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    refused.update(*await asyncio.gather(*sent))
        finally:
            await asyncio.gather(*under_way, return_exceptions=True)
        return refused.union(*await asyncio.gather(*under_way))

    async def settle_failed(self) -> None:
        """Settle, if a change of this process failed."""
        if self._unsettled:
            await self.settle()

    async def settle(self) -> None:
        """Bring both indices into line, for what failed changes and the journal name: the truth wins.

        What of these changes may still be on its way to the cluster comes too late then, for both.
        """
        noted = (await self._reading.remembered([_JOURNAL])).get(_JOURNAL)
        half_done = sorted(self._unsettled.union(noted.source["image_ids"] if noted else ()))
        await self.align(half_done, self._live.space, sealed=True)
        self._remember(half_done)
        self._unsettled.clear()
        await self._note(self._fence.next())

    async def catch_up(self) -> None:
        """Bring the space's index into line with all of the truth, if another space was live since it was.

        The pointer is written again anyway: what an earlier indexer has on its way comes too late then.
        """
        space = self._live.space
        noted = (await self._reading.remembered([LIVE])).get(LIVE)
        if noted and noted.source != pointer(space):
            for index in (self._names.entries, self._names.space(space)):
                after = ""
                while image_ids := await self._reading.image_ids(index, after, _MAX_READ):
                    await self.align(image_ids, space)
                    after = image_ids[-1]
        await self.point_to(space)

    async def point_to(self, space: Space, *, behind: bool = False) -> None:
        """Make a space the live one for every process. One that is behind has still to catch up with the truth."""
        version = self._fence.next()
        try:
            await self._put_state(LIVE, {**pointer(space), **({"behind": True} if behind else {})}, version)
        except StoreUnavailableError:
            self._fence.give_up()  # nobody knows whether it was done: this process looks when it begins again
            raise
        self._live.switch(space, version)

    async def align(self, image_ids: Sequence[str], space: Space, *, sealed: bool = False) -> None:
        """Bring images in a space's index into line with the truth; sealed, also against what is on its way still."""
        for start in range(0, len(image_ids), _MAX_READ):
            some = image_ids[start : start + _MAX_READ]
            version = self._fence.next()
            found = await self._reading.truth(some, with_features=True)
            writes = [self._sealed(image_id, found.get(image_id), version) for image_id in some] if sealed else []
            writes += await self._derived(some, found, space, version, sealed=sealed)
            await self._send_all(writes, _MAX_BYTES_BESIDE)

    def _sealed(self, image_id: str, found: Found | None, version: int) -> list[bytes]:
        """The truth once more as it is, so that an earlier change of it is refused; a deletion is remembered, too."""
        if found is None:
            return _lines(Write(self._names.entries, image_id, None), version)
        entry, features = _kept(found)
        document = truth_document(entry, features, found.source["space"], found.source["indexed_at"])
        return _lines(Write(self._names.entries, image_id, document), version)

    async def _derived(
        self, image_ids: Sequence[str], found: Mapping[str, Found], space: Space, version: int, *, sealed: bool
    ) -> list[list[bytes]]:
        ours = {key: one for key, one in found.items() if one.source["space"] == space.fingerprint}
        documents = await derived(space, [_kept(one) for one in ours.values()])
        return [
            _lines(
                Write(self._names.space(space), image_id, documents.get(image_id)),
                version if sealed or image_id not in ours else ours[image_id].version,
            )
            for image_id in image_ids
        ]

    async def fill(self, space: Space, page: Sequence[Found]) -> None:
        """Write entries of the space's model into its index as they were found."""
        self._fence.next()
        documents = await derived(space, [_kept(one) for one in page])
        index, versions = self._names.space(space), {one.source["image_id"]: one.version for one in page}
        writes = (_lines(Write(index, key, documents[key]), versions[key]) for key in documents)
        await self._send_all(writes, _MAX_BYTES_BESIDE)

    def watch(self) -> set[str]:
        """The images that change from now on; whoever watches may take them out."""
        self._watched = set()
        return self._watched

    def unwatch(self) -> None:
        """Remember no more."""
        self._watched = None

    def _remember(self, image_ids: Sequence[str]) -> None:
        if self._watched is not None:
            self._watched.update(image_ids)

    async def _note(self, version: int) -> None:
        await self._put_state(_JOURNAL, {"kind": _JOURNAL, "image_ids": sorted(self._unsettled)}, version)

    async def _put_state(self, document_id: str, document: Mapping[str, Any], version: int) -> None:
        path = f"/{self._names.state}/_doc/{quote(document_id, safe='')}"
        try:
            await self._cluster.request(
                "PUT", path, document, {"version": str(version), "version_type": "external_gte"}
            )
        except VersionConflictError:
            raise self._lost() from None

    async def _send_all(self, writes: Iterable[list[bytes]], max_bytes: int) -> set[str]:
        """In requests of a moderate size."""
        refused: set[str] = set()
        pending: list[list[bytes]] = []
        size = 0
        for lines in writes:
            length = sum(map(len, lines))
            if pending and (size + length > max_bytes or len(pending) == _MAX_LINES):
                refused |= await self._send(pending)
                pending, size = [], 0
            pending.append(lines)
            size += length
        return refused | await self._send(pending)

    async def _send(self, writes: Sequence[list[bytes]]) -> set[str]:
        """In one request; what the cluster is too busy for again, after a while."""
        refused: set[str] = set()
        wait_s = _FIRST_WAIT_S
        for _ in range(_TRIES):
            if not writes:
                return refused
            answer = await self._cluster.lines("/_bulk", [one for lines in writes for one in lines])
            again = []
            for lines, item in zip(writes, answer["items"], strict=True):
                result = next(iter(item.values()))
                status = result["status"]
                if status == _CONFLICT:
                    raise self._lost()
                if status == _REFUSED:
                    refused.add(result["_id"])
                elif status >= _REFUSED and status != _MISSING:
                    again.append(lines)
            writes = again
            if writes:
                await asyncio.sleep(wait_s)
                wait_s *= 2
        raise StoreUnavailableError("Elasticsearch does not take what is to be written now.")

    def _lost(self) -> NotTheIndexerError:
        self._fence.give_up()
        return NotTheIndexerError(self._fence.where)


def _kept(found: Found) -> Kept:
    return parse_entry(found.source), parse_features(found.fields)


async def _next_lines(parts: Iterator[Sequence[Write]], version: int) -> list[list[bytes]] | None:
    """The lines of the next part, made beside the loop; None after the last."""

    def made() -> list[list[bytes]] | None:
        writes = next(parts, None)
        return None if writes is None else [_lines(write, version) for write in writes]

    return await asyncio.to_thread(made)


def _lines(write: Write, version: int) -> list[bytes]:
    to = {"_index": write.index, "_id": write.document_id, "version": version, "version_type": "external_gte"}
    if write.document is None:
        return [line({"delete": to})]
    return [line({"index": to}), write.document if isinstance(write.document, bytes) else line(write.document)]
