"""A gallery -> queries whose answer is known, made of its own photos: what a calibration is fitted to.

Each tenth of the photos, and beside it each tenth of the products, is held out of all that is learned: the
projection, the prototypes, the scores. The held-out photos then ask as known ones, the products' as unknown ones.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.answering.calibration import Example, Signals
from app.domain.answering.pairs import Pair, Photos
from app.domain.answering.ranking import Features, Gallery
from app.domain.answering.siblings import siblings
from app.domain.features import Vectors, unit
from app.domain.learning.folding import folds
from app.domain.learning.leaving_out import LeavingOut, Mask

FOLDS: Final = 10
_MOST_ASKED: Final = 500  # of either sort in a fold: 5,000 tell four coefficients well enough
_MOST_PAIRED: Final = 100  # of either sort in a fold: 2,000 with two pairs each tell two coefficients
Rows = npt.NDArray[np.int64]


def cross_fitted(
    features: Features, product_ids: Sequence[str], seed: int, *, adapted: bool, dimensions: int | None = None
) -> Iterator[list[Example]]:
    """[n, D] of unit length and their products -> the examples of ten folds, one after the other.

    Known are photos whose product has others outside their fold, which siblings share; unknown those whose product
    left the gallery with all its photos. `adapted` tells whether a projection is learned from the rest of each, or
    the features are compared as they are; `dimensions` cuts what is learned, as the live space does. The same seed
    gives the same examples.
    """
    check = _Check(features, product_ids, seed, LeavingOut(features, product_ids, dimensions) if adapted else None)
    for fold in range(FOLDS):
        yield check.examples(fold)


class _Check:
    """A gallery that is asked for photos of its own, which are held out."""

    def __init__(self, features: Features, product_ids: Sequence[str], seed: int, learning: LeavingOut | None) -> None:
        ids, products = np.unique(product_ids, return_inverse=True)
        self._features, self._products, self._seed, self._learning = features, products, seed, learning
        self._photo_folds = folds(siblings(features, products), FOLDS, seed)
        self._product_folds = folds(np.arange(len(ids)), FOLDS, seed + 1)[products]

    def examples(self, fold: int) -> list[Example]:
        photos, strangers = self._photo_folds == fold, self._product_folds == fold
        vectors = self._vectors(photos | strangers)
        others = np.isin(self._products, self._products[~photos])
        chance = np.random.default_rng((self._seed, fold))
        known = self._asked(vectors, _some(photos & ~strangers & others, chance), ~photos, known=True)
        return [*known, *self._asked(vectors, _some(strangers, chance), ~strangers, known=False)]

    def _vectors(self, held: Mask) -> Vectors:
        """float32 [n, d]: all photos in a space that was learned without those held; raw where nothing is."""
        learned = self._learning.vectors(held) if self._learning else None
        return unit(self._features.astype(np.float32)) if learned is None else learned

    def _asked(self, vectors: Vectors, asking: Rows, there: Mask, *, known: bool) -> list[Example]:
        """The rows `asking` as queries to the rows that are there."""
        if not len(asking) or not there.any():
            return []
        gallery = Gallery.of(vectors[there], self._features[there], self._products[there])
        ranked = gallery.rank(vectors[asking], self._features[asking])
        right = (ranked.products == self._products[asking]) & known
        signals = zip(ranked.scores.tolist(), ranked.leads.tolist(), ranked.raws.tolist(), strict=True)
        pairs = self._pairs(vectors, asking, there)
        asked = zip(asking.tolist(), signals, right.tolist(), strict=True)
        return [Example(Signals(*seen), hit, known, pairs.get(row, ())) for row, seen, hit in asked]

    def _pairs(self, vectors: Vectors, asking: Rows, there: Mask) -> dict[int, tuple[Pair, ...]]:
        """By row, of some that ask."""
        chance = np.random.default_rng((self._seed, len(asking)))
        some = chance.permutation(asking)[:_MOST_PAIRED]
        # Photos of one fold may be siblings, so its own product's are taken from the others.
        return Photos(vectors, self._products, self._photo_folds).pairs(some, np.flatnonzero(there), chance)


def _some(rows: Mask, chance: np.random.Generator) -> Rows:
    return np.sort(chance.permutation(np.flatnonzero(rows))[:_MOST_ASKED])
