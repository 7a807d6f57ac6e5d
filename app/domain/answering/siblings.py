"""A product's photos -> groups that look taken in one go, which a fair check holds out together.

A new photo of a product is less like the gallery's than those are like each other. Where its siblings stay, a held-out
photo finds its product more easily than a customer's would.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.floating]
"""float16 or float32 [n, D], rows of unit length."""
Numbers = npt.NDArray[np.int64]
"""int64 [n]."""

SIBLING_COSINE: Final = 0.9
_COMPARED_AT_ONCE: Final = 2048


def siblings(features: Features, products: Numbers) -> Numbers:
    """int64 [n]: photos of one product that a chain of cosines over .9 joins have one number, others their own.

    `products` int64 [n] tells whose photo each row is. Of a product with more than 2,048 photos, only those within
    each 2,048 are compared.
    """
    groups = np.arange(len(products))
    by_product = np.argsort(products, kind="stable")
    edges = np.flatnonzero(np.diff(products[by_product])) + 1
    for rows in np.split(by_product, edges):
        for first in range(0, len(rows), _COMPARED_AT_ONCE):
            some = rows[first : first + _COMPARED_AT_ONCE]
            groups[some] = some[_chains(features[some].astype(np.float32))]
    return groups


def _chains(vectors: npt.NDArray[np.float32]) -> Numbers:
    """int64 [n]: the lowest row that a chain of near ones leads to."""
    near = vectors @ vectors.T > SIBLING_COSINE
    np.fill_diagonal(near, val=True)
    lowest = np.arange(len(vectors))
    while True:
        lower = np.where(near, lowest, len(vectors)).min(axis=1)
        lower = lower[lower]
        if np.array_equal(lower, lowest):
            return lowest
        lowest = lower
