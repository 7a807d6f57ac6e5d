"""Rows of a shop's table -> images for the builder, from CSV, JSON Lines or an array in JSON."""

import io
import json
from typing import Final

from app.adapters.catalogs.building import Builder, ReadFile
from app.adapters.catalogs.source_files import SourceFile
from app.domain.attributes import Attributes
from app.domain.catalogue.editions import TABLE
from app.domain.catalogue.tables import parse_row, undeclared
from app.domain.catalogue.values import Flaw, RecordError, Remark, valid_text
from app.domain.errors import CatalogueError

_LONGEST_LINE: Final = 1 << 25
_CHUNK_BYTES: Final = 1 << 16


class TableRows:
    """Takes the rows of one file."""

    def __init__(self, builder: Builder, file: ReadFile, attributes: Attributes) -> None:
        """`attributes` are the columns that have a type."""
        self._builder = builder
        self._file = file
        self._attributes = attributes
        self._seen = frozenset[str]()

    def begin(self, first_position: int) -> None:
        """Rows follow: the file is a table."""
        self._file.kind = TABLE
        self._file.attributes = self._attributes
        self._builder.begin("", first_position)

    def name_columns(self, columns: frozenset[str], position: int) -> None:
        """Name, once, the columns that are passed over."""
        new = columns - self._seen
        self._seen |= new
        for column in undeclared(new, self._attributes):
            remark = Remark(Flaw.UNDECLARED_COLUMN, f"{valid_text(column)} is not declared as an attribute.")
            self._builder.remark("", position, (remark,))

    def take(self, row: object) -> None:
        """The next row."""
        try:
            image = parse_row(row, self._attributes)
        except RecordError as error:
            self._builder.reject(error)
        else:
            self._builder.add(image)


def note_unknown(builder: Builder) -> None:
    """The file is passed over."""
    remark = Remark(Flaw.UNKNOWN_FILE, "The file is no data set of a known shape; it was passed over.")
    builder.remark("", 1, (remark,))


def read_lines(raw: SourceFile, builder: Builder, file: ReadFile, rows: TableRows) -> None:
    """JSON Lines. A line that is none is left out; raises CatalogueError where it is the last and has no end."""
    rows.begin(1)
    lines = io.BufferedReader(raw, _CHUNK_BYTES)
    try:
        for position, line in enumerate(iter(lambda: lines.readline(_LONGEST_LINE), b""), 1):
            _take_line(line, position, builder, file, rows)
    finally:
        lines.detach()  # `raw` is the caller's to close


def _take_line(line: bytes, position: int, builder: Builder, file: ReadFile, rows: TableRows) -> None:
    if not line.strip():
        builder.skip()
        return
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        if not line.endswith(b"\n"):
            raise CatalogueError(f"{file.name} is cut short, or no JSON, at line {position:,}.") from None
        builder.reject(RecordError(Flaw.NOT_JSON, "The line is no JSON."))
        return
    if isinstance(row, dict):
        rows.name_columns(frozenset(row), position)
    rows.take(row)
