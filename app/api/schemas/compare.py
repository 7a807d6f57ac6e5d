"""Two photos to compare, and how alike they are."""

from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import File, ImageId, ImageUrl
from app.flows.comparing import Compared
from app.flows.querying import Source

COMPARED: Final = 2
"""Photos in a request."""


class CompareSource(BaseModel):
    """One of two photos: exactly one of its members says which."""

    model_config = ConfigDict(extra="forbid")

    image_id: ImageId | None = Field(None, description="An indexed image.")
    image_url: ImageUrl | None = None

    @property
    def sources(self) -> list[Source]:
        """What is named here."""
        by_id = [] if self.image_id is None else [Source(image_id=self.image_id)]
        return by_id + ([] if self.image_url is None else [Source(image_url=self.image_url)])


class CompareRequest(BaseModel):
    """Two photos, each an indexed image or one on the web."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"a": {"image_id": "0f3a9c1b2d4e5f60718293a4"}, "b": {"image_id": "0f3a9c1b2d4e5f60718293a4"}}]
        },
    )

    # Made by a factory, a default is not told: both are wanted, but to leave one out is a matter of the sources.
    a: CompareSource = Field(default_factory=CompareSource, description="One photo.")
    b: CompareSource = Field(default_factory=CompareSource, description="The other one.")


class CompareFields(BaseModel):
    """Photos that a form names."""

    model_config = ConfigDict(extra="forbid")

    image_id: list[ImageId] = Field(default_factory=list, max_length=COMPARED, description="Indexed images.")
    image_url: list[ImageUrl] = Field(default_factory=list, max_length=COMPARED, description="Photos on the web.")


class CompareForm(CompareFields):
    """Two photos in all, which are not kept: each field may be repeated."""

    image: list[File] = Field(default_factory=list, max_length=COMPARED, description="The photos.")


class CompareAnswer(BaseModel):
    """How alike two photos are."""

    cosine: float = Field(description="Of the two photos' vectors in the live space, in [-1, 1].")
    same_product_probability: float | None = Field(
        description="How likely both show one product, if half of all pairs do and half are of two by chance: of two"
        " products that look alike it says too much. Fitted to held-out photos of the index; null with a reason."
    )
    reason: str | None = Field(description="Why there is no probability.")
    space: str = Field(description="What the photos were compared in.")

    @classmethod
    def of(cls, compared: Compared) -> Self:
        """Show how alike they are."""
        return cls(
            cosine=compared.cosine,
            same_product_probability=compared.same_product_probability,
            reason=compared.reason,
            space=compared.space.space_id,
        )
