"""Small catalogues, written as files and read as the service reads them."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.adapters.catalogs.files import FileCatalogue
from app.adapters.catalogs.source_files import SourceFiles
from app.domain.ports import Catalogue
from app.domain.records import BadRecord, CatalogueImage, CatalogueReport


async def images_of(catalogue: Catalogue, label_id: str) -> list[CatalogueImage]:
    """All images of a label."""
    return [image async for block in catalogue.images(label_id) for image in block]


async def ids_of(catalogue: Catalogue, label_id: str) -> list[str]:
    """The ids of all images of a label."""
    return [image.image_id for image in await images_of(catalogue, label_id)]


async def counts_of(catalogue: Catalogue) -> dict[str, int]:
    """How many images each label has."""
    return {label.label_id: label.image_count for label in await catalogue.labels()}


async def report_of(catalogue: Catalogue) -> CatalogueReport:
    """The report of a single catalogue."""
    (report,) = await catalogue.reports()
    return report


async def bad_records_of(catalogue: Catalogue) -> list[BadRecord]:
    """What is kept of the bad records of a single catalogue."""
    return list(await catalogue.bad_records((await report_of(catalogue)).name, 0, 10_000))


def write(folder: Path, files: Mapping[str, Any]) -> Path:
    """Files by their names: bytes and text as they are, anything else as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        match content:
            case bytes():
                path.write_bytes(content)
            case str():
                path.write_bytes(content.encode())
            case _:
                path.write_text(json.dumps(content), "utf-8")
    return folder


@asynccontextmanager
async def reading(folder: Path, *names: str) -> AsyncIterator[FileCatalogue]:
    """The catalogue of files in a folder, or of all its files; looked at anew before each call."""
    files = SourceFiles(folder, [folder / name for name in names] if names else None)
    catalogue = FileCatalogue(files, folder.parent / "cache", name="shop")
    try:
        yield catalogue
    finally:
        await catalogue.close()
