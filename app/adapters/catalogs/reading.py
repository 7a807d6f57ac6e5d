"""A catalogue's files -> a new catalogue file: each is told by what stands in it."""

import json
import threading
import tomllib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final

from app.adapters.catalogs.building import Builder, ReadFile
from app.adapters.catalogs.csv_reading import read_csv
from app.adapters.catalogs.finishing import finish
from app.adapters.catalogs.json_reading import JsonDocument
from app.adapters.catalogs.source_files import Source, SourceFile, Stamp, digest_of
from app.adapters.catalogs.table_rows import TableRows, read_lines
from app.domain.attributes import Attributes, united
from app.domain.catalogue.attributes import parse_declaration
from app.domain.catalogue.tables import is_table
from app.domain.errors import CatalogueError

_HEAD_BYTES: Final = 1 << 16
_LINES: Final = frozenset({".jsonl", ".ndjson"})


def build(
    path: Path,
    *,
    name: str,
    sources: Sequence[Source],
    stamps: Sequence[Stamp],
    attributes: Attributes | None,
    stopped: threading.Event,
) -> None:
    """Read the files into a new catalogue at `path`. Raises CatalogueError, ReadingStoppedError; then nothing is there.

    `attributes` None: as the file beside each table declares.
    """
    try:
        with closing(Builder(path)) as builder:
            digests = {str(source.path): _read(builder, source, attributes, stopped) for source in sources}
            digests |= {stamp.path: digest_of(stamp.path, stopped) for stamp in stamps if stamp.path not in digests}
            stamped = [{**asdict(stamp), "sha256": digests[stamp.path]} for stamp in stamps]
            declared = united(file.attributes for file in builder.files)
            finish(builder, name, {"files": stamped, "attributes": attributes, "declared": declared})
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _read(builder: Builder, source: Source, attributes: Attributes | None, stopped: threading.Event) -> str:
    """Read a file once; its digest."""
    file = ReadFile(source.name, source.folder, source.split, builder.next_seq, kind="")
    builder.begin_file(file)
    with SourceFile(source.path, stopped) as raw:
        rows = TableRows(builder, file, _declared(source) if attributes is None else attributes)
        suffix = source.path.suffix.lower()
        if suffix == ".csv":
            read_csv(raw, builder, file, rows)
        elif suffix in _LINES or _is_lines(source.path):
            read_lines(raw, builder, file, rows)
        else:
            JsonDocument(builder, file, rows).read(raw.read)
        builder.end_file()
        return raw.digest()


def _declared(source: Source) -> Attributes:
    """The attributes that the file beside a table declares."""
    try:
        with source.sidecar.open("rb") as file:
            return parse_declaration(tomllib.load(file).get("attributes", {}))
    except FileNotFoundError:
        return parse_declaration({})
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{source.sidecar.name} beside the table cannot be used: {error}") from error


def _is_lines(path: Path) -> bool:
    """Whether each line is a row in JSON: the first is an object, and a row or followed by another object."""
    try:
        with path.open("rb") as file:
            line, then = file.readline(_HEAD_BYTES), file.read(_HEAD_BYTES).lstrip()
        record = json.loads(line)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and (then.startswith(b"{") or is_table(frozenset(record)))
