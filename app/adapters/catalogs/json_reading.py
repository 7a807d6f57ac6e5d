"""A JSON document -> records for the builder, whichever edition it is of."""

from collections.abc import Callable
from typing import Any, Final

from app.adapters.catalogs.building import Builder, ReadFile
from app.adapters.catalogs.json_stream import Elements, read_json
from app.adapters.catalogs.table_rows import TableRows, note_unknown
from app.domain.catalogue.editions import (
    FGVC_2017,
    LABELS,
    PRODUCT_2019,
    TABLE,
    edition_of,
    parse_annotation,
    parse_image,
    plain_images,
)
from app.domain.catalogue.labels import LABEL_SECTIONS, TASKS, parse_label, parse_task, tree_labels
from app.domain.catalogue.tables import is_table
from app.domain.catalogue.values import RecordError

_KIND_OF_SECTION: Final = {"labelInfo": FGVC_2017, TASKS: FGVC_2017}


class JsonDocument:
    """A JSON document of any edition."""

    def __init__(self, builder: Builder, file: ReadFile, table: TableRows) -> None:
        """`table` takes its rows if it is a list of them."""
        self._builder = builder
        self._file = file
        self._table = table
        self._image: dict[str, Any] | None = None
        self._annotation: dict[str, Any] | None = None
        self._others: dict[str, Any] = {}
        self._sections = set[str]()

    def read(self, read: Callable[[int], bytes]) -> None:
        """Read it to its end. Raises CatalogueError."""
        for part in read_json(read, self._file.name):
            if isinstance(part, Elements):
                self._take(part)
            else:
                self._others[part.section] = part.value
        if not self._sections:
            self._take_tree()
        elif {"images", "annotations"} & self._sections:
            self._file.kind = edition_of(self._image, self._annotation)

    def _take(self, part: Elements) -> None:
        section = part.section
        if section == "" and self._is_table(part):
            self._take_rows(part)
        elif section in {"images", ""}:
            self._take_images(part)
        elif section == "annotations":
            self._sections.add(section)
            for record in part.values:
                self._take_annotation(record)
        elif section in LABEL_SECTIONS or section == TASKS:
            self._take_labels(part)
        elif all(isinstance(value, str) for value in part.values):
            self._others.setdefault(section, []).extend(part.values)

    def _is_table(self, part: Elements) -> bool:
        if part.first == 1:
            first = part.values[0] if part.values else None
            if isinstance(first, dict) and is_table(frozenset(first)):
                self._table.begin(1)
        return self._file.kind == TABLE

    def _take_rows(self, part: Elements) -> None:
        self._sections.add("")
        for position, row in enumerate(part.values, part.first):
            if isinstance(row, dict):
                self._table.name_columns(frozenset(row), position)
            self._table.take(row)

    def _take_images(self, part: Elements) -> None:
        self._sections.add("images")
        if part.first == 1:
            self._builder.begin(part.section, 1)
        plain = plain_images(part.values)
        if plain:
            self._image = self._image or part.values[0]
            self._builder.add_plain(plain)
            return
        for record in part.values:
            try:
                image = parse_image(record)
            except RecordError as error:
                self._builder.reject(error)
            else:
                self._image = self._image or record
                self._builder.add(image)

    def _take_annotation(self, record: Any) -> None:
        try:
            annotation = parse_annotation(record)
        except RecordError as error:
            self._builder.reject_annotation(error)
        else:
            self._annotation = self._annotation or record
            self._builder.annotate(annotation)

    def _take_labels(self, part: Elements) -> None:
        self._sections.add(part.section)
        self._file.kind = self._file.kind or _KIND_OF_SECTION.get(part.section, LABELS)
        for position, record in enumerate(part.values, part.first):
            try:
                if part.section == TASKS:
                    task = parse_task(record)
                    self._builder.labels.tasks[task.label] = task
                else:
                    self._builder.labels.describe(parse_label(part.section, record))
            except RecordError as error:
                self._builder.findings.reject(self._file.name, part.section, position, error.flaw, error.detail)

    def _take_tree(self) -> None:
        leaves = list(tree_labels(self._others))
        for leaf in leaves:
            self._builder.labels.describe(leaf)
        if leaves:
            self._file.kind = PRODUCT_2019
        else:
            note_unknown(self._builder)
