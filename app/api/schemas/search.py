"""Searches and what was found."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from app.api.problems import Problem
from app.api.schemas.answers import Answer
from app.api.schemas.common import (
    FILTER_EXAMPLE,
    Exact,
    File,
    FilterDocument,
    FilterText,
    GroupBy,
    ImageId,
    ImageUrl,
    K,
    LabelId,
    MinScore,
)
from app.api.schemas.images import ScoredImage
from app.domain.cropping import MAX_CROPS, Suggestion
from app.domain.imaging import parse_crop
from app.domain.records import ModelCard, ProductHit
from app.flows.searching import Found, Search
from app.flows.searching import Why as Explained

MAX_BATCH: Final = 32
"""Searches in one request."""
MAX_VIEWS: Final = 5
"""Photos of one object."""
_MAX_EXAMPLES: Final = 20


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
    positive_image_ids: list[ImageId] = Field(
        default_factory=list, max_length=_MAX_EXAMPLES, description="Indexed images that are like what is meant."
    )
    negative_image_ids: list[ImageId] = Field(
        default_factory=list, max_length=_MAX_EXAMPLES, description="Indexed images that are not what is meant."
    )
    prior_unknown: float | None = Field(
        None,
        ge=0,
        le=1,
        description="The share of photos like this one whose product is not indexed, as you expect it; by default"
        " LOOKALIKE_PRIOR_UNKNOWN. The answer's confidence assumes it.",
    )
    why: bool = Field(default=False, description="Tell of the first results which photo matched, and what of it.")
    suggest_crops: bool = Field(
        default=False, description="Name parts of the photo that may show a product, to be searched with as `crop`."
    )

    @property
    def label_ids(self) -> frozenset[str] | None:
        """The labels as a set; None for all."""
        if self.label_id is None:
            return None
        return frozenset([self.label_id] if isinstance(self.label_id, str) else self.label_id) or None

    def search(self, photos: Sequence[bytes]) -> Search:
        """The search for photos of one object. Raises InvalidRequestError invalid_crop."""
        return Search(
            photo=photos[0] if photos else None,
            other_views=tuple(photos[1:]),
            label_ids=self.label_ids,
            k=self.k,
            group_by=self.group_by,
            min_score=self.min_score,
            crop=parse_crop(self.crop) if self.crop is not None else None,
            exact=self.exact,
            filter=self.filter,
            positive_image_ids=tuple(dict.fromkeys(self.positive_image_ids)),
            negative_image_ids=tuple(dict.fromkeys(self.negative_image_ids)),
            why=self.why,
            suggest_crops=self.suggest_crops,
            prior_unknown=self.prior_unknown,
        )


class SearchRequest(SearchOptions):
    """A search for an indexed image, or for a photo on the web; to send a photo, post a form."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"image_id": "0f3a9c1b2d4e5f60718293a4", "k": 5},
                {"image_id": "0f3a9c1b2d4e5f60718293a4", "filter": FILTER_EXAMPLE},
                {
                    "image_id": "0f3a9c1b2d4e5f60718293a4",
                    "positive_image_ids": ["0f3a9c1b2d4e5f60718293a4"],
                    "why": True,
                },
            ]
        },
    )

    image_id: ImageId | None = Field(None, description="Search with this indexed image.")
    image_url: ImageUrl | None = Field(None, description="Search with the photo at this address.")

    def search_for(self, photos: Sequence[bytes]) -> Search:
        """The search for photos, else for the one on the web, else for the indexed image. Raises as `search` does."""
        return replace(self.search(photos), image_url=self.image_url, image_id=self.image_id)


class SearchForm(SearchRequest):
    """A search for photos of one object, which are not kept."""

    model_config = ConfigDict(json_schema_extra={})

    filter: FilterText = None
    image: list[File] = Field(
        default_factory=list, max_length=MAX_VIEWS, description="The photo; repeated, views of one object."
    )


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


class Why(BaseModel):
    """What made a result one: a diagnostic."""

    image_id: str = Field(description="The indexed photo that matched: the nearest one of the result.")
    map: list[list[float]] | None = Field(
        description="Seven rows from the top of seven regions each: how much a region looks like that photo as a whole"
        " (a cosine); null where the query is no photo."
    )
    box: str | None = Field(description="The part of the query photo that the map divides: x_min,y_min,x_max,y_max.")

    @classmethod
    def of(cls, why: Explained) -> "Why":
        """Show why."""
        regions = None if why.regions is None else [[round(cell, 4) for cell in row] for row in why.regions.tolist()]
        return cls(image_id=why.image_id, map=regions, box=str(why.box) if why.box else None)


class Result(BaseModel):
    """A product, or a photo with group_by=image."""

    rank: int
    product_id: str
    label_ids: list[str]
    score: float = Field(description="What results are ordered by.")
    image: ScoredImage = Field(description="The nearest photo.")
    images: list[ScoredImage] = Field(description="The product's photos that were found, nearest first.")
    why: Why | None = Field(description="Of the first results, where `why` asks for it.")

    @classmethod
    def of(cls, rank: int, product: ProductHit, why: Explained | None) -> "Result":
        """Show a result."""
        images = [ScoredImage.of_hit(hit) for hit in product.hits]
        return cls(
            rank=rank,
            product_id=product.product_id,
            label_ids=list(product.label_ids),
            score=product.score,
            image=images[0],
            images=images,
            why=Why.of(why) if why else None,
        )


class SuggestedCrop(BaseModel):
    """A part of the query photo that looks like an indexed one."""

    crop: str = Field(
        description="x_min,y_min,x_max,y_max, shares of the whole photo from 0 to 1: what /search takes as `crop`."
    )
    score: float = Field(description="How much it looks like the indexed photo it looks most like: a cosine.")

    @classmethod
    def of(cls, suggestion: Suggestion) -> "SuggestedCrop":
        """Show a suggestion."""
        return cls(crop=str(suggestion.box), score=round(suggestion.score, 4))


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
    suggested_crops: list[SuggestedCrop] = Field(
        max_length=MAX_CROPS, description="Best first, where `suggest_crops` asks for them."
    )
    timing_ms: TimingMs
    warnings: list[str]

    @classmethod
    def of(cls, found: Found, *, model: ModelCard) -> "SearchAnswer":
        """Show what was found."""
        crop = str(found.crop) if found.crop else None
        timing = found.timing
        return cls(
            query=QueryInfo(
                width=found.width, height=found.height, crop=crop, model=model.name, space=found.space.space_id
            ),
            answer=Answer.of(found.answer),
            results=[
                Result.of(rank, product, why)
                for rank, (product, why) in enumerate(zip_longest(found.results, found.whys), 1)
            ],
            suggested_crops=[SuggestedCrop.of(one) for one in found.suggested_crops],
            timing_ms=TimingMs(
                decode=round(timing.decode_ms, 3), embed=round(timing.embed_ms, 3), search=round(timing.search_ms, 3)
            ),
            warnings=list(found.warnings),
        )


class IdentifyAnswer(BaseModel):
    """Which product a photo shows."""

    query: QueryInfo
    answer: Answer
    timing_ms: TimingMs
    warnings: list[str]


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
