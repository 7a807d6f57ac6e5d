"""The files that a catalogue is read from: which they are, what tells that they changed, and their bytes."""

import hashlib
import io
import os
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.domain.errors import CatalogueError

if TYPE_CHECKING:
    from typing_extensions import Buffer

SUFFIXES: Final = frozenset({".json", ".jsonl", ".ndjson", ".csv"})
_CHUNK_BYTES: Final = 1 << 20


class ReadingStoppedError(Exception):
    """The service closes while a catalogue is being read."""


@dataclass(frozen=True, slots=True)
class Source:
    """A data set's file. `folder` is seen from the catalogue's root; `split` is the file's name without its suffix."""

    path: Path
    name: str
    folder: str
    split: str

    @property
    def sidecar(self) -> Path:
        """Where a table's attributes may be declared."""
        return self.path.with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells without a look into a file that it is another one than before."""

    path: str
    size: int
    mtime_ns: int
    inode: int


class SourceFiles:
    """One file, several files, or those that lie in a folder at the moment."""

    def __init__(self, root: Path, files: Sequence[Path] | None = None) -> None:
        """`files`, or what there is in the folder `root`. Locators and names are seen from the root."""
        self.root = root.resolve()
        self._files = None if files is None else [Path(os.path.abspath(file)) for file in files]  # noqa: PTH100
        self._named = [str(file) for file in self._files or [self.root]]

    @property
    def identity(self) -> list[str]:
        """Which files are meant, whatever is in them."""
        return self._named

    @property
    def folders(self) -> list[Path]:
        """Where photos may lie: below the folders of the files."""
        return [self.root] if self._files is None else [file.parent.resolve() for file in self._files]

    def sources(self) -> list[Source]:
        """The files, by name. Raises CatalogueError."""
        found, splits = list[Source](), set[str]()
        for path in self._files if self._files is not None else self._in_folder():
            split = path.stem
            if split in splits:
                split = f"{path.parent.name}-{split}"
            splits.add(split)
            found.append(Source(path, path.name, os.path.relpath(path.parent, self.root), split))
        return found

    def _in_folder(self) -> list[Path]:
        try:
            return data_files(self.root)
        except OSError as error:
            raise CatalogueError("The catalogue's folder cannot be read; check LOOKALIKE_CATALOG.") from error

    def stamps(self, sources: Sequence[Source]) -> list[Stamp]:
        """Of the files, and of the declarations beside them. Raises CatalogueError."""
        stamps = [_stamp(source.path, source.name) for source in sources]
        sidecars = [source.sidecar for source in sources if source.sidecar.is_file()]
        return stamps + [_stamp(path, path.name) for path in sidecars]


def data_files(folder: Path) -> list[Path]:
    """The visible data files of a folder, by name. Raises OSError."""
    with os.scandir(folder) as items:
        names = [item.name for item in items if not item.name.startswith(".") and item.is_file()]
    return [folder / name for name in sorted(names) if Path(name).suffix.lower() in SUFFIXES]


def _stamp(path: Path, name: str) -> Stamp:
    try:
        found = path.stat()
    except OSError as error:
        raise CatalogueError(f"The catalogue's file {name} cannot be read; is it there?") from error
    if not stat.S_ISREG(found.st_mode):
        raise CatalogueError(f"The catalogue's file {name} is no file.")
    return Stamp(str(path), found.st_size, found.st_mtime_ns, found.st_ino)


def digest_of(path: str, stopped: threading.Event) -> str:
    """The sha256 of a file, in hex."""
    with SourceFile(Path(path), stopped) as file:
        return file.digest()


class SourceFile(io.RawIOBase):
    """A file that is read once, from its beginning: its digest is made on the way, and reading can be stopped."""

    def __init__(self, path: Path, stopped: threading.Event) -> None:
        """Open it. Raises CatalogueError."""
        super().__init__()
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise CatalogueError(f"The catalogue's file {path.name} cannot be read.") from error
        self._name = path.name
        self._stopped = stopped
        self._sha256 = hashlib.sha256()
        self.last_byte = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "Buffer") -> int:
        """See io.RawIOBase."""
        if self._stopped.is_set():
            raise ReadingStoppedError
        try:
            count = self._file.readinto(buffer)
        except OSError as error:
            raise CatalogueError(f"The catalogue's file {self._name} cannot be read.") from error
        data = memoryview(buffer)[:count]
        self._sha256.update(data)
        self.last_byte = bytes(data[-1:]) or self.last_byte
        return count

    def digest(self) -> str:
        """Of the whole file: what was not read yet is read now."""
        while self.read(_CHUNK_BYTES):
            pass
        return self._sha256.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
