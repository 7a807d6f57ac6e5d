"""No catalogue: nothing could be indexed but own uploads."""

from pathlib import Path

from app.domain.records import CatalogueImage, CatalogueLabel


class EmptyCatalogue:
    """See the port."""

    async def labels(self) -> list[CatalogueLabel]:
        """None."""
        return []

    async def label(self, label_id: str) -> CatalogueLabel | None:  # noqa: ARG002 - there is none to look for
        """None."""
        return None

    async def images(self, label_id: str) -> list[CatalogueImage]:  # noqa: ARG002
        """None."""
        return []

    def read(self, locator: str, max_bytes: int) -> bytes:  # noqa: ARG002
        """Nothing to read."""
        raise FileNotFoundError(locator)

    def file(self, locator: str) -> Path | None:  # noqa: ARG002
        """None."""
        return None
