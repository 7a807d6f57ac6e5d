"""Conditions on attributes: what a caller's `filter` says, checked against what the catalogue declares.

Stores translate the tree; `matches` says what it means.
"""

import json
import math
import operator as operators
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from app.domain.attributes import AttributeType, AttributeValue
from app.domain.errors import InvalidRequestError

Operator = Literal["eq", "gt", "gte", "lt", "lte"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """An attribute against a value. A date's value is `moment` of what was written; other kinds stay as they are."""

    name: str
    kind: AttributeType
    operator: Operator
    value: AttributeValue


@dataclass(frozen=True, slots=True)
class Among:
    """An attribute is one of these values."""

    name: str
    kind: AttributeType
    values: tuple[AttributeValue, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """An entry has the attribute."""

    name: str


@dataclass(frozen=True, slots=True)
class And:
    """All of them; true of everything when there are none."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not that: also what lacks the attribute."""

    part: "Filter"


Filter = Comparison | Among | Exists | And | Or | Not

_MAX_DEPTH: Final = 8
_MAX_CONDITIONS: Final = 100
_MAX_VALUES: Final = 1000
_MOST_SHOWN: Final = 20
"""Attributes that a sentence names."""
_MOST_CHARACTERS: Final = 60
"""Of a caller's own words in a sentence."""
_COMPARE: Final[Mapping[Operator, Callable[[Any, Any], Any]]] = {
    "eq": operators.eq,
    "gt": operators.gt,
    "gte": operators.ge,
    "lt": operators.lt,
    "lte": operators.le,
}
_ORDERED: Final = ("eq", "in", "gt", "gte", "lt", "lte", "exists")
_OPERATORS_OF: Final = {
    AttributeType.STRING: _ORDERED,
    AttributeType.NUMBER: _ORDERED,
    AttributeType.DATE: _ORDERED,
    AttributeType.BOOLEAN: ("eq", "in", "exists"),
}
_WRITTEN: Final = {
    AttributeType.STRING: "string",
    AttributeType.NUMBER: "number",
    AttributeType.DATE: "date or time in ISO 8601, such as 2024-05-01",
    AttributeType.BOOLEAN: "boolean, true or false",
}
_OPERATORS_ARE: Final = "operators are eq, in, gt, gte, lt, lte, exists, and, or, not"
_EXAMPLE: Final = '{"gte": {"price": 10}}'


def moment(text: str) -> float | None:
    """A date or a time in ISO 8601 -> seconds since 1970, UTC where it names no zone; None for other text."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def comparable(kind: AttributeType, value: AttributeValue | None) -> AttributeValue | None:
    """An entry's value as comparisons of a kind see it: a number as float, a date as its `moment`.

    None where it cannot be compared: it is not there, or is of another kind.
    """
    match kind, value:
        case AttributeType.STRING, str():
            return value
        case AttributeType.DATE, str():
            return moment(value)
        case AttributeType.BOOLEAN, bool():
            return value
        case AttributeType.NUMBER, int() | float() if not isinstance(value, bool):
            return float(value) + 0.0  # never -0.0, which servers tell from 0.0
        case _:
            return None


def holds(operator: Operator, own: Any, value: Any) -> bool:
    """Whether two values of a kind, as `comparable` gives them, compare so; texts do by code points."""
    return bool(_COMPARE[operator](own, value))


def matches(wanted: Filter, attributes: Mapping[str, AttributeValue]) -> bool:
    """Whether an entry with these attributes is what a filter wants.

    No comparison holds for an attribute that is not there, or whose value is of another kind than declared.
    """
    match wanted:
        case Comparison(name, kind, operator, value):
            own = comparable(kind, attributes.get(name))
            return own is not None and holds(operator, own, value)
        case Among(name, kind, values):
            own = comparable(kind, attributes.get(name))
            return own is not None and own in values
        case Exists(name):
            return name in attributes
        case And(parts):
            return all(matches(part, attributes) for part in parts)
        case Or(parts):
            return any(matches(part, attributes) for part in parts)
        case Not(part):
            return not matches(part, attributes)


def names_in(wanted: Filter) -> frozenset[str]:
    """The attributes that a filter looks at."""
    match wanted:
        case Comparison(name) | Among(name) | Exists(name):
            return frozenset({name})
        case And(parts) | Or(parts):
            return frozenset[str]().union(*map(names_in, parts))
        case Not(part):
            return names_in(part)


def parse_filter(document: object, declared: Mapping[str, AttributeType]) -> Filter:
    """JSON as a caller writes it -> the tree. Raises InvalidRequestError `invalid_filter`.

    An object with one operator: `{"gte": {"price": 10}}`, also `eq gt lt lte`; `{"in": {"colour": ["red", "blue"]}}`;
    `{"exists": "colour"}`; `{"and": [...]}`, `{"or": [...]}` and `{"not": {...}}` of filters. At most 8 levels deep,
    with 100 conditions, and 1,000 values in their lists.
    """
    return _Parser(declared).parse(document, 1)


class _Parser:
    """Takes a document apart, and counts what is in it."""

    def __init__(self, declared: Mapping[str, AttributeType]) -> None:
        """With the types of attributes."""
        self._declared = declared
        self._conditions = 0
        self._values = 0

    def parse(self, document: object, depth: int) -> Filter:
        """A document at a depth, counted from 1."""
        if depth > _MAX_DEPTH:
            raise _invalid(f"A filter is at most {_MAX_DEPTH} levels deep.")
        if not isinstance(document, dict) or len(document) != 1:
            raise _invalid(f"A filter is a JSON object with one operator, such as {_EXAMPLE}; {_OPERATORS_ARE}.")
        ((operator, operand),) = document.items()
        match operator:
            case "and":
                return And(self._parts(operator, operand, depth))
            case "or":
                return Or(self._parts(operator, operand, depth))
            case "not":
                return Not(self.parse(operand, depth + 1))
            case "exists":
                return Exists(self._existing(operand))
            case "in":
                return self._among(operand)
            case "eq" | "gt" | "gte" | "lt" | "lte":
                return self._comparison(operator, operand)
            case _:
                raise _invalid(f"'{_shown(operator)}' is no operator; {_OPERATORS_ARE}.")

    def _parts(self, operator: str, operand: object, depth: int) -> tuple[Filter, ...]:
        if not isinstance(operand, list):
            raise _invalid(f"'{operator}' takes a list of filters, such as {{\"{operator}\": [{_EXAMPLE}]}}.")
        return tuple(self.parse(part, depth + 1) for part in operand)

    def _existing(self, operand: object) -> str:
        if not isinstance(operand, str):
            raise _invalid('\'exists\' takes the name of an attribute, such as {"exists": "price"}.')
        self._count()
        self._type_of(operand)
        return operand

    def _among(self, operand: object) -> Among:
        name, kind, values = self._named("in", operand)
        if not isinstance(values, list):
            raise _invalid(f"'in' takes a list of values: {_says(name, kind)}.")
        self._values += len(values)
        if self._values > _MAX_VALUES:
            raise _invalid(f"A filter has at most {_MAX_VALUES:,} values in its 'in' lists.")
        return Among(name, kind, tuple(_value(name, kind, value) for value in values))

    def _comparison(self, operator: Operator, operand: object) -> Comparison:
        name, kind, value = self._named(operator, operand)
        if operator not in _OPERATORS_OF[kind]:
            raise _invalid(f"'{operator}' does not go with a {kind}: {_says(name, kind)}.")
        return Comparison(name, kind, operator, _value(name, kind, value))

    def _named(self, operator: str, operand: object) -> tuple[str, AttributeType, object]:
        self._count()
        if not isinstance(operand, dict) or len(operand) != 1:
            value = '["red", "blue"]' if operator == "in" else '"red"'
            raise _invalid(f'\'{operator}\' takes one attribute, such as {{"{operator}": {{"colour": {value}}}}}.')
        ((name, value),) = operand.items()
        return name, self._type_of(name), value

    def _count(self) -> None:
        self._conditions += 1
        if self._conditions > _MAX_CONDITIONS:
            raise _invalid(f"A filter has at most {_MAX_CONDITIONS} conditions.")

    def _type_of(self, name: str) -> AttributeType:
        if name in self._declared:
            return self._declared[name]
        known = [f"{other} ({kind})" for other, kind in sorted(self._declared.items())]
        shown = ", ".join(known[:_MOST_SHOWN]) + (", and more" if len(known) > _MOST_SHOWN else "")
        detail = f"There is no attribute '{_shown(name)}' to compare"
        raise _invalid(f"{detail}: the catalogue declares {shown or 'none'}.")


def _value(name: str, kind: AttributeType, value: object) -> AttributeValue:
    """A caller's value, as comparisons see it."""
    known = comparable(kind, value) if isinstance(value, str | int | float) and _is_sound(value) else None
    if known is None:
        # What is nested is not written out: it may be too deep for that.
        told = "A list" if isinstance(value, list) else "An object" if isinstance(value, dict) else json.dumps(value)
        raise _invalid(f"{_shown(told)} is no {_WRITTEN[kind]}: {_says(name, kind)}.")
    return known


def _is_sound(value: str | float) -> bool:
    """Whether a text has no halves of characters, or a number fits a float and is one."""
    try:
        return bool(value.encode() or True) if isinstance(value, str) else math.isfinite(value)
    except (UnicodeEncodeError, OverflowError):
        return False


def _says(name: str, kind: AttributeType) -> str:
    return f"attribute '{_shown(name)}' is a {kind}, with the operators {', '.join(_OPERATORS_OF[kind])}"


def _shown(text: str) -> str:
    cut = text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
    return "".join(char if char.isprintable() else "\ufffd" for char in cut)


def _invalid(detail: str) -> InvalidRequestError:
    return InvalidRequestError("invalid_filter", detail)
