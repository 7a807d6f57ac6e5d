"""Answers -> how the searches of late scored, for a calibration that shall fit them; only in this process's memory."""

from collections import deque
from typing import Final

from app.domain.learning.folding import NEAR_IDENTICAL_COSINE

_MOST_KEPT: Final = 2_000


class RecentSearches:
    """The best product scores of the last searches. No photo is kept, nor who asked."""

    def __init__(self, most: int = _MOST_KEPT) -> None:
        """`most` are kept, of all spaces together."""
        self._kept: deque[tuple[str, float]] = deque(maxlen=most)

    def note(self, space_id: str, score: float, raw: float) -> None:
        """A search of a space, its best product's score, and the best raw cosine among that product's own photos.

        A photo that is indexed itself, by a raw cosine over .97, is passed over: it says nothing of other photos.
        """
        if raw <= NEAR_IDENTICAL_COSINE:
            self._kept.append((space_id, score))

    def scores(self, space_id: str) -> list[float]:
        """Those of a space, the oldest first."""
        return [score for kept_id, score in self._kept if kept_id == space_id]
