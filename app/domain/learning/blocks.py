"""How a gallery is gone through: some thousand rows at a time, so that float32 copies of them weigh little."""

from collections.abc import Iterator
from typing import Final

ROWS_AT_ONCE: Final = 4096


def in_blocks(count: int) -> Iterator[slice]:
    """Slices that cover `count` rows in order."""
    return (slice(first, first + ROWS_AT_ONCE) for first in range(0, count, ROWS_AT_ONCE))
