"""Questions and a gallery, features only -> how far simpler means would come.

The network's own features, colour alone, and chance. The gallery streams through in blocks.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from app.domain.evaluating.records import Baseline
from app.domain.features import EMBEDDING_DIMENSIONS, Vectors, unit

Features = npt.NDArray[np.floating]
"""float16 or float32 [n, dimensions], rows of unit length."""

RAW: Final = "features, nothing learned"
NETWORK: Final = "network features alone"
COLOUR: Final = "colour alone"
CHANCE: Final = "random photo"


class Baselines:
    """The nearest photo of each question, by each of the simpler means."""

    def __init__(self, features: Features, product_ids: Sequence[str]) -> None:
        """Questions, at least one, and their own products."""
        self._own = np.array(product_ids, dtype=object)
        self._questions = {name: _part(features, name) for name in _parts(features.shape[1])}
        self._best = {name: np.full(len(features), -np.inf, np.float32) for name in self._questions}
        self._found = {name: np.full(len(features), None, dtype=object) for name in self._questions}
        self._photos = Counter[str]()

    def add(self, features: Features, product_ids: Sequence[str]) -> None:
        """Show them a block of the gallery."""
        if not len(features):
            return
        owners = np.array(product_ids, dtype=object)
        for name, questions in self._questions.items():
            cosines = questions @ _part(features, name).T
            nearest = cosines.argmax(axis=1)
            scores = cosines[np.arange(len(questions)), nearest]
            better = scores > self._best[name]
            self._best[name][better] = scores[better]
            self._found[name][better] = owners[nearest[better]]
        self._photos.update(product_ids)

    def told(self) -> list[Baseline]:
        """Over the questions whose product is in the gallery; none where there are none."""
        known = np.array([product_id in self._photos for product_id in self._own])
        if not known.any():
            return []
        shares = [
            Baseline(name, float((found[known] == self._own[known]).mean())) for name, found in self._found.items()
        ]
        return [*shares, *chance(self._own.tolist(), self._photos)]


def chance(own: Sequence[str], sizes: Mapping[str, int]) -> tuple[Baseline, ...]:
    """What a photo by chance would find: of questions' own products, those that are known, and how many photos each."""
    known = [sizes[product_id] for product_id in own if sizes.get(product_id)]
    return (Baseline(CHANCE, float(np.mean(known)) / sum(sizes.values())),) if known else ()


def _parts(dimensions: int) -> tuple[str, ...]:
    return (RAW, NETWORK, COLOUR) if dimensions > EMBEDDING_DIMENSIONS else (RAW,)


def _part(features: Features, name: str) -> Vectors:
    """float32 [n, dimensions of the part], unit length."""
    rows = features.astype(np.float32)
    if name == NETWORK:
        return unit(rows[:, :EMBEDDING_DIMENSIONS])
    return unit(rows[:, EMBEDDING_DIMENSIONS:] if name == COLOUR else rows)
