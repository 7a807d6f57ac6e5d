"""Labels and what is indexed under them, and how to ask for it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import File, LabelId, Page
from app.domain.jobs import Job
from app.domain.records import LabelIndex, ModelCard, Space
from app.flows.browsing import BrowsedLabel


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


class UploadFields(BaseModel):
    """What the caller says of an own image."""

    model_config = ConfigDict(extra="forbid")

    product_id: str | None = Field(None, min_length=1, max_length=200, description="Its product.")
    title: str | None = Field(None, max_length=4096, description="What it is called.")
    attributes: str | None = Field(
        None, description="A JSON object of strings, numbers and booleans.", examples=['{"colour": "red"}']
    )


class UploadForm(UploadFields):
    """The caller's own image."""

    image: File = Field(description="The image.")
