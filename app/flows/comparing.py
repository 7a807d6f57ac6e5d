"""Two photos -> how alike they are."""

import asyncio
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.domain.answering.pairs import MIN_PAIRS
from app.domain.ports import Store
from app.domain.spaces import Space
from app.flows.querying import Querying, Source

_UNCALIBRATED: Final = (
    "Nothing was calibrated yet, so how often photos so alike are of one product is not known: POST /calibrate."
)
_NO_PAIRS: Final = (
    f"The calibration has too few pairs of photos of one product ({MIN_PAIRS} are needed), or is an old one:"
    " POST /calibrate again when there are more."
)


@dataclass(frozen=True, slots=True)
class Compared:
    """The cosine of two photos in a space, in [-1, 1], and how likely they show one product: None for a `reason`."""

    space: Space
    cosine: float
    same_product_probability: float | None
    reason: str | None
    decode_ms: float
    embed_ms: float


class Comparing:
    """Compares photos. None of them is stored."""

    def __init__(self, querying: Querying, store: Store) -> None:
        """`querying` looks at them; they are compared in the store's live space, as a search would."""
        self._querying = querying
        self._store = store

    async def compare(self, one: Source, other: Source) -> Compared:
        """Look at both, side by side. Raises what `Querying.look_at` raises, StoreUnavailableError."""
        first, second = await asyncio.gather(self._querying.look_at(one), self._querying.look_at(other))
        space = self._store.space
        # Large matrices: beside the loop.
        vectors = await asyncio.to_thread(lambda: (space.query(first.vector), space.query(second.vector)))
        cosine = float(np.clip(vectors[0] @ vectors[1], -1.0, 1.0))
        report = await self._store.calibration(space.space_id)
        pairs = report.pairs if report else None
        return Compared(
            space=space,
            cosine=cosine,
            same_product_probability=pairs.probability(cosine) if pairs else None,
            reason=None if pairs else _NO_PAIRS if report else _UNCALIBRATED,
            decode_ms=first.decode_ms + second.decode_ms,
            embed_ms=first.embed_ms + second.embed_ms,
        )
