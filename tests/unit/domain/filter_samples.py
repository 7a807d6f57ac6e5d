"""Attributes and filters of every kind, as a catalogue might declare them and a caller might write them."""

from typing import Any, Final

from hypothesis import strategies as st

from app.domain.attributes import AttributeType, AttributeValue

DECLARED: Final = {
    "colour": AttributeType.STRING,
    "price": AttributeType.NUMBER,
    "new": AttributeType.BOOLEAN,
    "since": AttributeType.DATE,
    "größe.in cm": AttributeType.NUMBER,
}
_WORDS: Final = ("", "red", "Red", "rot \U0001f45f", "\uffee", "a\0b", "true", "1", "2024-05-01")
_NUMBERS: Final = (-1.5, 0, 1, 1.0, 9.99, 10, 1e300, 2**53)
_DATES: Final = (
    "2024-05-01", "2024-05-01T00:00:00Z", "2024-05-01T02:00:00+02:00", "2024-04-30T23:59:59.5", "20240501", "1969-01-01"
)  # fmt: skip
_VALUES: Final[dict[AttributeType, st.SearchStrategy[Any]]] = {
    AttributeType.STRING: st.sampled_from(_WORDS),
    AttributeType.NUMBER: st.sampled_from(_NUMBERS),
    AttributeType.BOOLEAN: st.booleans(),
    AttributeType.DATE: st.sampled_from(_DATES),
}

attribute_sets: st.SearchStrategy[dict[str, AttributeValue]] = st.fixed_dictionaries(
    {},
    # Own uploads may have anything under a name, whatever the catalogue declares.
    optional={name: _VALUES[kind] | st.sampled_from([True, 1, "1", 0.5]) for name, kind in DECLARED.items()},
)


def _conditions(name: str, kind: AttributeType) -> st.SearchStrategy[dict[str, Any]]:
    value = _VALUES[kind]
    operators = ["eq"] if kind is AttributeType.BOOLEAN else ["eq", "gt", "gte", "lt", "lte"]
    comparisons = st.builds(lambda operator, one: {operator: {name: one}}, st.sampled_from(operators), value)
    among = st.builds(lambda values: {"in": {name: values}}, st.lists(value, max_size=3))
    return comparisons | among | st.just({"exists": name})


def _joined(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    several = st.lists(parts, max_size=3)
    return st.one_of(
        several.map(lambda found: {"and": found}),
        several.map(lambda found: {"or": found}),
        parts.map(lambda found: {"not": found}),
    )


filter_documents: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.one_of([_conditions(name, kind) for name, kind in DECLARED.items()]), _joined, max_leaves=5
).filter(lambda document: _depth(document) <= 8)


def _depth(document: Any) -> int:
    match document:
        case {"and": parts} | {"or": parts}:
            return 1 + max(map(_depth, parts), default=0)
        case {"not": part}:
            return 1 + _depth(part)
        case _:
            return 1
