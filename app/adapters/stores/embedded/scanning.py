"""The nearest rows to a vector: by 1 bit codes, roughly and fast, or by the float16 rows themselves, exactly.

The only module that knows faiss. Its searches run on one thread each, so that many run side by side.
"""

from pathlib import Path
from typing import Final, Self

import faiss
import numpy as np
import numpy.typing as npt

from app.domain.features import Vector, Vectors
from app.domain.records import StoredFeatures

Positions = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]

_QUERY_BITS: Final = 3
"""Of the query's own quantisation, centred; a better trade of time for recall than 4 bits
(scripts/benchmark_store --sweep)."""


def use_one_thread() -> None:
    """Keep faiss from starting threads for searches of the calling thread."""
    faiss.omp_set_num_threads(1)


def exact_nearest(rows: StoredFeatures, vector: Vector, count: int) -> tuple[Positions, Scores]:
    """The `count` rows with the greatest inner product: their positions in `rows` and their scores, falling.

    `rows` is float16 [n, dimensions]; it is widened in registers, never as a whole.
    """
    index = faiss.IndexScalarQuantizer(rows.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.is_trained = True  # half precision has nothing to learn
    index.add_sa_codes(np.ascontiguousarray(rows).view(np.uint8))
    scores, positions = index.search(vector[np.newaxis], min(count, len(rows)))
    return positions[0], scores[0]


class Codes:
    """RaBitQ codes of rows 0 to `count`, one bit a dimension (Gao and Long 2024, as in faiss)."""

    def __init__(self, index: faiss.IndexRaBitQ, trained_on: int) -> None:
        """Wrap an index; `trained_on` is how many rows its centre was taken from."""
        self._index = index
        self.trained_on = trained_on

    @classmethod
    def train(cls, rows: Vectors, trained_on: int) -> Self:
        """Codes of no rows yet, centred on the mean of these: float32 [n, dimensions], a sample of `trained_on`."""
        index = faiss.IndexRaBitQ(rows.shape[1], faiss.METRIC_INNER_PRODUCT)
        index.train(rows)
        return cls(index, trained_on)

    @classmethod
    def load(cls, path: Path, trained_on: int) -> Self:
        """Read what `save` wrote. Raises RuntimeError."""
        return cls(faiss.read_index(str(path)), trained_on)

    def save(self, path: Path) -> None:
        """Write to a file."""
        faiss.write_index(self._index, str(path))

    @property
    def count(self) -> int:
        """How many rows have their code."""
        return int(self._index.ntotal)

    @property
    def bytes_per_row(self) -> int:
        """Of memory."""
        return int(self._index.code_size)

    def extended(self, rows: Vectors) -> "Codes":
        """These codes and those of more rows, float32 [n, dimensions]."""
        index = faiss.clone_index(self._index)
        index.add(rows)
        return Codes(index, self.trained_on)

    def append(self, rows: Vectors) -> None:
        """Add rows in place; only for codes that nobody searches yet."""
        self._index.add(rows)

    def nearest(self, vector: Vector, selected: npt.NDArray[np.bool_], count: int) -> Positions:
        """About the `count` nearest of the selected rows (bool [count of rows]), in no order worth relying on."""
        bitmap = np.packbits(selected, bitorder="little")
        selector = None if selected.all() else faiss.IDSelectorBitmap(bitmap)
        parameters = faiss.RaBitQSearchParameters(qb=_QUERY_BITS, centered=True, sel=selector)
        _, positions = self._index.search(vector[np.newaxis], count, params=parameters)
        found: Positions = positions[0][positions[0] >= 0]
        return found
