"""Moments -> a projection in closed form (the formulas: README, "How it learns").

The scatter within products is whitened with the triangular root of its inverse, by Cholesky, in place of the symmetric
one: they differ by a rotation, which no cosine sees, and the triangular one is found ten times as fast.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.features import Vectors
from app.domain.learning.blocks import in_blocks
from app.domain.learning.moments import NO_ROW, Features, Moments
from app.domain.learning.projection import Projection

SHARE: Final = 0.25
"""a: how much of a vector is its discriminant part."""
MOST_DISCRIMINANTS: Final = 256
LEAST_RIDGE: Final = 0.1
MOST_RIDGE: Final = 49.0
_NO_VARIATION: Final = 1e-6  # of a unit vector's square; what float16 rounds off is less
_SMALL: Final = 128
_NO_DIRECTION: Final = 1e-9  # of the largest eigenvalue
Floats = npt.NDArray[np.float64]


def can_learn(moments: Moments) -> bool:
    """Whether at least two products have at least two photos."""
    return int(np.count_nonzero(moments.counts > 1)) > 1


def fit(moments: Moments, spread: float, width: int | None = None) -> Projection | None:
    """Moments and the `spread_of` all their photos -> a projection without a basis.

    `width` is how many numbers the features had before they were brought into fewer that span them; None: as many as
    the moments'. No projection where there is nothing to learn: fewer than two products of two photos, or the photos of
    each are all one.
    """
    if not can_learn(moments):
        return None
    mean, between = moments.total / moments.count, _between(moments)
    within = moments.second / moments.count - between
    if np.trace(within) < _NO_VARIATION:
        return None
    mean_variation = float(np.trace(within)) / (width or len(within))
    whitening = _whitening(within, ridge(within, spread, moments.count, width) * mean_variation)
    discriminant = _discriminant(moments, mean, between, whitening)
    return Projection(_single(mean), _single(whitening), _single(discriminant), SHARE)


def spread_of(features: Features, product_ids: Sequence[str], moments: Moments) -> float:
    """The sum of |x - M|^4 over photos, [n, D], of products in the moments; M is the mean of the photo's product.

    It adds up over blocks; a sample's is to be scaled up to the count of all. Photos that are alone add nothing.
    """
    products = moments.rows_of(product_ids)
    features, products = features[products != NO_ROW], products[products != NO_ROW]
    return sum(_spread(features[rows], products[rows], moments) for rows in in_blocks(len(products)))


def ridge(within: Floats, spread: float, count: int, width: int | None = None) -> float:
    """The scatter within products [D, D] of `count` photos -> r, how many times its mean eigenvalue is added to each.

    As Ledoit and Wolf shrink (A well-conditioned estimator for large-dimensional covariance matrices, 2004), bounded.
    There are `width` eigenvalues, as for `fit`: those that the span leaves out are 0.
    """
    dimensions = width or len(within)
    square = float(np.sum(within * within))
    noise = (spread / count - square) / (dimensions * count)
    distance = square / dimensions - (float(np.trace(within)) / dimensions) ** 2
    shrinkage = min(max(noise, 0.0) / distance, 1.0) if distance > 0 else 1.0
    return min(max(shrinkage / (1 - shrinkage), LEAST_RIDGE), MOST_RIDGE) if shrinkage < 1 else MOST_RIDGE


def _single(parts: Floats) -> Vectors:
    return np.ascontiguousarray(parts, np.float32)


def _between(moments: Moments) -> Floats:
    """The second moment of the product means, [D, D], each as often as it has photos."""
    total = moments.second_alone.copy()
    for rows in in_blocks(len(moments.counts)):
        weighted = moments.sums[rows] / np.sqrt(moments.counts[rows, np.newaxis])
        total += weighted.T @ weighted
    return total / moments.count


def _spread(features: Features, products: npt.NDArray[np.int64], moments: Moments) -> float:
    means = moments.sums[products] / moments.counts[products, np.newaxis].astype(np.float32)
    apart = np.subtract(features, means, out=means)
    squares = np.einsum("ij,ij->i", apart, apart).astype(np.float64)
    return float(squares @ squares)


def _whitening(within: Floats, added: float) -> Floats:
    """W with W W^T = (within + what is added to each eigenvalue)^-1."""
    ridged = within.copy()
    ridged[np.diag_indices_from(ridged)] += added
    return _inverse_of_lower(np.asarray(np.linalg.cholesky(ridged))).T


def _inverse_of_lower(lower: Floats) -> Floats:
    """By halves, of a lower triangular [n, n]: a general inverse takes three times as long."""
    if len(lower) <= _SMALL:
        return np.asarray(np.linalg.inv(lower))
    half = len(lower) // 2
    first, last = _inverse_of_lower(lower[:half, :half]), _inverse_of_lower(lower[half:, half:])
    inverse = np.zeros_like(lower)
    inverse[:half, :half], inverse[half:, half:] = first, last
    inverse[half:, :half] = -last @ (lower[half:, :half] @ first)
    return inverse


def _discriminant(moments: Moments, mean: Floats, between: Floats, whitening: Floats) -> Floats:
    """U [D, c]: in which directions the whitened means of products lie farthest apart.

    With fewer products than dimensions the eigenvectors come from the smaller matrix, products by products.
    """
    most = min(moments.product_count - 1, MOST_DISCRIMINANTS)
    if moments.alone_count or len(moments.counts) >= len(mean):
        return _leading(whitening.T @ (between - np.outer(mean, mean)) @ whitening, most)[1]
    means = moments.sums / moments.counts[:, np.newaxis]
    shares = moments.counts[:, np.newaxis] / moments.count
    rows = np.sqrt(shares) * ((means - mean) @ whitening)
    values, vectors = _leading(rows @ rows.T, most)
    return np.asarray(rows.T @ vectors / np.sqrt(values))


def _leading(symmetric: Floats, most: int) -> tuple[Floats, Floats]:
    """The largest eigenvalues, falling, and their vectors [n, c], less those that are nothing beside the first."""
    values, vectors = np.linalg.eigh(symmetric)
    kept = np.flatnonzero(values > _NO_DIRECTION * values[-1])[::-1][:most]
    return values[kept], vectors[:, kept]
