"""Searches and what was found."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.problems import Problem
from app.api.schemas.common import (
    FILTER_EXAMPLE,
    Exact,
    File,
    FilterDocument,
    FilterText,
    GroupBy,
    ImageId,
    K,
    LabelId,
    MinScore,
)
from app.api.schemas.images import ScoredImage
from app.domain.imaging import parse_crop
from app.domain.records import ModelCard, ProductHit, Space
from app.flows.searching import Found, Search

MAX_BATCH: Final = 32
"""Searches in one request."""
_MAX_URL: Final = 8_000
"""Characters."""


class SearchOptions(BaseModel):
    """How is searched, and where."""

    model_config = ConfigDict(extra="forbid")

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
    filter: FilterDocument = None

    @property
    def label_ids(self) -> frozenset[str] | None:
        """The labels as a set; None for all."""
        if self.label_id is None:
            return None
        return frozenset([self.label_id] if isinstance(self.label_id, str) else self.label_id) or None

    def search(self, photo: bytes | None = None, image_url: str | None = None, image_id: str | None = None) -> Search:
        """The search for a photo, a photo on the web or an indexed image. Raises InvalidRequestError invalid_crop."""
        return Search(
            photo=photo,
            image_url=image_url,
            image_id=image_id,
            label_ids=self.label_ids,
            k=self.k,
            group_by=self.group_by,
            min_score=self.min_score,
            crop=parse_crop(self.crop) if self.crop is not None else None,
            exact=self.exact,
            filter=self.filter,
        )


class SearchRequest(SearchOptions):
    """A search for an indexed image, or for a photo on the web; to send a photo, post a form."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"image_id": "0f3a9c1b2d4e5f60718293a4", "k": 5},
                {"image_id": "0f3a9c1b2d4e5f60718293a4", "filter": FILTER_EXAMPLE},
            ]
        },
    )

    image_id: ImageId | None = Field(None, description="Search with this indexed image.")
    image_url: str | None = Field(
        None,
        min_length=1,
        max_length=_MAX_URL,
        description="Search with the photo at this http or https address, which the service fetches and does not keep.",
    )


class SearchForm(SearchRequest):
    """A search for a photo. The photo is not kept."""

    model_config = ConfigDict(json_schema_extra={})

    filter: FilterText = None
    image: File = Field(default_factory=str, description="The photo.")


class BatchRequest(BaseModel):
    """Searches, each as /search takes it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"queries": [{"image_id": "0f3a9c1b2d4e5f60718293a4", "k": 3, "filter": FILTER_EXAMPLE}]}]
        },
    )

    queries: list[SearchRequest] = Field(min_length=1, max_length=MAX_BATCH)


class BatchForm(SearchOptions):
    """Searches for photos, which are not kept. The other fields are for all of them."""

    filter: FilterText = None
    image: list[File] = Field(min_length=1, max_length=MAX_BATCH, description="The photos: the field is repeated.")


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
    def of(cls, found: Found, *, space: Space, model: ModelCard) -> "SearchAnswer":
        """Show what was found."""
        crop = str(found.crop) if found.crop else None
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


class BatchFound(BaseModel):
    """A search of a batch that was answered."""

    index: int = Field(description="Which search, from 0 on.")
    result: SearchAnswer


class BatchFailed(BaseModel):
    """A search of a batch that could not be."""

    index: int = Field(description="Which search, from 0 on.")
    error: Problem


class BatchAnswer(BaseModel):
    """What became of each search, in order."""

    outcomes: list[BatchFound | BatchFailed]


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
