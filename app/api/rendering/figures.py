"""An evaluation -> its figures as a report shows them, each with what it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.api import meanings
from app.api.rendering.numbers import count, milliseconds, percent, share
from app.domain.answering.reliability import OperatingPoint
from app.domain.evaluating.records import Evaluation, GalleryPoint, Retrieval, Trust

_HEADLINE_PRECISION: Final = 0.95
_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """Its name, its value as it is shown, and what it is in a line."""

    name: str
    value: str
    meaning: str


def facts(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What the figures are of: names and words."""
    known, unknown = count(evaluation.known_count), count(evaluation.unknown_count)
    repeats = "" if evaluation.repeats == 1 else f", in {evaluation.repeats} repeats"
    return [
        ("Gallery", f"{count(evaluation.gallery_images)} photos of {count(evaluation.gallery_products)} products"),
        ("Questions", f"{known} photos of known products, {unknown} of unknown ones{repeats}"),
        ("Not readable", f"{count(evaluation.failed_count)} photos"),
        ("Model", evaluation.model),
        ("Space" if len(evaluation.space_ids) == 1 else "Spaces", _named(evaluation.space_ids)),
        ("Made", f"{evaluation.created_at:%Y-%m-%d %H:%M} {evaluation.created_at.tzname() or ''}".rstrip()),
        ("Evaluation", evaluation.evaluation_id),
    ]


def _named(space_ids: Sequence[str]) -> str:
    """Every repeat has its own: a few are named."""
    named = ", ".join(space_ids[:_MOST_NAMED])
    return named if len(space_ids) <= _MOST_NAMED else f"{named} and {count(len(space_ids) - _MOST_NAMED)} others"


def headlines(evaluation: Evaluation) -> list[Figure]:
    """Those that matter most."""
    return [*_found(evaluation.retrieval), *_trusted(evaluation.trust), _median(evaluation)]


def _found(retrieval: Retrieval | None) -> list[Figure]:
    if retrieval is None:
        return []
    sure = f"{share(retrieval.product_top_1)} \u00b1 {share(retrieval.standard_error)}"
    return [
        Figure("Product top-1", sure, meanings.PRODUCT_TOP_1),
        Figure("Product top-3", share(retrieval.product_top_3), meanings.PRODUCT_TOP_3),
        Figure("R@1", share(retrieval.r_at_1), meanings.R_AT_1),
    ]


def _trusted(trust: Trust | None) -> list[Figure]:
    if trust is None:
        return []
    points = {point.wanted_precision: point for point in trust.reliability.operating_points}
    point = points.get(_HEADLINE_PRECISION)
    wanted = f"{_HEADLINE_PRECISION:.0%}".replace("%", " %")
    answered = f"Share of all questions that can be answered at once with {wanted} of the answers right."
    floor = f"Perfect confidences would show {share(trust.ece_floor)} with as many questions."
    return [
        Figure(f"Coverage at {wanted} precision", _covered(point), answered),
        Figure("ECE", share(trust.ece), f"{meanings.ECE} {floor}"),
    ]


def _covered(point: OperatingPoint | None) -> str:
    return percent(point.coverage) if point and point.coverage is not None else "not reached"


def _median(evaluation: Evaluation) -> Figure:
    return Figure("Median search", milliseconds(evaluation.latency.p50_ms), meanings.P50)


def retrieval_figures(retrieval: Retrieval) -> list[Figure]:
    """How well known products were found."""
    return [
        Figure("R@1", share(retrieval.r_at_1), meanings.R_AT_1),
        Figure("R@5", share(retrieval.r_at_5), meanings.R_AT_5),
        Figure("R@10", share(retrieval.r_at_10), meanings.R_AT_10),
        Figure("mAP", share(retrieval.mean_average_precision), meanings.MEAN_AVERAGE_PRECISION),
        Figure("Product top-1", share(retrieval.product_top_1), meanings.PRODUCT_TOP_1),
        Figure("Product top-3", share(retrieval.product_top_3), meanings.PRODUCT_TOP_3),
        Figure("Standard error", share(retrieval.standard_error), meanings.STANDARD_ERROR),
    ]


def trust_figures(trust: Trust) -> list[Figure]:
    """How far confidences could be trusted."""
    return [
        Figure("ECE", share(trust.ece), meanings.ECE),
        Figure("ECE floor", share(trust.ece_floor), meanings.ECE_FLOOR),
        Figure("AUROC right", share(trust.reliability.auroc_right), meanings.AUROC_RIGHT),
        Figure("AUROC known", share(trust.reliability.auroc_known), meanings.AUROC_KNOWN),
        Figure("Match threshold", share(trust.match_threshold), meanings.MATCH_THRESHOLD),
        Figure("Matches", percent(trust.match_coverage), meanings.MATCH_COVERAGE),
        Figure("Matches that are right", percent(trust.match_precision), meanings.MATCH_PRECISION),
        Figure("Unknown, assumed", percent(trust.prior_unknown), meanings.PRIOR_UNKNOWN),
        *(
            Figure(f"For {percent(point.wanted_precision)} by the gallery", _reached(point), meanings.GALLERY_POINT)
            for point in trust.gallery_points
        ),
    ]


def _reached(point: GalleryPoint) -> str:
    return f"{percent(point.coverage)} answered, {percent(point.precision)} right"


def search_figures(evaluation: Evaluation) -> list[Figure]:
    """The search itself."""
    return [
        Figure("ANN recall@10", share(evaluation.ann_recall), meanings.ANN_RECALL),
        Figure("Median search", milliseconds(evaluation.latency.p50_ms), meanings.P50),
        Figure("95th percentile", milliseconds(evaluation.latency.p95_ms), meanings.P95),
    ]
