"""A gallery -> queries whose answer is known, made of its own photos: what a calibration is fitted to.

Each tenth of the photos, and beside it each tenth of the products, is held out of all that is learned: the
projection, the prototypes, the scores. The held-out photos then ask as known ones, the products' as unknown ones.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.answering.calibration import Example, Signals
from app.domain.answering.ranking import Features, Gallery
from app.domain.answering.siblings import siblings
from app.domain.features import Vectors, unit
from app.domain.learning.fitting import fit, spread_of
from app.domain.learning.folding import folds
from app.domain.learning.moments import Moments

FOLDS: Final = 10
_MOST_OF_ONE: Final = 200
_MOST_ASKED: Final = 500  # of either sort in a fold: 5,000 tell four coefficients well enough
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def cross_fitted(
    features: Features, product_ids: Sequence[str], seed: int, *, adapted: bool
) -> Iterator[list[Example]]:
    """[n, D] of unit length and their products -> the examples of ten folds, one after the other.

    Known are photos whose product has others outside their fold, which siblings share; unknown those whose product
    left the gallery with all its photos. `adapted` tells whether a projection is learned from the rest of each, or
    the features are compared as they are. The same seed gives the same examples.
    """
    check = _Check(features, product_ids, seed)
    for fold in range(FOLDS):
        yield check.examples(fold, adapted=adapted)


class _Check:
    """A gallery that is asked for photos of its own, which are held out."""

    def __init__(self, features: Features, product_ids: Sequence[str], seed: int) -> None:
        ids, products = np.unique(product_ids, return_inverse=True)
        self._features, self._ids, self._products, self._seed = features, ids.tolist(), products, seed
        self._photo_folds = folds(siblings(features, products), FOLDS, seed)
        self._product_folds = folds(np.arange(len(ids)), FOLDS, seed + 1)[products]
        self._moments = self._sums(np.ones(len(products), np.bool_))

    def examples(self, fold: int, *, adapted: bool) -> list[Example]:
        photos, strangers = self._photo_folds == fold, self._product_folds == fold
        vectors = self._vectors(photos | strangers, adapted=adapted)
        others = np.isin(self._products, self._products[~photos])
        chance = np.random.default_rng((self._seed, fold))
        known = self._asked(vectors, _some(photos & ~strangers & others, chance), ~photos, known=True)
        return [*known, *self._asked(vectors, _some(strangers, chance), ~strangers, known=False)]

    def _vectors(self, held: Mask, *, adapted: bool) -> Vectors:
        """float32 [n, d]: all photos in a space that was learned without those held."""
        projection = fit(*self._learned(held)) if adapted else None
        return unit(self._features.astype(np.float32)) if projection is None else projection.apply(self._features)

    def _learned(self, held: Mask) -> tuple[Moments, float]:
        moments = self._moments.minus(self._sums(held))
        return moments, spread_of(self._features[~held], self._named(~held), moments)

    def _sums(self, rows: Mask) -> Moments:
        moments = Moments(self._features.shape[1])
        moments.add(self._features[rows], self._named(rows))
        return moments

    def _named(self, rows: Mask) -> list[str]:
        return [self._ids[product] for product in self._products[rows]]

    def _asked(self, vectors: Vectors, asking: Rows, there: Mask, *, known: bool) -> list[Example]:
        """The rows `asking` as queries to the rows that are there."""
        if not len(asking) or not there.any():
            return []
        gallery = Gallery.of(vectors[there], self._features[there], self._products[there])
        ranked = gallery.rank(vectors[asking], self._features[asking])
        right = (ranked.products == self._products[asking]) & known
        signals = zip(ranked.scores.tolist(), ranked.leads.tolist(), ranked.raws.tolist(), strict=True)
        return [Example(Signals(*seen), hit, known) for seen, hit in zip(signals, right.tolist(), strict=True)]


def _some(rows: Mask, chance: np.random.Generator) -> Rows:
    return np.sort(chance.permutation(np.flatnonzero(rows))[:_MOST_ASKED])
