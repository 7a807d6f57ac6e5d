"""Evaluations on the wire. What each figure is, `app.api.meanings` tells."""

from datetime import datetime
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from app.api import meanings
from app.api.schemas.common import CatalogueName, LabelId
from app.domain.evaluating.plan import MOST_REPEATS, Plan
from app.domain.evaluating.records import Evaluation

_MOST_LABELS: Final = 1000
_MOST_UNKNOWN: Final = 0.9


class EvaluateOptions(BaseModel):
    """Which labelled photos ask, and what."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"catalogue": "catalogue", "split": 0.2, "repeats": 3}]}
    )

    catalogue: CatalogueName
    split: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="Of photos that are indexed: the share of each product's that asks; 0.2 if null."
    )
    label_ids: Annotated[list[LabelId], Field(max_length=_MOST_LABELS)] | None = Field(
        default=None, description="Only the photos under these labels ask; under all if null."
    )
    unknown: float = Field(
        default=0.0, ge=0, le=_MOST_UNKNOWN, description="The share of the products that leave the gallery."
    )
    repeats: int = Field(
        default=1, ge=1, le=MOST_REPEATS, description="How often it is done, with photos and products drawn anew."
    )
    unseen: float = Field(
        default=0.0,
        ge=0,
        le=_MOST_UNKNOWN,
        description="The share of the products that come after it has learned; only their photos ask.",
    )
    by_recent_searches: bool = Field(
        default=False,
        description="Fit confidences to how a half of the questions scores, as POST /calibrate can; the others ask.",
    )

    @property
    def plan(self) -> Plan:
        """As the job is told."""
        label_ids = None if self.label_ids is None else tuple(self.label_ids)
        return Plan(**{**dict(self), "label_ids": label_ids})


class _Shown(BaseModel):
    """What is shown as it is: the record's own fields."""

    model_config = ConfigDict(from_attributes=True)


class QuestionOut(_Shown):
    """A labelled photo that asked."""

    model_config = ConfigDict(title="Question")

    name: str = Field(description="The file's name.")
    product_id: str = Field(description="Its own product.")


class ShownOut(_Shown):
    """A photo of the gallery in an answer."""

    model_config = ConfigDict(title="ShownPhoto")

    image_id: str
    product_id: str
    score: float = Field(description=meanings.SCORE)


class RetrievalOut(_Shown):
    """How well photos of known products found them."""

    model_config = ConfigDict(title="Retrieval")

    r_at_1: float = Field(description=meanings.R_AT_1)
    r_at_5: float = Field(description=meanings.R_AT_5)
    r_at_10: float = Field(description=meanings.R_AT_10)
    mean_average_precision: float = Field(description=meanings.MEAN_AVERAGE_PRECISION)
    product_top_1: float = Field(description=meanings.PRODUCT_TOP_1)
    product_top_3: float = Field(description=meanings.PRODUCT_TOP_3)
    standard_error: float = Field(description=meanings.STANDARD_ERROR)


class AnswersBinOut(_Shown):
    """Answers of about one confidence."""

    model_config = ConfigDict(title="AnswersBin")

    mean_probability: float = Field(description=meanings.MEAN_PROBABILITY)
    share_right: float = Field(description=meanings.SHARE_RIGHT)
    count: int


class ReachedPointOut(_Shown):
    """A confidence from which so many answers were right; null where none is."""

    model_config = ConfigDict(title="ReachedPoint")

    wanted_precision: float = Field(description=meanings.WANTED_PRECISION)
    threshold: float | None = Field(description=meanings.THRESHOLD)
    coverage: float | None = Field(description=meanings.COVERAGE)
    precision: float | None = Field(description=meanings.PRECISION)


class ReliabilityOut(_Shown):
    """How well confidences met what came true, over all questions of all repeats."""

    model_config = ConfigDict(title="Reliability")

    bins: list[AnswersBinOut] = Field(description="Ten of equal mass.")
    ece: float = Field(description=meanings.ECE)
    ece_floor: float = Field(description=meanings.ECE_FLOOR)
    auroc_right: float | None = Field(description=meanings.AUROC_RIGHT)
    auroc_known: float | None = Field(description=meanings.AUROC_KNOWN)
    operating_points: list[ReachedPointOut]


class GalleryPointOut(_Shown):
    """What a threshold of GET /calibration came to on the questions."""

    model_config = ConfigDict(title="GalleryPoint")

    wanted_precision: float = Field(description=meanings.WANTED_PRECISION)
    coverage: float = Field(description=meanings.COVERAGE)
    precision: float | None = Field(description=f"{meanings.PRECISION} null where there are none.")


class TrustOut(_Shown):
    """How far confidences could be trusted, unknown products included."""

    model_config = ConfigDict(title="Trust")

    reliability: ReliabilityOut
    ece: float = Field(description=f"{meanings.ECE} The mean of the repeats.")
    ece_floor: float = Field(description=f"{meanings.ECE_FLOOR} The mean of the repeats.")
    match_threshold: float = Field(description=meanings.MATCH_THRESHOLD)
    match_coverage: float = Field(description=meanings.MATCH_COVERAGE)
    match_precision: float | None = Field(description=f"{meanings.MATCH_PRECISION} null without a match.")
    prior_unknown: float = Field(description=meanings.PRIOR_UNKNOWN)
    gallery_points: list[GalleryPointOut] = Field(description=meanings.GALLERY_POINT)


class BaselineOut(_Shown):
    """Something simpler."""

    model_config = ConfigDict(title="Baseline")

    name: str
    r_at_1: float = Field(description=f"{meanings.BASELINE} The mean of the repeats.")
    least_gain: float | None = Field(description=f"{meanings.LEAST_GAIN} null where no question's product is known.")


class LatencyOut(_Shown):
    """How long product searches took, in milliseconds."""

    model_config = ConfigDict(title="Latency")

    p50_ms: float = Field(description=meanings.P50)
    p95_ms: float = Field(description=meanings.P95)


class MissOut(_Shown):
    """A photo that was answered with another product."""

    model_config = ConfigDict(title="Miss")

    question: QuestionOut
    found: ShownOut = Field(description="The photo that misled.")
    confidence: float | None = Field(description=meanings.CONFIDENCE)


class ConfusionOut(_Shown):
    """How often a product was taken for another."""

    model_config = ConfigDict(title="Confusion")

    product_id: str
    taken_for: str
    count: int
    examples: list[MissOut]


class EvaluationOut(_Shown):
    """How well labelled photos were answered. The pictures are in the report of type text/html."""

    model_config = ConfigDict(title="Evaluation")

    evaluation_id: str = Field(description="The id of the job that made it.")
    created_at: datetime
    asked: str = Field(description="Who asked what, in words.")
    model: str
    space_ids: list[str] = Field(description="The spaces that were searched.")
    repeats: int
    gallery_images: int = Field(description="Photos that were searched; the mean of the repeats.")
    gallery_products: int = Field(description="Their products; the mean of the repeats.")
    known_count: int = Field(description="Questions whose product is in the gallery.")
    unknown_count: int = Field(description="Questions whose product is not.")
    failed_count: int = Field(description="Photos that could not be read.")
    retrieval: RetrievalOut | None = Field(description="null where no question's product is known.")
    baselines: list[BaselineOut]
    trust: TrustOut | None = Field(description="null where no answer had a confidence.")
    ann_recall: float | None = Field(description=f"{meanings.ANN_RECALL} null where it was not asked.")
    latency: LatencyOut
    confusions: list[ConfusionOut] = Field(description=meanings.CONFUSIONS)
    remarks: list[str] = Field(description="What must be known to read the figures.")

    @classmethod
    def of(cls, evaluation: Evaluation) -> Self:
        """Show an evaluation."""
        return cls.model_validate(evaluation)
