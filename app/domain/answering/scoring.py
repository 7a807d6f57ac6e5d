"""A product's photos and its prototype, near a query -> one score for the product."""

from collections.abc import Sequence
from typing import Final

PHOTOS_COUNTED: Final = 3
"""How many of a product's photos count, the nearest ones: a single lucky photo does not decide."""


def product_score(cosines: Sequence[float], prototype: float) -> float:
    """Half the mean of the best three cosines of its photos, half the cosine of its prototype; in [-1, 1].

    `cosines` are of the product's photos in any order, at least one; with fewer than three, all of them count.
    The prototype is the direction of the mean of all its photos' vectors.
    """
    best = sorted(cosines, reverse=True)[:PHOTOS_COUNTED]
    return 0.5 * sum(best) / len(best) + 0.5 * prototype
