"""Replies -> how well known products were found, how far confidences could be trusted, what was taken for what."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from app.domain.answering.reliability import Reliability, reliability_of
from app.domain.evaluating.records import Confusion, GalleryPoint, Latency, Miss, Reply, Retrieval, Shown, Trust

PHOTOS: Final = 100
"""How many of the nearest photos count for the average precision."""
NEAREST: Final = 10
"""How many of them are compared with the exact ones, and kept."""
PRODUCTS: Final = 10
"""How many of the best products are asked for."""
CONFUSIONS: Final = 24
Promised = Mapping[float, float | None]
"""Precisions, and the thresholds that keep them as a calibration tells before anybody asks; None where none does."""
_EXAMPLES: Final = 2
_SEED: Final = 5
_TOLERANCE: Final = 1e-4
"""Of two scores that are told as equal."""


def retrieval_of(replies: Iterable[Reply]) -> Retrieval | None:
    """Of the questions of known products; None where there are none."""
    known = [reply for reply in replies if reply.is_known]
    if not known:
        return None
    right = np.array([reply.is_right for reply in known], np.float64)
    return Retrieval(
        r_at_1=_mean(_photo_within(reply, 1) for reply in known),
        r_at_5=_mean(_photo_within(reply, 5) for reply in known),
        r_at_10=_mean(_photo_within(reply, 10) for reply in known),
        mean_average_precision=_mean(reply.average_precision for reply in known),
        product_top_1=float(right.mean()),
        product_top_3=_mean(reply.question.product_id in reply.products[:3] for reply in known),
        standard_error=float(right.std() / len(right) ** 0.5),
    )


def kept(photos: Sequence[Shown], products: Sequence[str]) -> tuple[Shown, ...]:
    """What a reply keeps of its 100 nearest photos: thousands of replies are in memory at once."""
    first = next((photo for photo in photos if photo.product_id in products[:1]), None)
    nearest = tuple(photos[:NEAREST])
    return nearest if first is None or first in nearest else (*nearest, first)


def average_precision(photos: Sequence[Shown], product_id: str, relevant: int) -> float:
    """The mean precision at each photo of a product among the first 100, the ones that are missing as 0.

    `relevant` is how many there are, 0 where it is unknown.
    """
    hits = [place for place, photo in enumerate(photos[:PHOTOS], 1) if photo.product_id == product_id]
    return sum(count / place for count, place in enumerate(hits, 1)) / max(1, min(relevant, PHOTOS))


def trust_of(
    repeats: Sequence[tuple[Sequence[Reply], Promised]], *, match_threshold: float, prior_unknown: float
) -> Trust | None:
    """Of each repeat's replies that have a confidence; None where none has."""
    told = [
        (sure, promised)
        for replies, promised in repeats
        if (sure := [reply for reply in replies if reply.confidence is not None])
    ]
    if not told:
        return None
    every = [reply for replies, _ in told for reply in replies]
    parts = [_reliability(replies) for replies, _ in told]
    matched = [reply.is_right for reply in every if (reply.confidence or 0.0) >= match_threshold]
    return Trust(
        reliability=_reliability(every),
        ece=_mean(part.ece for part in parts),
        ece_floor=_mean(part.ece_floor for part in parts),
        match_threshold=match_threshold,
        match_coverage=len(matched) / len(every),
        match_precision=_mean(matched) if matched else None,
        prior_unknown=prior_unknown,
        gallery_points=tuple(_gallery_points(told)),
    )


def _gallery_points(repeats: Sequence[tuple[Sequence[Reply], Promised]]) -> Iterator[GalleryPoint]:
    """Of all repeats together; in one where no threshold keeps the precision nothing is answered."""
    count = sum(len(replies) for replies, _ in repeats)
    for wanted in sorted({wanted for _, promised in repeats for wanted in promised}):
        answered = [
            reply.is_right
            for replies, promised in repeats
            if (threshold := promised.get(wanted)) is not None
            for reply in replies
            if (reply.confidence or 0.0) >= threshold
        ]
        yield GalleryPoint(wanted, len(answered) / count, _mean(answered) if answered else None)


def ann_recall_of(replies: Iterable[Reply]) -> float | None:
    """The mean share of the ten truly nearest photos among the first ten; None where it was not asked."""
    shares = [reply.exact_share for reply in replies if reply.exact_share is not None]
    return _mean(shares) if shares else None


def exact_share(photos: Sequence[Shown], exact: Sequence[Shown]) -> float | None:
    """The share of the exact nearest photos that the first ones found are: by score, so that of equals none is missed.

    None where there are none.
    """
    if not exact:
        return None
    least = exact[-1].score - _TOLERANCE
    return sum(photo.score >= least for photo in photos[: len(exact)]) / len(exact)


def latency_of(replies: Sequence[Reply]) -> Latency:
    """At least one reply -> how long their product searches took."""
    p50, p95 = np.percentile([reply.search_ms for reply in replies], [50, 95])
    return Latency(float(p50), float(p95))


def confusions_of(replies: Iterable[Reply]) -> list[Confusion]:
    """What known products were taken for, the most frequent first, with the surest examples."""
    misses = defaultdict[tuple[str, str], list[Miss]](list)
    for reply in replies:
        if reply.is_known and not reply.is_right and reply.products:
            taken_for = reply.products[0]
            found = next((photo for photo in reply.photos if photo.product_id == taken_for), None)
            if found:
                misses[_own(reply), taken_for].append(Miss(reply.question, found, reply.confidence))
    frequent = sorted(misses.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:CONFUSIONS]
    return [Confusion(own, taken_for, len(every), _surest(every)) for (own, taken_for), every in frequent]


def _surest(misses: Sequence[Miss]) -> tuple[Miss, ...]:
    """No picture twice where it can be helped: repeats ask with the same photos."""
    different = {miss.question.picture: miss for miss in sorted(misses, key=lambda miss: miss.confidence or 0.0)}
    return tuple(sorted(different.values(), key=lambda miss: -(miss.confidence or 0.0))[:_EXAMPLES])


def _reliability(replies: Sequence[Reply]) -> Reliability:
    return reliability_of(
        np.array([reply.confidence for reply in replies], np.float64),
        np.array([reply.is_right for reply in replies]),
        np.array([reply.is_known for reply in replies]),
        seed=_SEED,
    )


def _photo_within(reply: Reply, count: int) -> bool:
    return any(photo.product_id == _own(reply) for photo in reply.photos[:count])


def _own(reply: Reply) -> str:
    return reply.question.product_id


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
