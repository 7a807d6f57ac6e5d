"""Searches and what was found."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import Exact, File, GroupBy, ImageId, K, LabelId, MinScore
from app.api.schemas.images import ScoredImage
from app.domain.records import ModelCard, ProductHit, Space
from app.flows.searching import Found, Search

_MAX_URL: Final = 8_000
"""Characters."""


class SearchRequest(BaseModel):
    """A search for an indexed image, or for a photo on the web; to send a photo, post a form."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"image_id": "0f3a9c1b2d4e5f60718293a4", "k": 5}]}
    )

    image_id: ImageId | None = Field(None, description="Search with this indexed image.")
    image_url: str | None = Field(
        None,
        min_length=1,
        max_length=_MAX_URL,
        description="Search with the photo at this http or https address, which the service fetches and does not keep.",
    )
    label_id: LabelId | list[LabelId] | None = Field(None, description="Search under these labels only.")
    k: K = 10
    group_by: GroupBy = "product"
    min_score: MinScore = None
    crop: str | None = Field(
        None,
        description="A part of the photo: x_min,y_min,x_max,y_max, shares from 0 to 1.",
        examples=["0.1,0,0.9,0.8"],
    )
    exact: Exact = False

    @property
    def label_ids(self) -> frozenset[str] | None:
        """The labels as a set; None for all."""
        if self.label_id is None:
            return None
        return frozenset([self.label_id] if isinstance(self.label_id, str) else self.label_id) or None


class SearchForm(SearchRequest):
    """A search for a photo. The photo is not kept."""

    model_config = ConfigDict(json_schema_extra={})

    image: File = Field(default_factory=str, description="The photo.")


class QueryInfo(BaseModel):
    """What was searched for."""

    width: int = Field(description="Of the photo, in pixels, after the EXIF turn.")
    height: int
    crop: str | None
    model: str
    space: str


class Answer(BaseModel):
    """Which product it is; null until a calibration tells how sure that is."""

    decision: Literal["match", "ambiguous", "no_match"] | None
    product_id: str | None
    label_ids: list[str]
    confidence: float | None
    lead: float | None
    runner_up: str | None
    evidence: list[str] = Field(description="Image ids.")
    calibrated: bool
    prior_unknown: float | None
    reason: str | None


class Result(BaseModel):
    """A product, or a photo with group_by=image."""

    rank: int
    product_id: str
    label_ids: list[str]
    score: float = Field(description="What results are ordered by.")
    image: ScoredImage = Field(description="The nearest photo.")
    images: list[ScoredImage] = Field(description="The product's photos that were found, nearest first.")

    @classmethod
    def of(cls, rank: int, product: ProductHit) -> "Result":
        """Show a result."""
        images = [ScoredImage.of_hit(hit) for hit in product.hits]
        return cls(
            rank=rank,
            product_id=product.product_id,
            label_ids=list(product.label_ids),
            score=product.score,
            image=images[0],
            images=images,
        )


class TimingMs(BaseModel):
    """Milliseconds."""

    decode: float
    embed: float
    search: float


class SearchAnswer(BaseModel):
    """What looks like the photo."""

    query: QueryInfo
    answer: Answer
    results: list[Result]
    timing_ms: TimingMs
    warnings: list[str]

    @classmethod
    def of(cls, found: Found, search: Search, *, space: Space, model: ModelCard) -> "SearchAnswer":
        """Show what was found."""
        crop = str(search.crop) if search.crop else None
        timing = found.timing
        return cls(
            query=QueryInfo(width=found.width, height=found.height, crop=crop, model=model.name, space=space.space_id),
            answer=_UNCALIBRATED,
            results=[Result.of(rank, product) for rank, product in enumerate(found.results, 1)],
            timing_ms=TimingMs(
                decode=round(timing.decode_ms, 3), embed=round(timing.embed_ms, 3), search=round(timing.search_ms, 3)
            ),
            warnings=list(found.warnings),
        )


_UNCALIBRATED = Answer(
    decision=None,
    product_id=None,
    label_ids=[],
    confidence=None,
    lead=None,
    runner_up=None,
    evidence=[],
    calibrated=False,
    prior_unknown=None,
    reason="This index has no calibration: the results are ranked, but how sure they are is not known.",
)
