"""What a product's attributes are: typed values, as catalogues declare them and filters compare them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

AttributeValue = str | float | bool


class AttributeType(StrEnum):
    """What an attribute's values are."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    """A date or a time in ISO 8601, kept as it is written."""


Attributes = Mapping[str, AttributeType]


def united(declarations: Iterable[Attributes]) -> dict[str, AttributeType]:
    """What several declare together, without the names that have different types."""
    types: dict[str, set[AttributeType]] = {}
    for declared in declarations:
        for name, kind in declared.items():
            types.setdefault(name, set()).add(kind)
    return {name: kinds.pop() for name, kinds in types.items() if len(kinds) == 1}
