"""Spaces on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import Page
from app.domain.answering.report import CalibrationReport
from app.domain.answering.tilting import MIN_ASKED
from app.domain.records import ModelCard
from app.domain.spaces import SpaceCard


class AdaptOptions(BaseModel):
    """How to learn."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"force": False}]})

    force: bool = Field(
        default=False, description="Make what was learned live even if the self-check does not find it better."
    )


class CalibrateOptions(BaseModel):
    """How to learn how sure answers are."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"by_recent_searches": False}]})

    by_recent_searches: bool = Field(
        default=False,
        description=(
            f"Fit it to how this process's recent searches scored, at least {MIN_ASKED}. It takes the share of unknown"
            " products that the service is set to at its word: what that is wrong by, it makes worse."
        ),
    )


class FittedOnOut(BaseModel):
    """What a space was learned from."""

    model_config = ConfigDict(title="FittedOn")

    images: int
    products: int


class SpaceOut(BaseModel):
    """Vectors that may be compared: a model, and what was learned on top of it."""

    model_config = ConfigDict(
        title="Space",
        json_schema_extra={
            "examples": [
                {
                    "space_id": "learned-20261123t094500-3f2a",
                    "live": True,
                    "model": "mobilenet_v2",
                    "views": 1,
                    "projection": "whitened within products, with a discriminant part",
                    "dimensions": 1704,
                    "fitted_at": "2026-11-23T09:45:00Z",
                    "fitted_on": {"images": 776, "products": 41},
                    "before": {"held_out_photos_r1": 0.78, "held_out_products_r1": 0.85},
                    "after": {"held_out_photos_r1": 0.91, "held_out_products_r1": 0.9},
                }
            ]
        },
    )

    space_id: str
    live: bool = Field(description="Whether searches are in this space.")
    model: str
    views: int
    projection: str = Field(description="What was learned, in words; `none` of the raw space.")
    dimensions: int = Field(description="How many numbers a vector has.")
    fitted_at: datetime | None
    fitted_on: FittedOnOut | None
    before: Mapping[str, float] | None = Field(description="Figures of the self-check with the raw features.")
    after: Mapping[str, float] | None = Field(description="The same with this space's vectors.")

    @classmethod
    def of(cls, card: SpaceCard, *, live: bool, model: ModelCard) -> Self:
        """Show a space."""
        fitted_on = card.fitted_on and FittedOnOut(images=card.fitted_on.images, products=card.fitted_on.products)
        return cls(
            space_id=card.space_id,
            live=live,
            model=model.name,
            views=model.views,
            projection=card.projection,
            dimensions=card.dimensions,
            fitted_at=card.fitted_at,
            fitted_on=fitted_on,
            before=card.before,
            after=card.after,
        )


class SpacePage(Page):
    """Spaces, the latest first; the raw one last."""

    items: list[SpaceOut]


class BinOut(BaseModel):
    """Answers of about one confidence."""

    model_config = ConfigDict(title="ReliabilityBin")

    mean_confidence: float
    share_right: float
    count: int


class OperatingPointOut(BaseModel):
    """A confidence from which so many answers are right; null where none is."""

    model_config = ConfigDict(title="OperatingPoint")

    precision: float = Field(description="The share of right answers that is wanted.")
    threshold: float | None
    coverage: float | None = Field(description="The share of queries that are answered then.")


class CalibrationOut(BaseModel):
    """How well confidences met what came true, on held-out photos and products of the gallery."""

    model_config = ConfigDict(title="Calibration")

    space_id: str
    fitted_at: datetime
    fitted_on: FittedOnOut
    prior_unknown: float = Field(description="The share of unknown products that was assumed.")
    recent_searches: int | None = Field(
        description="How many recent searches it was fitted to, and the figures with it; null where it was not."
    )
    bins: list[BinOut] = Field(description="Ten of equal mass.")
    ece: float = Field(description="Expected calibration error.")
    ece_floor: float = Field(description="What perfect confidences would show with as many answers.")
    auroc_right: float | None = Field(description="How well the confidence tells right from wrong answers.")
    auroc_known: float | None = Field(description="How well it tells known from unknown products.")
    operating_points: list[OperatingPointOut]

    @classmethod
    def of(cls, report: CalibrationReport) -> Self:
        """Show a calibration."""
        shown = report.reliability
        return cls(
            space_id=report.space_id,
            fitted_at=report.fitted_at,
            fitted_on=FittedOnOut(images=report.images, products=report.products),
            prior_unknown=report.calibration.fitted_prior,
            recent_searches=report.recent_searches,
            bins=[
                BinOut(mean_confidence=each.mean_probability, share_right=each.share_right, count=each.count)
                for each in shown.bins
            ],
            ece=shown.ece,
            ece_floor=shown.ece_floor,
            auroc_right=shown.auroc_right,
            auroc_known=shown.auroc_known,
            operating_points=[
                OperatingPointOut(precision=point.wanted_precision, threshold=point.threshold, coverage=point.coverage)
                for point in shown.operating_points
            ],
        )
