"""The data folder: one process owns it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from app.domain.errors import DataFolderError


@contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Make the folder if need be and hold its lock. Raises DataFolderError; a killed owner's lock is free at once."""
    lock = filelock.FileLock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        detail = "Another process uses this data folder; stop it, or give --data-dir another folder."
        raise DataFolderError(detail) from error
    except OSError as error:
        detail = "The data folder cannot be made or written; give --data-dir another one."
        raise DataFolderError(detail) from error
    try:
        yield folder
    finally:
        lock.release()
