"""The nearest products and what is known of how sure they are -> the answer: which product it is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.domain.answering.calibration import Signals
from app.domain.answering.deciding import Decision, Thresholds, decide
from app.domain.answering.report import CalibrationReport
from app.domain.features import Vector, unit
from app.domain.ports import Store
from app.flows.finding import Nearest
from app.flows.recent import RecentSearches

_KEPT_S: Final = 2.0
"""So long a process may go on with a calibration that another one has replaced."""
_EVIDENCE: Final = 3
_NOTHING: Final = "Nothing was found, so there is no answer."
_PHOTOS: Final = "An answer names a product: search with group_by=product."
_UNCALIBRATED: Final = "This index has no calibration, so how sure the best product is is not known: POST /calibrate."


@dataclass(frozen=True, slots=True)
class Answer:
    """The best product, and how sure that is; `decision` and `confidence` None for a `reason`.

    `lead` is how much higher the product scores than the `runner_up`; `evidence` are its nearest photos.
    """

    decision: Decision | None = None
    product_id: str | None = None
    label_ids: tuple[str, ...] = ()
    confidence: float | None = None
    lead: float | None = None
    runner_up: str | None = None
    evidence: tuple[str, ...] = ()
    calibrated: bool = False
    prior_unknown: float | None = None
    reason: str | None = None


class Answering:
    """Tells how sure the best product is, by the calibration of the space that was searched."""

    def __init__(
        self, store: Store, thresholds: Thresholds, recent: RecentSearches | None = None, *, prior_unknown: float
    ) -> None:
        """`prior_unknown` is the share of queries whose product is not indexed, where a search does not say another.

        `recent` is told of every answer with a confidence: one without does not look for its best raw cosine.
        """
        self._store = store
        self._thresholds = thresholds
        self._recent = recent or RecentSearches()
        self._prior_unknown = prior_unknown
        self._known: dict[str, tuple[float, CalibrationReport | None]] = {}

    async def answer(self, nearest: Nearest, features: Vector, prior_unknown: float | None) -> Answer:
        """The answer to a photo's features. `nearest` has the second product, too, if there is one."""
        if nearest.group_by == "image":
            return Answer(reason=_PHOTOS)
        if not nearest.results:
            return Answer(reason=_NOTHING)
        plain = _plain(nearest)
        report = await self._report(nearest.space.space_id)
        if report is None:
            return replace(plain, reason=_UNCALIBRATED)
        prior = self._prior_unknown if prior_unknown is None else prior_unknown
        raw = await self._raw(features, nearest.best_image_ids)
        signals = Signals(nearest.results[0].score, plain.lead or 0.0, raw)
        self._recent.note(nearest.space.space_id, signals.score, raw)
        confidence = report.calibration.probability(signals, prior)
        decision = decide(confidence, self._thresholds)
        return replace(plain, decision=decision, confidence=confidence, calibrated=True, prior_unknown=prior)

    async def _raw(self, features: Vector, image_ids: Sequence[str]) -> float:
        """The best cosine of the features with those of photos; 0 where all are gone meanwhile."""
        found = await self._store.features_of(image_ids)
        if not found:
            return 0.0
        return float((unit(np.stack(list(found.values())).astype(np.float32)) @ features).max())

    async def _report(self, space_id: str) -> CalibrationReport | None:
        now = time.monotonic()
        at, report = self._known.get(space_id, (-_KEPT_S, None))
        if now - at >= _KEPT_S:
            report = await self._store.calibration(space_id)
            self._known = {space_id: (now, report)}
        return report


def _plain(nearest: Nearest) -> Answer:
    best, *others = nearest.results
    second = others[0] if others else None
    return Answer(
        product_id=best.product_id,
        label_ids=best.label_ids,
        lead=best.score - second.score if second else None,
        runner_up=second.product_id if second else None,
        evidence=tuple(hit.entry.image_id for hit in best.hits[:_EVIDENCE]),
    )
