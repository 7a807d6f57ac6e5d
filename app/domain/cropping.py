"""The last map of a query photo and the photos nearest to it -> the parts of the query that look like one of these.

For a photo in which the product is small: as a whole it looks like its scene, but a part of it does look like a photo
of the product. Windows of the map are pooled as a whole photo's map is, so that both are compared alike.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.features import EMBEDDING_DIMENSIONS, unit
from app.domain.imaging import Box
from app.domain.records import StoredFeatures
from app.domain.regions import LastMap

MAX_CROPS: Final = 3
_MAP_SIDE: Final = 7
_SIZES: Final = (2, 3, 4)
"""Cells a side. A single cell is no picture, and five of seven are nearly what was seen as a whole."""
_TOO_ALIKE: Final = 0.3
"""Windows with so large a share of their union in common are one place."""
_MARGIN: Final = 1.1
"""A crop is so much larger than its window, as a product's edges are seldom those of cells."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A part of the query photo worth a search of its own; `score` is a cosine in [-1, 1]."""

    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class _Window:
    """A square of the map, in cells from the top left."""

    top: int
    left: int
    size: int

    def pooled(self, cells: LastMap) -> LastMap:
        """float32 [1280]: the mean of its cells."""
        rows, columns = slice(self.top, self.top + self.size), slice(self.left, self.left + self.size)
        return np.asarray(cells[rows, columns].mean(axis=(0, 1)))

    def overlap(self, other: "_Window") -> float:
        """Intersection over union."""
        common = _common(self.top, self.size, other.top, other.size) * _common(
            self.left, self.size, other.left, other.size
        )
        return common / (self.size**2 + other.size**2 - common)


_WINDOWS: Final = tuple(
    _Window(top, left, size)
    for size in _SIZES
    for top in range(_MAP_SIDE - size + 1)
    for left in range(_MAP_SIDE - size + 1)
)


def suggested(cells: LastMap, photos: StoredFeatures, seen: Box, within: Box) -> list[Suggestion]:
    """At most MAX_CROPS parts of a photo, best first, kept inside `within`.

    `seen` is the part that the map divides; `photos` are the features of indexed ones, [n, dimensions], n >= 1. A
    part's score is the cosine of its pooled cells with the pooled vector, the first 1280 features, of the photo it
    looks most like; of parts that overlap much the best one stays.
    """
    scores = _scores(cells, photos)
    return [
        Suggestion(_box(_WINDOWS[place], seen, within), float(scores[place]))
        for place in _apart(np.argsort(-scores, kind="stable"))
    ]


def _scores(cells: LastMap, photos: StoredFeatures) -> npt.NDArray[np.float32]:
    pooled = unit(np.stack([window.pooled(cells) for window in _WINDOWS]))
    looks = unit(photos[:, :EMBEDDING_DIMENSIONS].astype(np.float32))
    return np.asarray(np.clip((pooled @ looks.T).max(axis=1), -1.0, 1.0), np.float32)


def _apart(order: npt.NDArray[np.intp]) -> list[int]:
    kept: list[int] = []
    for place in order.tolist():
        if all(_WINDOWS[place].overlap(_WINDOWS[other]) < _TOO_ALIKE for other in kept):
            kept.append(place)
        if len(kept) == MAX_CROPS:
            break
    return kept


def _box(window: _Window, seen: Box, within: Box) -> Box:
    across, down = (seen.x_max - seen.x_min) / _MAP_SIDE, (seen.y_max - seen.y_min) / _MAP_SIDE
    x, y = seen.x_min + (window.left + window.size / 2) * across, seen.y_min + (window.top + window.size / 2) * down
    half_width, half_height = window.size * across * _MARGIN / 2, window.size * down * _MARGIN / 2
    return Box(
        max(within.x_min, x - half_width),
        max(within.y_min, y - half_height),
        min(within.x_max, x + half_width),
        min(within.y_max, y + half_height),
    )


def _common(start: int, size: int, other_start: int, other_size: int) -> int:
    return max(0, min(start + size, other_start + other_size) - max(start, other_start))
