"""A gallery's own photos, held out -> whether its learned space finds more than the raw features do.

Photos are held out in folds: those ask, the others are the gallery. Products are held out in folds too: what is learned
has seen none of their photos, which then ask all others. What is learned is fitted without the fold each time, by
subtraction. Photos that are near-identical never find each other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.domain.features import Vectors, unit
from app.domain.learning.folding import Numbers, folds, groups_of_near_identical
from app.domain.learning.leaving_out import LeavingOut, Mask
from app.domain.learning.moments import Features

FOLDS: Final = 5
_MOST_ASKED: Final = 1000  # of each fold: 5,000 answers tell a third of a point
_ASKED_AT_ONCE: Final = 512


@dataclass(frozen=True, slots=True)
class HeldOut:
    """R@1 of held-out photos: the share whose nearest photo is of their own product.

    `before` in the raw space, `after` in the learned one; `standard_error` is that of their difference.
    """

    before: float
    after: float
    standard_error: float
    count: int

    @property
    def gain(self) -> float:
        """How much better the learned space is; negative if it is worse."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """Of photos whose product the fit knew, and of photos whose product it had never seen."""

    photos: HeldOut
    products: HeldOut


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What the photos of one fold found, right or wrong: bool [q] each."""

    before: Mask
    after: Mask
    of_products: bool


def is_better(check: SelfCheck) -> bool:
    """Whether to switch: held-out photos gain, and held-out products lose no more than one standard error."""
    return check.photos.gain > 0 and check.products.gain >= -check.products.standard_error


def checked(features: Features, product_ids: Sequence[str], seed: int, dimensions: int | None = None) -> SelfCheck:
    """[n, D] of unit length, a gallery or a sample of whole products of it, and their products -> the check.

    `dimensions` cuts the learned vectors as the live space will. The same seed gives the same check.
    """
    return check_of(answers(features, product_ids, seed, dimensions))


def check_of(answered: Iterable[Answers]) -> SelfCheck:
    """All folds' answers -> the check."""
    every = list(answered)
    photos = [each for each in every if not each.of_products]
    products = [each for each in every if each.of_products]
    return SelfCheck(_held_out(photos), _held_out(products))


def answers(
    features: Features, product_ids: Sequence[str], seed: int, dimensions: int | None = None
) -> Iterator[Answers]:
    """What `checked` is made of, a fold at a time, so that a job may stop between them."""
    gallery = _Gallery(features, product_ids, dimensions)
    groups = groups_of_near_identical(features)
    photo_folds = folds(groups, FOLDS, seed)
    product_folds = folds(gallery.products, FOLDS, seed)
    for fold in range(FOLDS):
        chance = np.random.default_rng((seed, fold))
        yield Answers(*gallery.answers(photo_folds == fold, photo_folds, chance), of_products=False)
        yield Answers(*gallery.answers(product_folds == fold, groups, chance), of_products=True)


class _Gallery:
    """Photos in memory that ask each other."""

    def __init__(self, features: Features, product_ids: Sequence[str], dimensions: int | None) -> None:
        self.products = np.unique(product_ids, return_inverse=True)[1]
        self._raw = unit(features.astype(np.float32))
        self._learning = LeavingOut(features, product_ids, dimensions)

    def answers(self, held: Mask, apart: Numbers, chance: np.random.Generator) -> tuple[Mask, Mask]:
        """Whether held photos find their product, before and after; they do not see rows of their number in `apart`."""
        asking = np.flatnonzero(held & self._can_be_right(apart))
        asking = np.sort(chance.permutation(asking)[:_MOST_ASKED])
        learned = self._learning.vectors(held) if len(asking) else None
        before = self._right(self._raw, asking, apart)
        return before, before if learned is None else self._right(learned, asking, apart)

    def _can_be_right(self, apart: Numbers) -> Mask:
        """Of each photo, whether it sees another one of its product."""
        pairs = self.products * len(apart) + apart
        return _alike(self.products) > _alike(pairs)

    def _right(self, vectors: Vectors, asking: Numbers, apart: Numbers) -> Mask:
        right = np.empty(len(asking), np.bool_)
        for first in range(0, len(asking), _ASKED_AT_ONCE):
            rows = asking[first : first + _ASKED_AT_ONCE]
            cosines = vectors[rows] @ vectors.T
            cosines[apart[rows, np.newaxis] == apart] = -np.inf
            right[first : first + len(rows)] = self.products[cosines.argmax(axis=1)] == self.products[rows]
        return right


def _alike(numbers: Numbers) -> Numbers:
    """int64 [n]: how many rows have the same number."""
    _, places, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    return counts[places]


def _held_out(answered: Sequence[Answers]) -> HeldOut:
    """Over all these folds; all 0 where nobody asked."""
    before = np.concatenate([np.zeros(0, np.bool_), *(each.before for each in answered)])
    after = np.concatenate([np.zeros(0, np.bool_), *(each.after for each in answered)])
    if not len(before):
        return HeldOut(0.0, 0.0, 0.0, 0)
    gains = after.astype(np.float64) - before
    return HeldOut(float(before.mean()), float(after.mean()), float(gains.std() / len(gains) ** 0.5), len(gains))
