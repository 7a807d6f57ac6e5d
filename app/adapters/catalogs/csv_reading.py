"""A file in CSV -> records for the builder: a table, a label map or masks, by the names of its columns."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

from app.adapters.catalogs.building import Builder, ReadFile
from app.adapters.catalogs.source_files import SourceFile
from app.adapters.catalogs.table_rows import TableRows, note_unknown
from app.domain.catalogue.editions import FASHION_2018, FASHION_2019, FASHION_2020
from app.domain.catalogue.fashion import ATTRIBUTE_COLUMN, MASK_COLUMNS, parse_mask
from app.domain.catalogue.labels import parse_label_row
from app.domain.catalogue.tables import is_table
from app.domain.catalogue.values import Flaw, RecordError
from app.domain.errors import CatalogueError

_LONGEST_CELL: Final = 1 << 25
_CHUNK_BYTES: Final = 1 << 16
_LABEL_MAP: Final = frozenset({"labelId", "labelName"})
_FIRST_ROW: Final = 2
"""Behind the header."""

Row = dict[str, str]
Rows = Iterator[Row | RecordError | None]


def read_csv(raw: SourceFile, builder: Builder, file: ReadFile, table: TableRows) -> None:
    """Raises CatalogueError if the file is no CSV or cut short."""
    csv.field_size_limit(_LONGEST_CELL)  # a mask can be longer than csv allows by itself
    text = io.TextIOWrapper(io.BufferedReader(raw, _CHUNK_BYTES), "utf-8-sig", newline="")
    reader = csv.reader(text, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _take(header, _rows(reader, header, raw, file.name), builder, file, table)
    except csv.Error as error:
        raise CatalogueError(f"{file.name} is no complete CSV: {error}, at line {reader.line_num:,}.") from None
    except UnicodeDecodeError:
        raise CatalogueError(f"{file.name} is no UTF-8, after line {reader.line_num:,}.") from None
    finally:
        text.detach().detach()  # `raw` is the caller's to close


def _rows(reader: Any, header: list[str], raw: SourceFile, name: str) -> Rows:
    """Rows by the names of their columns, None for an empty one."""
    cells: list[str] = header
    for cells in reader:
        if len(cells) > len(header):
            yield RecordError(Flaw.TOO_MANY_FIELDS, f"The row has {len(cells)} fields, the header {len(header)}.")
        else:
            yield dict(zip(header, cells, strict=False)) if cells else None
    if len(cells) < len(header) and raw.last_byte != b"\n":
        raise CatalogueError(f"{name} is cut short, at line {reader.line_num:,}.")


def _take(header: list[str], rows: Rows, builder: Builder, file: ReadFile, table: TableRows) -> None:
    columns = frozenset(header)
    if columns >= MASK_COLUMNS:
        file.kind = FASHION_2020 if ATTRIBUTE_COLUMN in columns else FASHION_2019
        _take_masks(rows, builder)
    elif columns >= _LABEL_MAP:
        file.kind = FASHION_2018
        _take_labels(rows, builder, file)
    elif is_table(columns):
        table.begin(_FIRST_ROW)
        table.name_columns(columns - {""}, 1)
        for row in rows:
            _take_row(row, builder, table)
    else:
        note_unknown(builder)


def _take_row(row: Row | RecordError | None, builder: Builder, table: TableRows) -> None:
    if row is None:
        builder.skip()
    elif isinstance(row, RecordError):
        builder.reject(row)
    else:
        table.take(row)


def _take_masks(rows: Rows, builder: Builder) -> None:
    """Rows of one image are one image, under the labels of all of them."""
    builder.begin("", _FIRST_ROW)
    seqs = dict[int, int]()
    for row in rows:
        if row is None:
            builder.skip()
            continue
        try:
            if isinstance(row, RecordError):
                raise row
            image = parse_mask(row)
        except RecordError as error:
            builder.reject(error)
            continue
        known = seqs.get(hash(image.own_id))
        if known is None:
            seqs[hash(image.own_id)] = builder.add(image)
        else:
            builder.skip()
            builder.label(known, image.labels)


def _take_labels(rows: Rows, builder: Builder, file: ReadFile) -> None:
    for position, row in enumerate(rows, _FIRST_ROW):
        if row is None:
            continue
        try:
            if isinstance(row, RecordError):
                raise row
            builder.labels.describe(parse_label_row(row))
        except RecordError as error:
            builder.findings.reject(file.name, "", position, error.flaw, error.detail)
