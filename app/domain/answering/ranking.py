"""A gallery's vectors in memory -> for many queries at once, the best product and what is seen of it.

For self-checks, where thousands of photos ask; a search asks the store and scores with `scoring`. Both give one score.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from app.domain.answering.scoring import PHOTOS_COUNTED
from app.domain.features import Vectors, unit

Features = npt.NDArray[np.floating]
"""float16 or float32 [n, D], rows of unit length."""
Products = npt.NDArray[np.int64]
"""int64 [n]: whose photo each row is."""
Floats = npt.NDArray[np.float32]

_QUERIES_AT_ONCE: Final = 512


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Of each query, the best product and its signals (as in `Signals`); float32 [q], `products` int64 [q]."""

    products: Products
    scores: Floats
    leads: Floats
    raws: Floats

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One after the other."""
        names = ("products", "scores", "leads", "raws")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Photos by product, products by falling count of photos, so that those of one count make one block.

    `vectors` float32 [n, d] and `features` [n, D] in that order; product j is `products[j]`, its photos are the rows
    `starts[j]` to `starts[j + 1]`; `prototypes` float32 [C, d], unit length.
    """

    vectors: Vectors
    features: Features
    products: Products
    starts: Products
    prototypes: Vectors

    @classmethod
    def of(cls, vectors: Vectors, features: Features, product_of: Products) -> Self:
        """Rows in any order, at least one."""
        products, place, counts = np.unique(product_of, return_inverse=True, return_counts=True)
        by_count = np.argsort(-counts, kind="stable")
        rank = np.empty_like(by_count)
        rank[by_count] = np.arange(len(by_count))
        rows = np.argsort(rank[place], kind="stable")
        starts = np.concatenate([[0], np.cumsum(counts[by_count])])
        ordered = vectors[rows]
        prototypes = unit(np.add.reduceat(ordered, starts[:-1], axis=0))
        return cls(ordered, features[rows], products[by_count], starts, prototypes)

    def rank(self, vectors: Vectors, features: Features) -> Ranked:
        """Queries float32 [q, d] and [q, D], at least one -> the best product of each."""
        firsts = range(0, len(vectors), _QUERIES_AT_ONCE)
        blocks = [slice(first, first + _QUERIES_AT_ONCE) for first in firsts]
        return Ranked.joined([self._rank(vectors[block], features[block]) for block in blocks])

    def _rank(self, vectors: Vectors, features: Features) -> Ranked:
        scores = 0.5 * self._photo_scores(vectors) + 0.5 * (vectors @ self.prototypes.T)
        best = scores.argmax(axis=1)
        rows = np.arange(len(scores))
        first = scores[rows, best]
        scores[rows, best] = -np.inf
        second = scores.max(axis=1)
        leads = np.where(np.isfinite(second), first - second, 0.0).astype(np.float32)
        return Ranked(self.products[best], first, leads, self._raw(features, best))

    def _photo_scores(self, vectors: Vectors) -> Floats:
        """float32 [q, C]: the mean of each product's best three cosines."""
        cosines = vectors @ self.vectors.T
        means = np.empty((len(vectors), len(self.products)), np.float32)
        for first, last, count in self._blocks():
            block = cosines[:, self.starts[first] : self.starts[last]].reshape(len(vectors), -1, count)
            if count > PHOTOS_COUNTED:
                block = np.partition(block, count - PHOTOS_COUNTED, axis=2)[:, :, -PHOTOS_COUNTED:]
            means[:, first:last] = block.mean(axis=2)
        return means

    def _blocks(self) -> Iterator[tuple[int, int, int]]:
        """Runs of products with one count of photos: first, behind the last, the count."""
        counts = np.diff(self.starts)
        edges = [0, *(np.flatnonzero(np.diff(counts)) + 1).tolist(), len(counts)]
        return ((first, last, int(counts[first])) for first, last in pairwise(edges))

    def _raw(self, features: Features, best: Products) -> Floats:
        """float32 [q]: each query's best raw cosine among the photos of its best product."""
        raws = np.empty(len(features), np.float32)
        for product in np.unique(best):
            asking = best == product
            own = self.features[self.starts[product] : self.starts[product + 1]].astype(np.float32)
            raws[asking] = (features[asking].astype(np.float32) @ own.T).max(axis=1)
        return raws
