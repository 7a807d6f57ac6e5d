"""A space that searches read: its vectors in a folder of their own, and what finds and shows them."""

import shutil
from pathlib import Path

from app.adapters.stores.embedded.cache import VectorCache
from app.adapters.stores.embedded.following import load_cache
from app.adapters.stores.embedded.schema import Connection
from app.adapters.stores.embedded.searching import Searching
from app.domain.spaces import Space

_CACHE = "cache"


class Live:
    """One space of the store, whole; a search keeps to the one it began with."""

    def __init__(self, space: Space, cache: VectorCache) -> None:
        """Search a cache of the space's vectors."""
        self.space = space
        self.cache = cache
        self.searching = Searching(cache, space.fingerprint)


def loaded(db: Connection, folder: Path, space: Space) -> Live:
    """A space as the truth has it now, from what is kept of its cache in the store's folder or made anew."""
    place = _place(folder, space)
    place.mkdir(exist_ok=True)
    return Live(space, load_cache(db, place, space))


def clear_caches(folder: Path, space: Space) -> None:
    """Remove the caches of other spaces: they are made anew from the truth when they are wanted."""
    for path in folder.glob(f"{_CACHE}*"):
        if path != _place(folder, space):
            shutil.rmtree(path)


def _place(folder: Path, space: Space) -> Path:
    return folder / (f"{_CACHE}-{space.space_id}" if space.projection else _CACHE)
