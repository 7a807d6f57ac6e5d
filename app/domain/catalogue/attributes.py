"""Typed attributes of a table, as a catalogue's TOML declares them."""

import math
from datetime import datetime
from typing import Any, Final

from app.domain.attributes import AttributeType, AttributeValue
from app.domain.catalogue.values import valid_text

CORE_COLUMNS: Final = frozenset({"image_id", "label_id", "product_id", "url", "urls", "path", "title"})
_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_declaration(declared: object) -> dict[str, AttributeType]:
    """A TOML table {name: type} -> types, `price` a number if it is not named. Raises ValueError with a sentence."""
    if not isinstance(declared, dict):
        raise ValueError("[attributes] is a table of names and types.")  # noqa: TRY004 - a setting of the caller's
    if taken := CORE_COLUMNS & declared.keys():
        raise ValueError(f"'{min(taken)}' is no attribute: it has a meaning of its own.")
    return {"price": AttributeType.NUMBER, **{name: _type(name, word) for name, word in declared.items()}}


def _type(name: str, word: object) -> AttributeType:
    try:
        return AttributeType(word)  # type: ignore[arg-type] # whatever is no type is refused
    except ValueError:
        raise ValueError(f"Attribute '{name}' has to be one of {', '.join(AttributeType)}.") from None


def parse_value(kind: AttributeType, value: Any) -> AttributeValue:
    """A cell or a JSON value -> the attribute's. Raises ValueError."""
    if isinstance(value, str):
        value = valid_text(value).strip()
    match kind, value:
        case AttributeType.STRING, str():
            return value
        case AttributeType.NUMBER, str() | int() | float() if not isinstance(value, bool):
            return _number(value)
        case AttributeType.BOOLEAN, bool() | int() | str():
            return _truth(str(value).lower())
        case AttributeType.DATE, str():
            datetime.fromisoformat(value)
            return value
        case _:
            raise ValueError


def _number(value: str | float) -> float:
    try:
        number = float(value)
    except OverflowError:
        raise ValueError from None
    if not math.isfinite(number):
        raise ValueError
    return number


def _truth(word: str) -> bool:
    if word not in _TRUTH:
        raise ValueError
    return _TRUTH[word]
