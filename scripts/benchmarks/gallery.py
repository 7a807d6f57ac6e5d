"""As many entries as are wanted, made of real photos' features; queries are real photos that have no part in them.

Vectors drawn at random mislead: in 1,664 dimensions all of them are equally far apart, photos are not. An entry is
`unit(0.7 a + 0.3 b)`, a and b two photos, no pair used twice. Vectors are made in blocks, the same each time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from app.adapters.embedding import OnnxEmbedder
from app.domain.features import Vectors, unit
from app.domain.imaging import prepare

Ids = npt.NDArray[np.int64]
"""int64 [queries, 10]: the numbers of the nearest entries."""

TOP: Final = 10
LABELS: Final = 20
"""Entry i is under label i % 20."""

_QUERIES: Final = 200
_SEED: Final = 20
_MAIN_SHARE: Final = 0.7
_BLOCK_ROWS: Final = 4096
_EMBEDDED_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Gallery:
    """Entries by number, from 0 on: each is mixed from the pair of sources of its number."""

    sources: Vectors
    queries: Vectors
    pairs: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self.pairs)

    def blocks(self) -> Iterator[tuple[int, Vectors]]:
        """The number of a block's first entry, and the block: float32 [n, dimensions]."""
        for start in range(0, len(self), _BLOCK_ROWS):
            first, step = np.divmod(self.pairs[start : start + _BLOCK_ROWS], len(self.sources) - 1)
            second = (first + 1 + step) % len(self.sources)  # any source but the first
            yield start, unit(_MAIN_SHARE * self.sources[first] + (1 - _MAIN_SHARE) * self.sources[second])


def gallery_of(features: Vectors, count: int) -> Gallery:
    """So many entries, 1 or more, from photos' features. Raises ValueError when the photos make fewer pairs."""
    chance = np.random.default_rng(_SEED)
    order = chance.permutation(len(features))
    queries, sources = features[order[:_QUERIES]], features[order[_QUERIES:]]
    pair_count = len(sources) * (len(sources) - 1)
    if not 1 <= count <= pair_count:
        raise ValueError(f"{count} entries cannot be made: {len(features)} photos make 1 to {pair_count}.")
    return Gallery(sources, queries, chance.permutation(pair_count)[:count])


def features_of(photos: Sequence[Path], embedder: OnnxEmbedder, kept: Path | None) -> Vectors:
    """Each photo's features; read from the file `kept` if they are there, else written to it."""
    identity = np.array([embedder.card.fingerprint, str(len(photos))])
    if kept and kept.is_file():
        with np.load(kept) as saved:
            if np.array_equal(saved["identity"], identity):
                features: Vectors = saved["features"]
                return features
    features = np.concatenate(
        [
            embedder.embed([prepare(photo.read_bytes(), embedder.recipe) for photo in batch])
            for batch in _batches(photos)
        ]
    )
    if kept:
        with kept.open("wb") as file:
            np.savez(file, identity=identity, features=features)
    return features


def _batches(photos: Sequence[Path]) -> Iterator[Sequence[Path]]:
    return (photos[start : start + _EMBEDDED_AT_ONCE] for start in range(0, len(photos), _EMBEDDED_AT_ONCE))


def nearest(gallery: Gallery, label_counts: Sequence[int]) -> dict[int, Ids]:
    """The true nearest entries, by float32 inner products, under the first so many labels."""
    best = {count: (np.zeros((_QUERIES, 0), np.int64), np.zeros((_QUERIES, 0), np.float32)) for count in label_counts}
    for start, block in gallery.blocks():
        numbers = np.arange(start, start + len(block))
        scores = gallery.queries @ block.T
        for count, found in best.items():
            under = numbers % LABELS < count
            best[count] = _merged(found, numbers[under], scores[:, under])
    return {count: ids for count, (ids, _) in best.items()}


def _merged(
    found: tuple[Ids, npt.NDArray[np.float32]], numbers: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]
) -> tuple[Ids, npt.NDArray[np.float32]]:
    """The best of those found before and of more entries."""
    all_ids = np.hstack([found[0], np.broadcast_to(numbers, scores.shape)])
    all_scores = np.hstack([found[1], scores])
    order = np.argsort(-all_scores, axis=1)[:, :TOP]
    return np.take_along_axis(all_ids, order, axis=1), np.take_along_axis(all_scores, order, axis=1)


def recall(found: Sequence[npt.NDArray[np.int64]], truth: Ids) -> float:
    """The share of the true nearest that were found (recall@10)."""
    shared = [len(set(ids[:TOP].tolist()) & set(true.tolist())) for ids, true in zip(found, truth, strict=True)]
    return sum(shared) / truth.size
