"""One attribute of all entries in memory, and for which of them a condition holds."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from app.adapters.stores.embedded.snapshot import Mask
from app.domain.attributes import AttributeType, AttributeValue
from app.domain.filters import Among, Comparison, comparable, holds

Codes = npt.NDArray[np.int32]

_NUMBERS: Final = frozenset({AttributeType.NUMBER, AttributeType.DATE})
_ORDERS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "eq": np.equal,
    "gt": np.greater,
    "gte": np.greater_equal,
    "lt": np.less,
    "lte": np.less_equal,
}


class Column:
    """By row the number of its value, 0 for none: conditions are looked at once for each value. For one thread."""

    def __init__(self) -> None:
        """No row yet."""
        self._codes = np.empty(0, np.int32)
        self._code_of: dict[tuple[bool, AttributeValue], int] = {}
        self._values: list[AttributeValue | None] = [None]
        self._numbers: dict[AttributeType, npt.NDArray[np.float64]] = {}

    @property
    def value_count(self) -> int:
        """How many values it ever saw."""
        return len(self._values)

    def code(self, value: AttributeValue | None) -> int:
        """The number of a value, a new one at the first call."""
        if value is None:
            return 0
        code = self._code_of.setdefault(_key(value), len(self._values))
        if code == len(self._values):
            self._values.append(value)
        return code

    def append(self, codes: Codes) -> None:
        """More rows, by the numbers of their values."""
        self._codes = np.append(self._codes, codes)

    def set(self, rows: npt.NDArray[np.int64], codes: Codes) -> None:
        """Give rows other values, by their numbers."""
        self._codes[rows] = codes

    def there(self) -> Mask:
        """The rows that have a value."""
        return self._codes > 0

    def where(self, condition: Comparison | Among) -> Mask:
        """The rows for which a condition holds."""
        by_number = condition.kind in _NUMBERS
        truths = self._truths_of_numbers(condition) if by_number else self._truths_of_words(condition)
        return truths[self._codes]

    def _truths_of_numbers(self, condition: Comparison | Among) -> Mask:
        """For each value whether a condition holds for it; what is no number is nan, for which none does."""
        numbers = self._as_numbers(condition.kind)
        if isinstance(condition, Among):
            return np.isin(numbers, np.array(condition.values, np.float64))
        return np.asarray(_ORDERS[condition.operator](numbers, condition.value), np.bool_)

    def _as_numbers(self, kind: AttributeType) -> npt.NDArray[np.float64]:
        known = self._numbers.get(kind, np.empty(0))
        if len(known) < len(self._values):
            new = (comparable(kind, value) for value in self._values[len(known) :])
            known = np.append(known, [np.nan if value is None else float(value) for value in new])
            self._numbers[kind] = known
        return known

    def _truths_of_words(self, condition: Comparison | Among) -> Mask:
        """The same for strings and booleans: most conditions name the values that they hold for."""
        truths = np.zeros(len(self._values), np.bool_)
        if isinstance(condition, Among):
            truths[[self._code_of.get(_key(value), 0) for value in condition.values]] = True
        elif condition.operator == "eq":
            truths[self._code_of.get(_key(condition.value), 0)] = True
        else:
            own = (comparable(condition.kind, value) for value in self._values)
            truths[:] = [value is not None and holds(condition.operator, value, condition.value) for value in own]
        truths[0] = False
        return truths


def _key(value: AttributeValue) -> tuple[bool, AttributeValue]:
    """True and 1 are equal in Python, and two values here."""
    return isinstance(value, bool), value
