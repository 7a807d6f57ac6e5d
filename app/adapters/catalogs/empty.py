"""No catalogue: nothing could be indexed but own uploads."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from app.domain.attributes import Attributes
from app.domain.records import BadRecord, CatalogueImage, CatalogueLabel, CatalogueReport, HostCount


class EmptyCatalogue:
    """See the port."""

    async def labels(self) -> Sequence[CatalogueLabel]:
        """None."""
        return []

    async def label(self, label_id: str) -> CatalogueLabel | None:  # noqa: ARG002 - there is none to look for
        """None."""
        return None

    async def images(self, label_id: str) -> AsyncGenerator[Sequence[CatalogueImage], None]:  # noqa: ARG002
        """No block."""
        for block in list[Sequence[CatalogueImage]]():
            yield block

    async def attributes(self) -> Attributes:
        """None."""
        return {}

    async def hosts(self, label_id: str, count: int) -> Sequence[HostCount]:  # noqa: ARG002
        """None."""
        return []

    async def reports(self) -> Sequence[CatalogueReport]:
        """None."""
        return []

    async def bad_records(self, name: str, after: int, count: int) -> Sequence[BadRecord]:  # noqa: ARG002
        """None."""
        return []

    def read(self, locator: str, max_bytes: int) -> bytes:  # noqa: ARG002
        """Nothing to read."""
        raise FileNotFoundError(locator)

    def file(self, locator: str) -> Path | None:  # noqa: ARG002
        """None."""
        return None
