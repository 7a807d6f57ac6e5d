"""A folder of photos as a catalogue: `<root>/<label>/*.jpg` or `<root>/<label>/<product>/*.jpg`, or nested deeper.

Every visible file below a label is listed; what is no image turns out to be none when it is read. Links are followed to
files inside the root only, and never to folders.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.adapters.catalogs.photo_files import file_inside, read_file
from app.domain.attributes import Attributes
from app.domain.errors import CatalogueError
from app.domain.naming import folder_image_id, folder_product_id, label_ids, printable
from app.domain.records import BadRecord, CatalogueImage, CatalogueLabel, CatalogueReport, HostCount

_NOT_CONTENT: Final = frozenset({"thumbs.db", "desktop.ini"})
_BLOCK: Final = 256


class FolderCatalogue:
    """See the port. Each call looks at the folder as it is then."""

    def __init__(self, root: Path, name: str = "") -> None:
        """`root` holds a folder for each label; `name` is the catalogue's, by default the folder's."""
        self._root = root.resolve()
        self._name = name or printable(self._root.name)

    async def labels(self) -> list[CatalogueLabel]:
        """All labels, ordered by id."""
        return await asyncio.to_thread(self._labels)

    async def label(self, label_id: str) -> CatalogueLabel | None:
        """One label, or None."""
        return await asyncio.to_thread(self._label, label_id)

    async def images(
        self, label_id: str, shown_as: str | None = None
    ) -> AsyncGenerator[Sequence[CatalogueImage], None]:
        """A label's files by path; `shown_as` is the label's id among several catalogues."""
        paths = await asyncio.to_thread(self._paths, label_id)
        for start in range(0, len(paths), _BLOCK):
            yield [_image(shown_as or label_id, path) for path in paths[start : start + _BLOCK]]

    async def attributes(self) -> Attributes:
        """None: a folder tells nothing of its photos."""
        return {}

    async def hosts(self, label_id: str, count: int) -> Sequence[HostCount]:  # noqa: ARG002 - files come from none
        """None."""
        return []

    async def reports(self) -> Sequence[CatalogueReport]:
        """One, of the folder as it is now."""
        labels = await self.labels()
        count = sum(label.image_count for label in labels)
        return [
            CatalogueReport(self._name, "folder", (), len(labels), count, 0, {}, {}, read_at=datetime.now(UTC)),
        ]

    async def bad_records(self, name: str, after: int, count: int) -> Sequence[BadRecord]:  # noqa: ARG002
        """None: what is no image turns out when it is read."""
        return []

    def read(self, locator: str, max_bytes: int) -> bytes:
        """An image's bytes, cut at `max_bytes + 1`."""
        return read_file(self.file(locator), locator, max_bytes)

    def file(self, locator: str) -> Path | None:
        """The image's file, if it is a regular one inside the root."""
        return file_inside(self._root, locator, [self._root])

    def _folders(self) -> dict[str, str]:
        """Label id -> folder name."""
        try:
            with os.scandir(self._root) as found:
                names = sorted(
                    item.name for item in found if item.is_dir(follow_symlinks=False) and not item.name.startswith(".")
                )
        except OSError as error:
            detail = "The catalogue's folder cannot be read; check LOOKALIKE_CATALOG."
            raise CatalogueError(detail) from error
        return {label_id: name for name, label_id in label_ids(names).items()}

    def _labels(self) -> list[CatalogueLabel]:
        return [self._described(label_id, name) for label_id, name in sorted(self._folders().items())]

    def _label(self, label_id: str) -> CatalogueLabel | None:
        name = self._folders().get(label_id)
        return None if name is None else self._described(label_id, name)

    def _described(self, label_id: str, folder: str) -> CatalogueLabel:
        name = printable(folder)
        return CatalogueLabel(label_id, name, (name,), image_count=sum(1 for _ in self._files(folder)))

    def _paths(self, label_id: str) -> list[str]:
        folder = self._folders().get(label_id)
        return [] if folder is None else sorted(self._files(folder), key=os.fsencode)

    def _files(self, folder: str) -> Iterator[str]:
        """Paths below the root, with `/` between the parts."""
        for parent, folders, names in os.walk(self._root / folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            inside = Path(parent).relative_to(self._root)
            yield from (
                (inside / name).as_posix()
                for name in names
                if not name.startswith(".") and name.lower() not in _NOT_CONTENT
            )


def _image(label_id: str, path: str) -> CatalogueImage:
    _, *products, name = path.split("/")
    return CatalogueImage(
        image_id=folder_image_id(path),
        name=printable(name),
        label_id=label_id,
        own_product_id=folder_product_id(label_id, products[0]) if products else None,
        locator=path,
    )
