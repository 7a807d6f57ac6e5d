"""The rows of a shop's own table, in CSV or JSON Lines."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.domain.attributes import Attributes, AttributeValue
from app.domain.catalogue.attributes import CORE_COLUMNS, parse_value
from app.domain.catalogue.editions import labels_of, parse_urls
from app.domain.catalogue.values import Flaw, ImageRecord, RecordError, Remark, text_of, valid_text
from app.domain.naming import MAX_PRODUCT_ID_LENGTH, address_image_id

PLACES: Final = frozenset({"url", "urls", "path"})


def is_table(columns: frozenset[str]) -> bool:
    """Whether a table with these columns lists images under labels."""
    return "label_id" in columns and bool(PLACES & columns)


def undeclared(columns: frozenset[str], attributes: Attributes) -> list[str]:
    """The columns that have no meaning here."""
    return sorted(columns - CORE_COLUMNS - attributes.keys())


def parse_row(row: object, attributes: Attributes) -> ImageRecord:
    """A row. Cells that are empty or null are not there. Raises RecordError."""
    if not isinstance(row, dict):
        raise RecordError(Flaw.NOT_AN_OBJECT, "A row is an object.")
    row = {name: value for name, value in row.items() if value is not None and value != ""}
    labels, bad = labels_of(row.get("label_id"))
    if not labels:
        raise RecordError(Flaw.MISSING_LABEL, "The row has no label_id.")
    remarks = [Remark(Flaw.BAD_LABEL, f"{bad} of its labels are neither numbers nor texts.")] if bad else []
    urls, bad_urls = _urls(row)
    path = _path(row.get("path"))
    if not urls and not path:
        raise RecordError(Flaw.MISSING_URL, "The row has neither url, urls nor path.")
    values = dict(_attributes(row, attributes, remarks))
    return ImageRecord(
        own_id=_own_id(row, urls, path),
        urls=urls,
        labels=labels,
        path=path,
        product_id=_product_id(row),
        title=_title(row, remarks),
        attributes=values or None,
        remarks=(*bad_urls, *remarks),
    )


def _own_id(row: Mapping[str, Any], urls: tuple[str, ...], path: str) -> str:
    if "image_id" not in row:
        return address_image_id(urls[0] if urls else path)
    own_id = text_of(row["image_id"])
    if own_id is None:
        raise RecordError(Flaw.MISSING_ID, "The row's image_id is neither a number nor a text.")
    return own_id


def _urls(row: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Remark, ...]]:
    """`url`, then `urls`: a list, or in a cell addresses with blanks between them."""
    several = row.get("urls", [])
    several = several.split() if isinstance(several, str) else several if isinstance(several, list) else [several]
    one = row.get("url")
    single = one if isinstance(one, list) else [one.strip() if isinstance(one, str) else one] if "url" in row else []
    return parse_urls([*single, *several])


def _path(value: object) -> str:
    """A path below the table's folder, `/` between its parts; empty if there is none."""
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value:
        raise RecordError(Flaw.PATH_OUTSIDE, "The row's path is no path.")
    path = posixpath.normpath(valid_text(value).strip() or ".")
    if path == ".." or path.startswith(("/", "../")):
        raise RecordError(Flaw.PATH_OUTSIDE, "The row's path leads out of the table's folder.")
    return "" if path == "." else path


def _product_id(row: Mapping[str, Any]) -> str | None:
    if "product_id" not in row:
        return None
    product = text_of(row["product_id"])
    if product is None or len(product) > MAX_PRODUCT_ID_LENGTH or not product.isprintable():
        detail = f"The row's product_id is not 1 to {MAX_PRODUCT_ID_LENGTH} printable characters."
        raise RecordError(Flaw.BAD_PRODUCT_ID, detail)
    return product


def _title(row: Mapping[str, Any], remarks: list[Remark]) -> str | None:
    if "title" not in row:
        return None
    title = row["title"]
    if not isinstance(title, str):
        remarks.append(Remark(Flaw.BAD_ATTRIBUTE, "title is no text."))
        return None
    return valid_text(title).strip() or None


def _attributes(
    row: Mapping[str, Any], attributes: Attributes, remarks: list[Remark]
) -> Iterator[tuple[str, AttributeValue]]:
    for name, kind in attributes.items():
        if name in row:
            try:
                yield name, parse_value(kind, row[name])
            except ValueError:
                remarks.append(Remark(Flaw.BAD_ATTRIBUTE, f"{name} is no {kind}."))
