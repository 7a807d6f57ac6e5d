"""Image files: own uploads and downloads are kept here, and thumbnails as a cache that can be deleted at any time."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from app.domain.errors import ImageRejectedError, StoreUnavailableError
from app.domain.imaging import Limits, media_type, thumbnail
from app.domain.records import Entry, MediaFile, Origin

_HEAD_BYTES: Final = 64
_UNKNOWN_TYPE: Final = "application/octet-stream"


class Keep(StrEnum):
    """What is kept of a downloaded photo."""

    ORIGINAL = "original"
    THUMBNAIL = "thumbnail"
    NONE = "none"


class MediaFolder:
    """See the port. `originals/ab/<sha256 of the id>`, `previews/` alike, and `thumbnails/cd/<sha256>.jpg` below."""

    def __init__(self, root: Path, limits: Limits, keep: Keep = Keep.ORIGINAL, min_free_bytes: int = 0) -> None:
        """Make the folder if need be."""
        self._root = root
        self._originals = root / "originals"
        self._previews = root / "previews"
        self._thumbnails = root / "thumbnails"
        self._limits = limits
        self._keep = keep
        self._min_free_bytes = min_free_bytes
        for folder in (self._originals, self._previews, self._thumbnails):
            folder.mkdir(parents=True, exist_ok=True)

    async def keep(self, image_id: str, data: bytes) -> None:
        """Keep a photo's bytes, durably."""
        await asyncio.to_thread(_write_durably, _place(self._originals, image_id), data)

    def keep_downloads(self, photos: Mapping[str, bytes]) -> None:
        """Keep what the setting says of downloads.

        Not flushed to the disk: three times as fast, and after a power cut the last ones can be fetched again.
        """
        match self._keep:
            case Keep.ORIGINAL:
                _write_all({_place(self._originals, image_id): data for image_id, data in photos.items()})
            case Keep.THUMBNAIL:
                previews = {image_id: thumbnail(data, self._limits) for image_id, data in photos.items()}
                _write_all({_place(self._previews, image_id): data for image_id, data in previews.items()})
            case Keep.NONE:
                pass

    async def discard(self, entries: Sequence[Entry]) -> None:
        """Forget files."""
        if entries:
            await asyncio.to_thread(self._discard, entries)

    def _discard(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._cached(entry).unlink(missing_ok=True)
            if entry.origin is not Origin.CATALOGUE:
                _place(self._originals, entry.image_id).unlink(missing_ok=True)
                _place(self._previews, entry.image_id).unlink(missing_ok=True)

    def original(self, image_id: str) -> Path | None:
        """The file of a kept photo."""
        path = _place(self._originals, image_id)
        return path if path.is_file() else None

    async def describe(self, path: Path) -> MediaFile | None:
        """A file's type and ETag."""
        return await asyncio.to_thread(_describe, path)

    async def thumbnail(self, entry: Entry, original: Path | None) -> MediaFile | None:
        """An entry's thumbnail."""
        return await asyncio.to_thread(self._thumbnail, entry, original)

    def _thumbnail(self, entry: Entry, original: Path | None) -> MediaFile | None:
        if original is None:
            return _describe(_place(self._previews, entry.image_id))
        place = self._cached(entry)
        if not place.is_file():
            try:
                _write(place, thumbnail(original.read_bytes(), self._limits))
            except (OSError, ImageRejectedError):
                return None
        return _describe(place)

    def has_room(self) -> bool:
        """Whether enough of the disk is free."""
        try:
            return shutil.disk_usage(self._root).free >= self._min_free_bytes
        except OSError:
            return False

    def _cached(self, entry: Entry) -> Path:
        return self._thumbnails / entry.sha256[:2] / f"{entry.sha256}.jpg"


def _place(folder: Path, image_id: str) -> Path:
    # The id is another's word: its digest names the file.
    name = hashlib.sha256(image_id.encode()).hexdigest()
    return folder / name[:2] / name


def _describe(path: Path) -> MediaFile | None:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            status = os.fstat(file.fileno())
    except OSError:
        return None
    if not status.st_size:  # what a power cut leaves of a file that was not flushed
        return None
    version = f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"
    return MediaFile(str(path), media_type(head) or _UNKNOWN_TYPE, f'"{version}"')


def _write_all(files: Mapping[Path, bytes]) -> None:
    """Write files that survive a kill. Raises StoreUnavailableError."""
    try:
        for place, data in files.items():
            _write(place, data)
    except OSError as error:
        raise _unwritable() from error


def _write_durably(place: Path, data: bytes) -> None:
    """Write a file that survives a loss of power, too. Raises StoreUnavailableError."""
    try:
        _write(place, data, durable=True)
        _sync(place.parent)
    except OSError as error:
        raise _unwritable() from error


def _unwritable() -> StoreUnavailableError:
    return StoreUnavailableError("The image could not be kept: the data folder cannot be written.")


def _write(place: Path, data: bytes, *, durable: bool = False) -> None:
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


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
