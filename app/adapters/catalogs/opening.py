"""Paths that a setting names -> the catalogue: which kind of it lies there."""

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from app.adapters.catalogs.empty import EmptyCatalogue
from app.adapters.catalogs.files import FileCatalogue
from app.adapters.catalogs.folder import FolderCatalogue
from app.adapters.catalogs.many import ManyCatalogues, Member
from app.adapters.catalogs.source_files import SourceFiles, data_files
from app.domain.attributes import Attributes
from app.domain.catalogue.declaring import Declared, parse_catalogues
from app.domain.errors import CatalogueError
from app.domain.naming import label_ids
from app.domain.ports import Catalogue

_HEAD_BYTES: Final = 1 << 16
_KNOWN: Final = re.compile(
    rb'"(?:images|annotations|labelInfo|taskInfo|categories|label_id|level1_\w+)"\s*:'
    rb"|\A[^\n]*\b(?:label_id|labelId|ImageId)\b"
)
"""What the beginning of a data set's file holds."""


@asynccontextmanager
async def opened_catalogue(path: Path | None, cache_folder: Path, *, name: str = "") -> AsyncIterator[Catalogue]:
    """One catalogue: none, a folder of photos, a data set's file, or a folder of such files, taken together.

    Files begin to be read, and are read into `cache_folder`; nothing is waited for. `name` is the path's by default.
    """
    async with AsyncExitStack() as stack:
        yield await _member(stack, path, cache_folder, name, None) if path else EmptyCatalogue()


@asynccontextmanager
async def opened_catalogues(file: Path, cache_folder: Path) -> AsyncIterator[Catalogue]:
    """The catalogues that a TOML file names; paths are seen from it. Raises CatalogueError if it cannot be used."""
    declared = _declared(file)
    folder = file.parent
    async with AsyncExitStack() as stack:
        members = dict[str, Member]()
        for name, one in declared.items():
            if one.path is not None:
                members[name] = await _member(stack, folder / one.path, cache_folder, name, one.attributes)
            else:
                files = SourceFiles(folder, [folder / path for path in one.files])
                members[name] = _started(stack, files, cache_folder, name, one.attributes)
        yield ManyCatalogues(members)


async def _member(
    stack: AsyncExitStack, path: Path, cache_folder: Path, name: str, attributes: Attributes | None
) -> Member:
    """What lies at a path."""
    files = await asyncio.to_thread(_files_at, path)
    if files is None:
        return FolderCatalogue(path, name)
    return _started(stack, files, cache_folder, name or _name_of(path), attributes)


def _files_at(path: Path) -> SourceFiles | None:
    """A file, or a folder's files; None for a folder of photos, and for one that is not there yet."""
    if path.is_dir():
        return SourceFiles(path) if _holds_data_sets(path) else None
    return SourceFiles(path.parent, [path]) if path.suffix else None


def _started(
    stack: AsyncExitStack, files: SourceFiles, cache_folder: Path, name: str, attributes: Attributes | None
) -> FileCatalogue:
    """Reading in the background, and ended with the stack."""
    catalogue = FileCatalogue(files, cache_folder, name=name, attributes=attributes)
    stack.push_async_callback(catalogue.close)
    catalogue.start()
    return catalogue


def _name_of(path: Path) -> str:
    return label_ids([path.stem])[path.stem]


def _holds_data_sets(folder: Path) -> bool:
    """Whether a folder is one of data sets' files, and not of photos."""
    try:
        return any(_KNOWN.search(_head(path)) for path in data_files(folder))
    except OSError:
        return False


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _declared(file: Path) -> dict[str, Declared]:
    try:
        return parse_catalogues(tomllib.loads(file.read_text("utf-8")))
    except OSError as error:
        raise CatalogueError(f"{file.name} cannot be read; check LOOKALIKE_CATALOGS.") from error
    except ValueError as error:
        raise CatalogueError(f"{file.name}, which LOOKALIKE_CATALOGS names, cannot be used: {error}") from error
