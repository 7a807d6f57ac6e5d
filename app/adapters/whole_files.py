"""Files that are there whole or not at all: written aside, then renamed."""

import os
import secrets
import shutil
from pathlib import Path
from typing import Final

_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_MODE: Final = 0o600


class WholeFiles:
    """Writes on the calling thread, any number of files at once.

    All are written in one folder and renamed to where they belong: file systems spread folders over the disk, and to
    make a file in one of many costs up to twice as much as in one that was just used.
    """

    def __init__(self, aside: Path) -> None:
        """`aside` is on the same disk as what is written, and nobody else's: what a kill left there is removed."""
        self._aside = aside
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)

    def write(self, place: Path, data: bytes, *, durable: bool = False) -> None:
        """Write a file, which survives a kill; if `durable`, a loss of power too. Raises OSError."""
        aside = f"{self._aside}/{secrets.token_hex(8)}"
        try:
            # Few calls to the system, since each lets the event loop's thread wait for its turn.
            handle = os.open(aside, _NEW_FILE, _MODE)
            try:
                _write_all(handle, data)
                if durable:
                    os.fsync(handle)
            finally:
                os.close(handle)
            _rename(aside, place)
        except OSError:
            Path(aside).unlink(missing_ok=True)
            raise
        if durable:
            _sync(place.parent)


def _rename(aside: str, place: Path) -> None:
    try:
        os.replace(aside, place)  # noqa: PTH105 - a Path would be made for each file
    except FileNotFoundError:
        place.parent.mkdir(parents=True, exist_ok=True)
        Path(aside).replace(place)


def _write_all(handle: int, data: bytes) -> None:
    written = os.write(handle, data)
    while written < len(data):  # nearly full, or larger than one call takes
        written += os.write(handle, memoryview(data)[written:])


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
