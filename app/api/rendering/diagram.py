"""Bins of a reliability table -> the places of their points in a diagram, in its own units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.answering.reliability import Bin

SIDE: Final = 240
"""Of the square that is drawn in: confidence to the right, share of right answers upwards, each from 0 to 1."""
_LARGEST: Final = 9.0
"""The radius of the fullest bin; areas are as their numbers of answers."""
_SMALLEST: Final = 2.5


@dataclass(frozen=True, slots=True)
class Point:
    """A bin: its middle from the left and from the top, and its radius."""

    x: float
    y: float
    radius: float


def points(bins: Sequence[Bin]) -> list[Point]:
    """In the order of the bins."""
    largest = max((each.count for each in bins), default=1)
    return [_point(each, largest) for each in bins]


def _point(one: Bin, largest: int) -> Point:
    radius = max(_SMALLEST, _LARGEST * (one.count / largest) ** 0.5)
    return Point(round(SIDE * one.mean_probability, 1), round(SIDE * (1 - one.share_right), 1), round(radius, 1))
