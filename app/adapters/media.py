"""Image files: own uploads and downloads are kept here, and thumbnails as a cache that can be deleted at any time."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from app.adapters.whole_files import WholeFiles
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
    """See the port.

    `originals/ab/<sha256 of the id>` for uploads, `downloads/a/<sha256 of the id>` and `previews/a/` for downloads (few
    folders: a file in one of many takes longer to make), and `thumbnails/cd/<sha256>.jpg` below.
    """

    def __init__(
        self,
        root: Path,
        limits: Limits,
        keep: Keep = Keep.ORIGINAL,
        min_free_bytes: int = 0,
        *,
        sharer: str = "",
        others_keep: bool = False,
    ) -> None:
        """Make the folder if need be.

        Each of the processes that share a folder is a `sharer` by a name of its own. `others_keep`: other processes on
        the same store have folders of their own.
        """
        self._root = root
        self._originals = root / "originals"
        self._downloads = root / "downloads"
        self._previews = root / "previews"
        self._thumbnails = root / "thumbnails"
        self._limits = limits
        self._keep = keep
        self._min_free_bytes = min_free_bytes
        self._others_keep = others_keep
        for folder in (self._originals, self._downloads, self._previews, self._thumbnails):
            folder.mkdir(parents=True, exist_ok=True)
        self._files = WholeFiles(root / "aside" / sharer)

    async def keep(self, image_id: str, data: bytes) -> None:
        """Keep a photo's bytes, durably."""
        await asyncio.to_thread(self._write, {_place(self._originals, image_id): data}, durable=True)

    def keep_downloads(self, photos: Mapping[str, bytes]) -> None:
        """Keep what the setting says of downloads.

        Not flushed to the disk: three times as fast, and after a power cut the last ones can be fetched again.
        """
        match self._keep:
            case Keep.ORIGINAL:
                self._write({_near(self._downloads, image_id): data for image_id, data in photos.items()})
            case Keep.THUMBNAIL:
                previews = {image_id: thumbnail(data, self._limits) for image_id, data in photos.items()}
                self._write({_near(self._previews, image_id): data for image_id, data in previews.items()})
            case Keep.NONE:
                pass

    def _write(self, files: Mapping[Path, bytes], *, durable: bool = False) -> None:
        try:
            for place, data in files.items():
                self._files.write(place, data, durable=durable)
        except OSError as error:
            detail = "The image could not be kept: the data folder cannot be written."
            raise StoreUnavailableError(detail) from error

    async def discard(self, entries: Sequence[Entry]) -> None:
        """Forget files."""
        if entries:
            await asyncio.to_thread(self._discard, entries)

    def _discard(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._cached(entry).unlink(missing_ok=True)
            if entry.origin is not Origin.CATALOGUE:
                for place in (*self._places(entry.image_id), _near(self._previews, entry.image_id)):
                    place.unlink(missing_ok=True)

    def original(self, image_id: str) -> Path | None:
        """The file of a kept photo."""
        return next((path for path in self._places(image_id) if path.is_file()), None)

    def _places(self, image_id: str) -> tuple[Path, Path]:
        return _near(self._downloads, image_id), _place(self._originals, image_id)

    def is_elsewhere(self, entry: Entry, *, original: bool) -> bool:
        """Whether another process may keep a photo."""
        if not self._others_keep or entry.origin is Origin.CATALOGUE:
            return False
        kept = (Keep.ORIGINAL,) if original else (Keep.ORIGINAL, Keep.THUMBNAIL)
        return entry.origin is Origin.UPLOAD or self._keep in kept

    async def describe(self, path: Path) -> MediaFile | None:
        """A file's type and ETag."""
        return await asyncio.to_thread(_describe, path)

    async def thumbnail(self, entry: Entry, original: Path | None) -> MediaFile | None:
        """An entry's thumbnail."""
        return await asyncio.to_thread(self._thumbnail, entry, original)

    def _thumbnail(self, entry: Entry, original: Path | None) -> MediaFile | None:
        if original is None:
            return _describe(_near(self._previews, entry.image_id))
        place = self._cached(entry)
        if not place.is_file():
            try:
                self._files.write(place, thumbnail(original.read_bytes(), self._limits))
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
    name = _file_name(image_id)
    return folder / name[:2] / name


def _near(folder: Path, image_id: str) -> Path:
    name = _file_name(image_id)
    return folder / name[:1] / name


def _file_name(image_id: str) -> str:
    # The id is another's word: its digest names the file.
    return hashlib.sha256(image_id.encode()).hexdigest()


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
