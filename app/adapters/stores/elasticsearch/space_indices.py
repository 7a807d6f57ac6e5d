"""The index of each space: derived from the truth, so that it may be made anew and removed."""

from typing import Final
from urllib.parse import quote

from app.adapters.stores.elasticsearch.client import Cluster
from app.adapters.stores.elasticsearch.indices import compare, foreign, is_ours, make, mappings_of, remove
from app.adapters.stores.elasticsearch.live import LiveSpace
from app.adapters.stores.elasticsearch.mappings import IndexOptions, Names, space_index
from app.domain.errors import ConflictError, SetupError
from app.domain.spaces import Space

_META: Final = {"filter_path": "*.mappings._meta"}


class SpaceIndices:
    """Those of one model's spaces."""

    def __init__(self, cluster: Cluster, names: Names, live: LiveSpace, options: IndexOptions) -> None:
        """`options`: how they are made."""
        self._cluster = cluster
        self._names = names
        self._live = live
        self._options = options

    async def has_live(self) -> bool:
        """Whether the live space's is there. Raises SetupError for one that is not ours, or made otherwise."""
        space = self._live.space
        found = await mappings_of(self._cluster, [self._names.space(space)])
        for index, mapping in found.items():
            if index != self._names.space(space):
                raise SetupError(foreign(index))
            compare(index, mapping, space_index(space, self._options)["mappings"])
        return bool(found)

    async def make(self, space: Space) -> None:
        """Make a space's. Raises SetupError."""
        await self._make(space)

    async def _make(self, space: Space, *, locked: bool = False) -> None:
        body = space_index(space, self._options)
        if locked:
            body["settings"]["index"]["blocks"] = {"read": True}
        await make(self._cluster, self._names.space(space), body)

    async def make_anew(self, space: Space) -> None:
        """Make a space's, empty, whatever is left of an earlier one. Raises ConflictError name_taken, SetupError.

        It cannot be searched: a process to which this space is still the live one that it was, before another, is to
        notice rather than find a part.
        """
        name = self._names.space(space)
        for index, mapping in (await mappings_of(self._cluster, [name])).items():
            # Under a learned space's name there is nobody else's, but maybe what a write that came late has made.
            if index != name or not (is_ours(mapping) or space.projection):
                raise ConflictError("name_taken", foreign(index))
            await remove(self._cluster, name)
        await self._make(space, locked=True)

    async def unlock(self, space: Space) -> None:
        """Let the index that was made anew be searched: it is whole."""
        await self._cluster.request("PUT", f"/{quote(self._names.space(space))}/_settings", {"index.blocks.read": None})

    async def clear(self) -> None:
        """Remove those of all spaces but the live one."""
        path = f"/{quote(self._names.namespace)}@*/_mapping"
        found = await self._cluster.request("GET", path, params=_META)
        live = self._names.space(self._live.space)
        for index, answer in found.items():
            fingerprint = answer["mappings"]["_meta"].get("fingerprint")
            if index != live and is_ours(answer["mappings"]) and fingerprint == self._live.fingerprint:
                await remove(self._cluster, index)
