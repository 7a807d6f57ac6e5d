"""Made-up galleries, and the formulas written out in float64."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.domain.features import unit
from app.domain.learning.fitting import fit, spread_of
from app.domain.learning.moments import Moments
from app.domain.learning.projection import Projection

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
SHARE, MOST_DISCRIMINANTS = 0.25, 256


def photos(
    products: int, each: int, seed: int, width: int = 32, noise: float = 0.5, strong: float = 6.0
) -> tuple[Floats32, list[str]]:
    """float32 [products * each, width] of unit length around a direction for each product, and whose they are.

    A quarter of the directions differ `strong` times as much within products as the others, as light and background do.
    """
    chance = np.random.default_rng(seed)
    centres = np.repeat(chance.normal(size=(products, width)), each, axis=0)
    scales = np.where(np.arange(width) < width // 4, strong, 1.0) * noise
    rows = centres + chance.normal(size=centres.shape) * scales
    return unit(rows.astype(np.float32)), [f"p{number // each:03}" for number in range(len(rows))]


def moments_of(features: Floats32, ids: Sequence[str], alone: Sequence[str] = ()) -> Moments:
    moments = Moments(features.shape[1], alone)
    moments.add(features, ids)
    return moments


def learned(features: Floats32, ids: Sequence[str], alone: Sequence[str] = ()) -> Projection:
    moments = moments_of(features, ids, alone)
    projection = fit(moments, spread_of(features, ids, moments))
    assert projection is not None
    return projection


def within_of(features: Floats32, ids: Sequence[str]) -> Floats:
    """The scatter of photos about their product's mean."""
    apart = features - means_of(features, ids)
    return np.asarray(apart.T @ apart / len(features))


def means_of(features: Floats32, ids: Sequence[str]) -> Floats:
    """float64 [n, D]: of each photo, its product's mean."""
    names = np.array(ids)
    return np.array([features[names == each].mean(axis=0, dtype=np.float64) for each in ids])


def by_the_book(features: Floats32, ids: Sequence[str], queries: Floats32) -> Floats:
    """e(x) of queries with the symmetric root of the inverse, each step as it is written down."""
    whitening, mean = symmetric_whitening(features, ids), features.mean(axis=0, dtype=np.float64)
    centres = (means_of(features, ids) - mean) @ whitening
    vectors = np.linalg.eigh(centres.T @ centres / len(features))[1][:, ::-1]
    discriminant = vectors[:, : min(len(set(ids)) - 1, MOST_DISCRIMINANTS)]
    z = (queries.astype(np.float64) - mean) @ whitening
    return np.concatenate([(1 - SHARE) ** 0.5 * rows_of_unit(z), SHARE**0.5 * rows_of_unit(z @ discriminant)], axis=1)


def symmetric_whitening(features: Floats32, ids: Sequence[str]) -> Floats:
    within, (count, width) = within_of(features, ids), features.shape
    squares = ((features - means_of(features, ids)) ** 2).sum(axis=1)
    noise = ((squares**2).mean() - (within**2).sum()) / (width * count)
    shrinkage = np.clip(noise / ((within**2).sum() / width - (np.trace(within) / width) ** 2), 0, 1 - 1e-9)
    ridge = min(49, max(0.1, shrinkage / (1 - shrinkage)))
    values, vectors = np.linalg.eigh(within)
    return np.asarray(vectors / np.sqrt(values.clip(0) + ridge * np.trace(within) / width) @ vectors.T)


def rows_of_unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def found(gallery: Floats32, ids: Sequence[str], queries: Floats32, wanted: Sequence[str]) -> float:
    """R@1: the share of queries whose nearest photo is of the product that is wanted."""
    return float(np.mean(np.array(ids)[(queries @ gallery.T).argmax(axis=1)] == np.array(wanted)))


def every_other(features: Floats32, ids: Sequence[str]) -> tuple[Floats32, list[str], Floats32, list[str]]:
    """A gallery, and queries for it."""
    return features[::2], list(ids[::2]), features[1::2], list(ids[1::2])
