"""Photos' features and whose they are -> sums that all of the learning is made from.

Sums add up and subtract, so a gallery of any size streams through in blocks, and a fold is left out without a second
look at the rest. A block is multiplied in float32, which takes half the time, and blocks are added up in float64.
"""

from collections.abc import Collection, Sequence
from copy import deepcopy
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from app.domain.learning.blocks import in_blocks

Features = npt.NDArray[np.floating]
"""float16 or float32 [n, D], rows of unit length."""
Sums = npt.NDArray[np.float32]
"""float32 [n, D]."""
Rows = npt.NDArray[np.int64]
"""int64 [n]."""
Vector64 = npt.NDArray[np.float64]
"""float64 [D]."""
Square = npt.NDArray[np.float64]
"""float64 [D, D], symmetric."""

NO_ROW: Final = -1
_FIRST_PRODUCTS: Final = 64


class SecondMoment:
    """The sum of x x^T over vectors that come in blocks of any size; `total` float64 [D, D]."""

    def __init__(self, dimensions: int) -> None:
        """Of no vectors yet."""
        self.total: Square = np.zeros((dimensions, dimensions))

    def add(self, vectors: Features) -> None:
        """[n, D], float16 or float32."""
        for rows in in_blocks(len(vectors)):
            block = vectors[rows].astype(np.float32, copy=False)
            self.total += block.T @ block


class Moments:
    """Sums over photos of `dimensions` numbers, by product.

    `count` photos; `total` float64 [D] and `second` float64 [D, D] are their sums of x and of x x^T. Products that are
    known to have one photo, `alone`, may be as many as photos and have no row of their own: `alone_count` of the photos
    are theirs, with `second_alone` float64 [D, D]. Of each other product, in the order of `product_ids`, `counts` int64
    [C] tells its photos and `sums` float32 [C, D] their sum.
    """

    def __init__(self, dimensions: int, alone: Collection[str] = ()) -> None:
        """Of no photos yet."""
        self.count = 0
        self.alone_count = 0
        self.total: Vector64 = np.zeros(dimensions)
        self._second = SecondMoment(dimensions)
        self._second_alone = SecondMoment(dimensions)
        self._alone = frozenset(alone)
        self._row_of: dict[str, int] = {}
        self._counts: Rows = np.zeros(_FIRST_PRODUCTS, np.int64)
        self._sums: Sums = np.zeros((_FIRST_PRODUCTS, dimensions), np.float32)

    @property
    def second(self) -> Square:
        """Over all photos."""
        return self._second.total

    @property
    def second_alone(self) -> Square:
        """Over those whose product has no other."""
        return self._second_alone.total

    @property
    def product_ids(self) -> Sequence[str]:
        """Of the products that have rows."""
        return tuple(self._row_of)

    @property
    def counts(self) -> Rows:
        """Of their photos; at least one each."""
        return self._counts[: len(self._row_of)]

    @property
    def sums(self) -> Sums:
        """Of their features."""
        return self._sums[: len(self._row_of)]

    @property
    def product_count(self) -> int:
        """All products, those without a row as well."""
        return len(self._row_of) + self.alone_count

    def add(self, features: Features, product_ids: Sequence[str]) -> None:
        """Photos, [n, D], and whose they are, in any order; products that are new get the next rows."""
        products = self._placed(product_ids)
        for rows in in_blocks(len(products)):
            self._add(features[rows].astype(np.float32), products[rows])

    def rows_of(self, product_ids: Sequence[str]) -> Rows:
        """int64 [n]: the products' rows; NO_ROW for those that have none."""
        return np.fromiter((self._row_of.get(each, NO_ROW) for each in product_ids), np.int64, len(product_ids))

    def minus(self, other: Self) -> Self:
        """Without photos that are among these; products that have none left are gone. Both stay as they are."""
        less = deepcopy(self)
        less.subtract(other)
        return less

    def subtract(self, other: Self) -> None:
        """Take away photos that are among these, and products that have none left."""
        self.count -= other.count
        self.alone_count -= other.alone_count
        self.total -= other.total
        self._second.total -= other.second
        self._second_alone.total -= other.second_alone
        rows = self.rows_of(other.product_ids)
        self.counts[rows] -= other.counts
        self.sums[rows] -= other.sums
        self._keep(self.counts > 0)

    def _keep(self, left: npt.NDArray[np.bool_]) -> None:
        self._counts, self._sums = self.counts[left], self.sums[left]
        stay = (each for each, stays in zip(self._row_of, left.tolist(), strict=True) if stays)
        self._row_of = {each: row for row, each in enumerate(stay)}

    def _placed(self, product_ids: Sequence[str]) -> Rows:
        """`rows_of`, after rows were made for those that are new and not alone."""
        for each in product_ids:
            if each not in self._alone:
                self._row_of.setdefault(each, len(self._row_of))
        missing = len(self._row_of) - len(self._counts)
        if missing > 0:
            more = max(missing, len(self._counts))
            self._counts = np.concatenate([self._counts, np.zeros(more, np.int64)])
            self._sums = np.concatenate([self._sums, np.zeros((more, len(self.total)), np.float32)])
        return self.rows_of(product_ids)

    def _add(self, block: Sums, products: Rows) -> None:
        alone = products == NO_ROW
        self.count += len(block)
        self.alone_count += int(np.count_nonzero(alone))
        self.total += block.sum(axis=0, dtype=np.float64)
        self._second.add(block)
        self._second_alone.add(block[alone])
        self._add_sums(block, products, np.argsort(products, kind="stable")[np.count_nonzero(alone) :])

    def _add_sums(self, block: Sums, products: Rows, order: Rows) -> None:
        placed, starts, counts = np.unique(products[order], return_index=True, return_counts=True)
        if len(placed):
            self._sums[placed] += np.add.reduceat(block[order], starts, axis=0)
            self._counts[placed] += counts
