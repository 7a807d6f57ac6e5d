"""Image files: own uploads are kept here, and thumbnails as a cache that can be deleted at any time."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.domain.errors import ImageRejectedError, StoreUnavailableError
from app.domain.imaging import Limits, media_type, thumbnail
from app.domain.records import MediaFile

_HEAD_BYTES: Final = 64
_UNKNOWN_TYPE: Final = "application/octet-stream"


class MediaFolder:
    """See the port. `originals/ab/<sha256 of the id>` and `thumbnails/cd/<sha256>.jpg` below."""

    def __init__(self, root: Path, limits: Limits) -> None:
        """Make the folder if need be."""
        self._originals = root / "originals"
        self._thumbnails = root / "thumbnails"
        self._limits = limits
        for folder in (self._originals, self._thumbnails):
            folder.mkdir(parents=True, exist_ok=True)

    async def keep(self, image_id: str, data: bytes) -> None:
        """Keep a photo's bytes, durably."""
        try:
            await asyncio.to_thread(_write, self._place(image_id), data, durable=True)
        except OSError as error:
            raise StoreUnavailableError("The image could not be kept: the data folder cannot be written.") from error

    async def discard(self, image_ids: Sequence[str]) -> None:
        """Forget photos."""
        await asyncio.to_thread(self._discard, image_ids)

    def _discard(self, image_ids: Sequence[str]) -> None:
        for image_id in image_ids:
            self._place(image_id).unlink(missing_ok=True)

    def original(self, image_id: str) -> Path | None:
        """The file of a kept photo."""
        path = self._place(image_id)
        return path if path.is_file() else None

    async def describe(self, path: Path) -> MediaFile | None:
        """A file's type and ETag."""
        return await asyncio.to_thread(_describe, path)

    async def thumbnail(self, sha256: str, path: Path) -> MediaFile | None:
        """The thumbnail of a photo."""
        return await asyncio.to_thread(self._thumbnail, sha256, path)

    def _thumbnail(self, sha256: str, path: Path) -> MediaFile | None:
        place = self._thumbnails / sha256[:2] / f"{sha256}.jpg"
        if not place.is_file():
            try:
                _write(place, thumbnail(path.read_bytes(), self._limits), durable=False)
            except (OSError, ImageRejectedError):
                return None
        return _describe(place)

    def _place(self, image_id: str) -> Path:
        # The id is the caller's word: its digest names the file.
        name = hashlib.sha256(image_id.encode()).hexdigest()
        return self._originals / name[:2] / name


def _describe(path: Path) -> MediaFile | None:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            status = os.fstat(file.fileno())
    except OSError:
        return None
    version = f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"
    return MediaFile(str(path), media_type(head) or _UNKNOWN_TYPE, f'"{version}"')


def _write(place: Path, data: bytes, *, durable: bool) -> None:
    """Write aside and rename: a file is there whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(aside).replace(place)
    except OSError:
        Path(aside).unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(place.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
