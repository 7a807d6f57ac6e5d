"""The rows of Fashion 2019 and 2020 in CSV, one for each mask of an image; and where its photos lie."""

import re
from collections.abc import Mapping
from typing import Final

from app.domain.catalogue.editions import attribute_label
from app.domain.catalogue.values import Flaw, ImageRecord, RecordError, valid_text

MASK_COLUMNS: Final = frozenset({"ImageId", "ClassId"})
ATTRIBUTE_COLUMN: Final = "AttributesIds"
_NOT_A_NUMBER: Final = re.compile(r"[^0-9]+")
_SPLIT_WORD: Final = re.compile(r"train|val(?:idation)?|test", re.IGNORECASE)


def parse_mask(row: Mapping[str, str]) -> ImageRecord:
    """ImageId, and labels from ClassId `category_attribute_..` (2019) and AttributesIds `attribute,..` (2020)."""
    own_id = valid_text(row.get("ImageId", "")).strip()
    if not own_id:
        raise RecordError(Flaw.MISSING_ID, "The row has no ImageId.")
    category, *attributes = _numbers(row.get("ClassId", "")) or [""]
    if not category:
        raise RecordError(Flaw.MISSING_LABEL, "The row has no ClassId with a number.")
    attributes += _numbers(row.get(ATTRIBUTE_COLUMN, ""))
    return ImageRecord(own_id, (), (category, *map(attribute_label, attributes)), own_id)


def _numbers(text: str) -> list[str]:
    return [number for number in _NOT_A_NUMBER.split(text) if number]


def photo_paths(split: str, name: str) -> tuple[str, ...]:
    """Where an image's photo may lie, seen from its file's folder, the likeliest first."""
    word = _SPLIT_WORD.search(split)
    folders = dict.fromkeys([split, *([word[0], f"images/{word[0]}"] if word else []), "images", ""])
    names = [name] if "." in name else [f"{name}.jpg", name]
    return tuple(f"{folder}/{one}".lstrip("/") for folder in folders for one in names)
