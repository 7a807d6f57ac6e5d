"""Photos that lie in a catalogue's folders: found and read, never outside."""

import stat
from collections.abc import Sequence
from pathlib import Path


def file_inside(root: Path, locator: str, folders: Sequence[Path]) -> Path | None:
    """The regular file at `locator` seen from the root, links followed, if it is inside one of the folders."""
    try:
        path = (root / locator).resolve()
        regular = stat.S_ISREG(path.stat().st_mode)
    except (OSError, RuntimeError, ValueError):  # gone, a link that leads to itself, or no path
        return None
    return path if regular and any(path.is_relative_to(folder) for folder in folders) else None


def read_file(path: Path | None, locator: str, max_bytes: int) -> bytes:
    """A file's bytes, cut at `max_bytes + 1`. Raises FileNotFoundError if there is none."""
    if path is None:
        raise FileNotFoundError(locator)
    with path.open("rb") as file:
        return file.read(max_bytes + 1)
