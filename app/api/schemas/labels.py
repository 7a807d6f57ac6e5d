"""Labels and what is indexed under them, and how to ask for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import MAX_POSITION, File, LabelId, Page, ProductId, Title
from app.domain.errors import Reason
from app.domain.jobs import Job, JobMode
from app.domain.records import LabelIndex, ModelCard
from app.domain.spaces import Space
from app.flows.browsing import BrowsedHost, BrowsedLabel


class Label(BaseModel):
    """A label of the catalogue."""

    label_id: str
    name: str = Field(description="As the catalogue has it.")
    path: list[str] = Field(description="From the top of the catalogue's tree.")
    image_count: int = Field(description="Images that could be indexed; some may turn out to be none.")
    indexed_count: int

    @classmethod
    def of(cls, browsed: BrowsedLabel) -> "Label":
        """Show a label."""
        return cls(**_label_fields(browsed))


def _label_fields(browsed: BrowsedLabel) -> dict[str, Any]:
    label = browsed.label
    return {
        "label_id": label.label_id,
        "name": label.name,
        "path": list(label.path),
        "image_count": label.image_count,
        "indexed_count": browsed.indexed_count,
    }


class LabelHost(BaseModel):
    """A host that images of a label come from, and what became of them in all jobs so far."""

    host: str
    image_count: int = Field(description="Images whose first address is there.")
    indexed: int | None = Field(description="null where another process keeps account of it: the indexer.")
    failed_by_reason: Mapping[Reason, int] | None = Field(
        description="Addresses there that did not serve their image; null as `indexed` is."
    )

    @classmethod
    def of(cls, browsed: BrowsedHost) -> Self:
        """Show a host."""
        return cls(
            host=browsed.host,
            image_count=browsed.image_count,
            indexed=browsed.indexed,
            failed_by_reason=browsed.failed,
        )


class LabelDetail(Label):
    """A label and where its images come from."""

    hosts: list[LabelHost] = Field(description="The busiest, ten at most; none where the images are files.")

    @classmethod
    def of_hosts(cls, browsed: BrowsedLabel, hosts: Sequence[BrowsedHost]) -> "LabelDetail":
        """Show a label and its hosts."""
        return cls(**_label_fields(browsed), hosts=[LabelHost.of(host) for host in hosts])


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
        at_rest: Literal["ready", "stale"] = "stale" if index.stale_count else "ready"
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
            state="building" if job else at_rest,
            job_id=job.job_id if job else None,
        )


class IndexPage(Page):
    """Indexed labels."""

    items: list[Index]


_MODE: Final = (
    "`resume`: what is missing; `sync`: also titles and prices, and what left the catalogue goes; `rebuild`: all."
)


class IndexOptions(BaseModel):
    """How a label is indexed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"limit": 100}, {"mode": "sync"}]})

    limit: int | None = Field(
        None,
        ge=1,
        le=MAX_POSITION,
        description="How many of the label's images, in the catalogue's order; only with `resume`.",
    )
    mode: JobMode = Field(JobMode.RESUME, description=_MODE)


class IndexManyOptions(BaseModel):
    """Which labels are indexed, some or all, and how."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"all": True}]})

    label_ids: list[LabelId] | None = Field(None, min_length=1, description="These labels.")
    all: bool = Field(default=False, description="Every label of the catalogue.")
    mode: JobMode = Field(JobMode.RESUME, description=_MODE)


class UploadFields(BaseModel):
    """What the caller says of an own image."""

    model_config = ConfigDict(extra="forbid")

    product_id: ProductId | None = Field(None, description="Its product.")
    title: Title | None = Field(None, description="What it is called.")
    attributes: str | None = Field(
        None, description="A JSON object of strings, numbers and booleans.", examples=['{"colour": "red"}']
    )


class UploadForm(UploadFields):
    """The caller's own image."""

    image: File = Field(description="The image.")
