"""What came of each repeat -> the evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np

from app.domain.answering.deciding import Thresholds
from app.domain.answering.tilting import MIN_ASKED
from app.domain.evaluating.figures import Promised, ann_recall_of, confusions_of, latency_of, retrieval_of, trust_of
from app.domain.evaluating.plan import Plan
from app.domain.evaluating.records import Baseline, Evaluation, Reply

_SAME: Final = 0.9995
"""A cosine from which two photos are one, encoded anew at most."""


@dataclass(frozen=True, slots=True)
class Part:
    """A repeat: what was answered, by which gallery, in which spaces; and how far simpler means came there.

    `heard_count` questions were listened to before, for confidences that fit their scores; None where none should be.
    `promised` are the thresholds that the calibration had told for some precisions.
    """

    replies: tuple[Reply, ...]
    gallery_images: int
    gallery_products: int
    space_ids: frozenset[str]
    baselines: tuple[Baseline, ...]
    heard_count: int | None = None
    promised: Promised = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judge:
    """Who answered: the model's name, from which confidence on it was sure, and what share it took to be unknown."""

    model: str
    thresholds: Thresholds
    prior_unknown: float


def summed(
    evaluation_id: str, now: datetime, plan: Plan, judge: Judge, parts: Sequence[Part], *, failed_count: int
) -> Evaluation:
    """Parts with one reply at least -> all figures; no pictures yet."""
    replies = [reply for part in parts for reply in part.replies]
    known = sum(reply.is_known for reply in replies)
    return Evaluation(
        evaluation_id=evaluation_id,
        created_at=now,
        asked=plan.told(),
        model=judge.model,
        space_ids=tuple(sorted({space_id for part in parts for space_id in part.space_ids})),
        repeats=len(parts),
        gallery_images=round(np.mean([part.gallery_images for part in parts])),
        gallery_products=round(np.mean([part.gallery_products for part in parts])),
        known_count=known,
        unknown_count=len(replies) - known,
        failed_count=failed_count,
        retrieval=retrieval_of(replies),
        baselines=tuple(_means(parts)),
        trust=trust_of(
            [(part.replies, part.promised) for part in parts],
            match_threshold=judge.thresholds.match,
            prior_unknown=judge.prior_unknown,
        ),
        ann_recall=ann_recall_of(replies),
        latency=latency_of(replies),
        confusions=tuple(confusions_of(replies)),
        remarks=(*_remarks(replies, failed_count), *_remarks_of_listening(parts)),
    )


def headline(evaluation: Evaluation) -> str:
    """The figures that matter most, in a line."""
    found = evaluation.retrieval
    if found is None:
        return "no question's product is in the gallery"
    words = f"R@1 {found.r_at_1:.3f}, product {found.product_top_1:.3f}, among three {found.product_top_3:.3f}"
    trust = evaluation.trust
    return words if trust is None else f"{words}, ECE {trust.ece:.3f} (by chance {trust.ece_floor:.3f})"


def _means(parts: Sequence[Part]) -> Iterator[Baseline]:
    found = [retrieval_of(part.replies) for part in parts]
    names = list(dict.fromkeys(baseline.name for part in parts for baseline in part.baselines))
    for name in names:
        shares = [
            (one.r_at_1, of)
            for part, of in zip(parts, found, strict=True)
            for one in part.baselines
            if one.name == name
        ]
        gains = [of.r_at_1 - share for share, of in shares if of]
        yield Baseline(name, float(np.mean([share for share, _ in shares])), min(gains, default=None))


def _remarks(replies: Sequence[Reply], failed_count: int) -> Iterator[str]:
    known = sum(reply.is_known for reply in replies)
    if not known:
        yield (
            "No question's product is in the gallery: what a product is (LOOKALIKE_PRODUCT_FROM) and the labels' names"
            " must be the same on both sides."
        )
    same = sum(bool(reply.photos) and reply.photos[0].score >= _SAME for reply in replies)
    if same:
        yield f"{same} questions found the very same photo: these figures flatter."
    if failed_count:
        yield f"{failed_count} photos could not be read, and did not ask."
    if all(reply.confidence is None for reply in replies):
        yield "No answer had a confidence: POST /calibrate, or index more products with several photos each."


def _remarks_of_listening(parts: Sequence[Part]) -> Iterator[str]:
    fewest = min((part.heard_count for part in parts if part.heard_count is not None), default=MIN_ASKED)
    if fewest < MIN_ASKED:
        yield (
            f"Confidences are not fitted to recent searches: it takes {MIN_ASKED} questions that have one in the half"
            f" that is listened to, and there were {fewest}."
        )
