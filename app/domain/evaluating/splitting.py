"""A gallery -> the photos that ask, and those that are asked; products that are to be unknown leave with all photos.

Near-identical photos of one product are on one side: a held-out photo must not find its twin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.domain.answering.siblings import siblings
from app.domain.records import StoredFeatures

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """bool [n] each; a photo may be in neither."""

    asking: Mask
    gallery: Mask


def strangers_of(product_ids: Sequence[str], unknown: float, seed: int) -> frozenset[str]:
    """The share `unknown` of the products, by chance; the same seed gives the same ones."""
    return _drawn(product_ids, unknown, (seed, 1))


def newcomers_of(product_ids: Sequence[str], unseen: float, seed: int) -> frozenset[str]:
    """The share `unseen` of the products, by another chance than `strangers_of`."""
    return _drawn(product_ids, unseen, (seed, 3))


def half_of(count: int, seed: int) -> Mask:
    """A half by chance, bool [count]; the larger one of an odd number."""
    half = np.zeros(count, np.bool_)
    half[np.random.default_rng((seed, 4)).permutation(count)[: (count + 1) // 2]] = True
    return half


def _drawn(product_ids: Sequence[str], share: float, seed: tuple[int, int]) -> frozenset[str]:
    every = np.unique(list(product_ids))
    count = round(share * len(every))
    return frozenset(np.random.default_rng(seed).permutation(every)[:count].tolist())


def split_of(
    features: StoredFeatures, product_ids: Sequence[str], share: float, strangers: frozenset[str], seed: int
) -> Split:
    """[n, D] and whose they are -> the split: of each product about the share `share` of the photos asks.

    Of a product that is no stranger at least one photo stays in the gallery. The same seed gives the same split.
    """
    _, products = np.unique(product_ids, return_inverse=True)
    groups = siblings(features, products)
    unknown = np.array([product_id in strangers for product_id in product_ids], np.bool_)
    chance = np.random.default_rng((seed, 2))
    asking = np.zeros(len(products), np.bool_)
    order = np.argsort(products, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(products[order])) + 1):
        every = chance.permutation(np.unique(groups[rows]))
        wanted = int(share * len(every) + chance.random())  # rounded by chance: two photos give a fifth of the time one
        count = min(wanted, len(every) - (not unknown[rows[0]]))
        asking[rows] = np.isin(groups[rows], every[:count])
    return Split(asking, ~asking & ~unknown)
