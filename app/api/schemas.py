"""What goes over the wire: the shapes of requests and answers, a promise to callers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from app.domain.errors import Reason
from app.domain.jobs import Job, JobKind, JobState, Progress
from app.domain.naming import IMAGE_ID_PATTERN, LABEL_ID_PATTERN
from app.domain.records import Entry, Hit, LabelIndex, ModelCard, ProductHit, Space
from app.flows.browsing import BrowsedLabel
from app.flows.jobs import Pace
from app.flows.searching import Found, Search

LabelId = Annotated[str, Field(pattern=LABEL_ID_PATTERN, description="A label's id.", examples=["shoes"])]
ImageId = Annotated[str, Field(pattern=IMAGE_ID_PATTERN, description="An image's id.", examples=["0f3a9c1b2d4e5f60718293a4"])]
K = Annotated[int, Field(ge=1, le=100, description="How many results.")]
GroupBy = Annotated[
    Literal["product", "image"], Field(description="One result for each product, or for each photo.")
]
MinScore = Annotated[float | None, Field(ge=-1, le=1, description="Only results that score at least this.")]
Exact = Annotated[bool, Field(description="Compare with every entry: nothing near is missed.")]


class Page(BaseModel):
    """A part of a list."""

    next_cursor: str | None = Field(description="Send it as `cursor` for the next part; null at the end.")


# Images and labels.


class Image(BaseModel):
    """One indexed image, whatever its labels."""

    image_id: str
    name: str = Field(description="The file's name.")
    label_ids: list[str]
    product_id: str
    title: str | None
    attributes: dict[str, str | float | bool]
    width: int = Field(description="Pixels, after the EXIF turn.")
    height: int = Field(description="Pixels, after the EXIF turn.")
    source_url: str | None = Field(description="Where it was downloaded; null for files and uploads.")
    content_url: str
    thumbnail_url: str

    @classmethod
    def of(cls, entry: Entry) -> "Image":
        """Show an entry."""
        return cls(**_image_fields(entry))


class ScoredImage(Image):
    """An image near a query."""

    score: float = Field(description="The cosine of this photo with the query, in [-1, 1].")

    @classmethod
    def of_hit(cls, hit: Hit) -> "ScoredImage":
        """Show a hit."""
        return cls(**_image_fields(hit.entry), score=hit.score)


def _image_fields(entry: Entry) -> dict[str, Any]:
    address = f"/images/{quote(entry.image_id, safe='')}"
    return {
        "image_id": entry.image_id,
        "name": entry.name,
        "label_ids": list(entry.label_ids),
        "product_id": entry.product_id,
        "title": entry.title,
        "attributes": dict(entry.attributes),
        "width": entry.width,
        "height": entry.height,
        "source_url": None,
        "content_url": f"{address}/content",
        "thumbnail_url": f"{address}/thumbnail",
    }


class Label(BaseModel):
    """A label of the catalogue."""

    label_id: str
    name: str = Field(description="As the catalogue has it.")
    path: list[str] = Field(description="From the top of the catalogue's tree.")
    image_count: int = Field(description="Files that could be indexed; some may turn out to be no images.")
    indexed_count: int

    @classmethod
    def of(cls, browsed: BrowsedLabel) -> "Label":
        """Show a label."""
        label = browsed.label
        return cls(
            label_id=label.label_id,
            name=label.name,
            path=list(label.path),
            image_count=label.image_count,
            indexed_count=browsed.indexed_count,
        )


class LabelPage(Page):
    """Labels."""

    items: list[Label]


class Index(BaseModel):
    """What is indexed under a label."""

    label_id: str
    name: str
    image_count: int
    product_count: int
    bytes: int = Field(description="Of vectors and codes, on disk and in memory.")
    space: str
    model: str
    dimensions: int
    vector_index: str = Field(description="`exact` or `rabitq`.")
    built_at: datetime = Field(description="When an image was last added.")
    state: Literal["ready", "building", "stale"] = Field(
        description="`building`: a job is live. `stale`: images of another model or setting are not searched."
    )
    job_id: str | None = Field(description="The live job.")

    @classmethod
    def of(cls, index: LabelIndex, *, space: Space, model: ModelCard, method: str, job: Job | None) -> "Index":
        """Show what is indexed."""
        ready = "stale" if index.stale_count else "ready"
        return cls(
            label_id=index.label_id,
            name=index.name,
            image_count=index.image_count,
            product_count=index.product_count,
            bytes=index.byte_count,
            space=space.space_id,
            model=model.name,
            dimensions=space.dimensions,
            vector_index=method,
            built_at=index.built_at,
            state="building" if job else ready,
            job_id=job.job_id if job else None,
        )


class IndexPage(Page):
    """Indexed labels."""

    items: list[Index]


# Search.


class SearchRequest(BaseModel):
    """A search for an indexed image; to search for a photo, post a form."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"image_id": "0f3a9c1b2d4e5f60718293a4", "k": 5}]})

    image_id: ImageId | None = Field(None, description="Search with this indexed image.")
    label_id: LabelId | list[LabelId] | None = Field(None, description="Search under these labels only.")
    k: K = 10
    group_by: GroupBy = "product"
    min_score: MinScore = None
    crop: str | None = Field(
        None, description="A part of the photo: x_min,y_min,x_max,y_max, shares from 0 to 1.", examples=["0.1,0,0.9,0.8"]
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

    image: str | None = Field(None, description="The photo.", json_schema_extra={"format": "binary"})


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


# Indexing and jobs.


class IndexOptions(BaseModel):
    """How a label is indexed."""

    model_config = ConfigDict(extra="forbid")

    limit: int | None = Field(None, ge=1, description="How many of the label's images, in the catalogue's order.")
    mode: Literal["resume"] = Field("resume", description="`resume`: only what is missing.")


class IndexManyOptions(BaseModel):
    """Which labels are indexed: some, or all."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"all": True}]})

    label_ids: list[LabelId] | None = Field(None, min_length=1, description="These labels.")
    all: bool = Field(default=False, description="Every label of the catalogue.")


class UploadForm(BaseModel):
    """The caller's own image."""

    model_config = ConfigDict(extra="forbid")

    image: str = Field("", description="The image.", json_schema_extra={"format": "binary"})
    product_id: str | None = Field(None, min_length=1, max_length=200, description="Its product.")
    title: str | None = Field(None, max_length=4096, description="What it is called.")
    attributes: str | None = Field(None, description="A JSON object of strings, numbers and booleans.", examples=['{"colour": "red"}'])


class JobProgress(BaseModel):
    """Images, by what became of them."""

    total: int
    downloaded: int = Field(description="Fetched from where they were; for a folder: read.")
    already_there: int
    failed: int
    embedded: int
    indexed: int

    @classmethod
    def of(cls, progress: Progress) -> "JobProgress":
        """Show progress."""
        return cls(
            total=progress.total,
            downloaded=progress.downloaded,
            already_there=progress.already_there,
            failed=progress.failed,
            embedded=progress.embedded,
            indexed=progress.indexed,
        )


class JobLinks(BaseModel):
    """Where to go from a job."""

    self: str
    cancel: str
    index: str | None


class JobOut(BaseModel):
    """Work that outlives its request."""

    model_config = ConfigDict(title="Job")

    job_id: str
    kind: JobKind
    label_id: str | None
    parent_id: str | None
    children: list[str] = Field(description="Of a job for many labels: the labels' jobs.")
    state: JobState
    detail: str | None = Field(description="Why it could not go on.")
    limit: int | None
    progress: JobProgress
    rate_images_per_s: float | None
    eta_s: float | None
    waiting_for: Literal["disk", "store", "indexer"] | None
    failures_by_reason: Mapping[Reason, int]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: JobLinks

    @classmethod
    def of(cls, job: Job, pace: Pace) -> "JobOut":
        """Show a job."""
        address = f"/jobs/{job.job_id}"
        return cls(
            job_id=job.job_id,
            kind=job.kind,
            label_id=job.label_id,
            parent_id=job.parent_id,
            children=list(job.children),
            state=job.state,
            detail=job.detail,
            limit=job.limit,
            progress=JobProgress.of(job.progress),
            rate_images_per_s=pace.rate_images_per_s,
            eta_s=pace.eta_s,
            waiting_for=None,
            failures_by_reason=job.failures_by_reason,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            links=JobLinks(
                self=address, cancel=f"{address}/cancel", index=f"/index/{job.label_id}" if job.label_id else None
            ),
        )


class JobPage(Page):
    """Jobs, newest first."""

    items: list[JobOut]


# The service.


class Model(BaseModel):
    """The network and how photos are brought before it."""

    name: str
    fingerprint: str = Field(description="Names file, pixel rule, views, colour weight and precision together.")
    dimensions: int
    file: str
    file_sha256: str
    precision: str
    views: int
    colour_weight: float
    preprocessing: str
    threads: int = Field(description="Of one inference; searches run side by side.")
    source: str
    licence: str
    space: str


class Health(BaseModel):
    """Whether the service can work."""

    status: Literal["ok", "unavailable"]
    parts: dict[str, str] = Field(default_factory=dict, description="`ok`, or what is wrong.")
