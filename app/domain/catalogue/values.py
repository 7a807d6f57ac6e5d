"""What every kind of record becomes, and why one cannot be taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from app.domain.attributes import AttributeValue


class Flaw(StrEnum):
    """Why a record, or a part of it, was not taken: a promise to callers."""

    NOT_AN_OBJECT = "not_an_object"
    NOT_JSON = "not_json"
    MISSING_ID = "missing_id"
    MISSING_URL = "missing_url"
    MISSING_LABEL = "missing_label"
    UNKNOWN_IMAGE = "unknown_image"
    """A label for an image that is not in the file."""
    DUPLICATE_ID = "duplicate_id"
    """Another picture under an id that is taken."""
    REPEATED = "repeated"
    """A picture that is there already; its labels were added to the first."""
    BAD_URL = "bad_url"
    BAD_LABEL = "bad_label"
    BAD_PRODUCT_ID = "bad_product_id"
    BAD_ATTRIBUTE = "bad_attribute"
    UNDECLARED_COLUMN = "undeclared_column"
    TOO_MANY_FIELDS = "too_many_fields"
    PATH_OUTSIDE = "path_outside"
    UNKNOWN_FILE = "unknown_file"
    """A whole file that is no data set of a known shape."""


class RecordError(Exception):
    """A record that cannot be taken at all."""

    def __init__(self, flaw: Flaw, detail: str) -> None:
        """`detail` is a sentence about the record."""
        super().__init__(detail)
        self.flaw = flaw
        self.detail = detail


class Remark(NamedTuple):
    """A part of a record that was not taken."""

    flaw: Flaw
    detail: str


class ImageRecord(NamedTuple):
    """A picture: its id in the data set, and its addresses, its file's path, or both. Labels are the data set's own."""

    own_id: str
    urls: tuple[str, ...]
    labels: tuple[str, ...] = ()
    path: str = ""
    product_id: str | None = None
    title: str | None = None
    attributes: Mapping[str, AttributeValue] | None = None
    remarks: tuple[Remark, ...] = ()


class Annotation(NamedTuple):
    """Labels of a picture that stands elsewhere; `task` is the group of labels that they are chosen from."""

    own_id: str
    labels: tuple[str, ...]
    task: str | None = None
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelText:
    """What a label is called, and the names above it."""

    label: str
    name: str
    above: tuple[str, ...] = ()


def text_of(value: object) -> str | None:
    """An id as text, whether it is written as a number or as a string; None for what is no id.

    >>> [text_of(value) for value in (7, "7", 7.0, " 7 ", "", True, None, [7])]
    ['7', '7', '7', '7', None, None, None, None]
    """
    match value:
        case bool():
            return None
        case str():
            return valid_text(value).strip() or None
        case int():
            return str(value)
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return None


def valid_text(text: str) -> str:
    """Text that can be encoded: halves of surrogate pairs, as JSON may hold them, become `?`."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
