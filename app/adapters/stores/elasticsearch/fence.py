"""The right to change what is on the cluster, and the version numbers that prove it."""

from typing import Final

from app.domain.errors import NotTheIndexerError

_CHANGES_BITS: Final = 40


class Fence:
    """Numbers for changes while this process is the indexer.

    Every lease has a higher number than the one before, and every change under it a higher one still. Documents are
    written with these as external versions: a process that lost the lease and does not know it yet never overwrites
    what the next one wrote.
    """

    def __init__(self) -> None:
        """Another process has the right."""
        self._first: int | None = None
        self._changes = 0
        self.where: str | None = None
        """Where the indexer is, if that is known."""

    @property
    def held(self) -> bool:
        """Whether this process is the indexer."""
        return self._first is not None

    def raise_to(self, number: int) -> None:
        """This process is the indexer, under a lease of this number."""
        self._first, self._changes = number << _CHANGES_BITS, 0

    def give_up(self) -> None:
        """It is not, from now on."""
        self._first = None

    def next(self) -> int:
        """The number of a change, higher than all before. Raises NotTheIndexerError."""
        if self._first is None:
            raise NotTheIndexerError(self.where)
        self._changes += 1
        return self._first + self._changes
