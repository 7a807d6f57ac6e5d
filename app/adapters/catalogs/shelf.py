"""The catalogue file in the cache folder, kept up with the files that it is read from."""

import os
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.adapters.catalogs.built import BuiltCatalogue
from app.adapters.catalogs.reading import build
from app.adapters.catalogs.source_files import Source, SourceFiles, Stamp, digest_of
from app.adapters.catalogs.tables import replace_sources
from app.domain.attributes import Attributes
from app.domain.errors import CatalogueError


class Shelf:
    """For one thread at a time. The file is built aside and renamed: after a kill it is the old one, or none."""

    def __init__(self, files: SourceFiles, path: Path, name: str, attributes: Attributes | None) -> None:
        """`path` is where the catalogue file is or will be."""
        self._files = files
        self._path = path
        self._aside = path.with_suffix(".building")
        self._name = name
        self._attributes = attributes
        self._stamps: list[Stamp] = []
        self._opened: BuiltCatalogue | None = None
        self._error: CatalogueError | None = None
        self.stopped = threading.Event()

    def current(self) -> BuiltCatalogue:
        """The catalogue as the files are now, read anew if they changed. Raises CatalogueError, ReadingStoppedError."""
        sources = self._files.sources()
        stamps = self._files.stamps(sources)
        if stamps != self._stamps:
            self._opened, self._error = None, None
        if self._error:
            raise CatalogueError(str(self._error))
        if self._opened is None:
            self._opened = self._kept(stamps) or self._read(sources, stamps)
            self._stamps = stamps
        return self._opened

    def _kept(self, stamps: Sequence[Stamp]) -> BuiltCatalogue | None:
        """What was read before, if the files are still the same."""
        self._aside.unlink(missing_ok=True)
        try:
            found = BuiltCatalogue(self._path, self._files.root)
        except (sqlite3.Error, ValueError, LookupError, TypeError):  # none, damaged, or of another version
            return None
        kept = {stamp["path"]: stamp for stamp in found.sources["files"]}
        if found.sources["attributes"] != self._attributes or [*kept] != [stamp.path for stamp in stamps]:
            return None
        changed = [stamp for stamp in stamps if not asdict(stamp).items() <= kept[stamp.path].items()]
        if not all(self._is_same(stamp, kept[stamp.path]) for stamp in changed):
            return None
        if changed:
            files = [{**kept[stamp.path], **asdict(stamp)} for stamp in stamps]
            replace_sources(self._path, {**found.sources, "files": files})
        return found

    def _is_same(self, stamp: Stamp, kept: dict[str, Any]) -> bool:
        """Whether a touched file holds what it held."""
        return bool(stamp.size == kept["size"] and digest_of(stamp.path, self.stopped) == kept["sha256"])

    def _read(self, sources: Sequence[Source], stamps: Sequence[Stamp]) -> BuiltCatalogue:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            build(
                self._aside,
                name=self._name,
                sources=sources,
                stamps=stamps,
                attributes=self._attributes,
                stopped=self.stopped,
            )
            _sync(self._aside)
            self._aside.replace(self._path)
            _sync(self._path.parent)
            return BuiltCatalogue(self._path, self._files.root)
        except CatalogueError as error:
            self._stamps, self._error = list(stamps), error
            raise
        except (OSError, sqlite3.Error) as error:
            detail = "What was read of the catalogue cannot be kept in the data folder; see the free disk space."
            raise CatalogueError(detail) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
