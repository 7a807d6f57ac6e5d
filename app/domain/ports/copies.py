"""The ports of copying: a store that is read whole, and one that becomes like it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from app.domain.ports.store import Store
from app.domain.records import KeptEntry
from app.domain.spaces import Space


class CopySource(Protocol):
    """All that a store keeps, in pages. It is seen as searches see it; what changes meanwhile may be missed.

    Raises StoreUnavailableError.
    """

    async def space(self) -> Space | None:
        """The live space, as far as what is kept tells of it; None for an empty store."""

    async def count(self) -> int:
        """How many entries there are, of any space."""

    async def entries(self, after: str, count: int) -> Sequence[KeptEntry]:
        """The next entries, of any space, by rising image id beyond `after`; empty behind the last."""

    async def names(self) -> Mapping[str, str]:
        """What labels are called, by their ids."""

    async def deletions(self, after: str, count: int) -> Mapping[str, Collection[str]]:
        """The labels of deleted images by image id: the next by rising id beyond `after`."""


class CopyTarget(Store, Protocol):
    """A store that takes what another one kept, as that kept it. Each call is safe to be made again."""

    async def restore(self, entries: Sequence[KeptEntry]) -> Collection[str]:
        """Add entries of any space or replace them, also such as were deleted here.

        The image ids of entries that the store will never take.
        """

    async def restore_deletions(self, deletions: Mapping[str, Collection[str]]) -> None:
        """Delete images, whether they are entries here or not, and remember it under these labels by image id."""
