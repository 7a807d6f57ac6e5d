"""Images as they are shown."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import Attributes, ProductId, Title
from app.domain.records import Entry, Hit, Origin
from app.flows.editing import Edit


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


class ImageChanges(BaseModel):
    """What is to change of an image; what is not sent stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"title": "Red mug", "attributes": {"colour": "red", "price": 9.5}}]},
    )

    # Made by a factory, a default is not told: what is left out is no empty product.
    product_id: ProductId = Field(default_factory=str, description="Its product.")
    title: Title | None = Field(None, description="What it is called; null takes the title away.")
    attributes: Attributes = Field(default_factory=dict, description="All of them: those not named here go.")

    @property
    def edit(self) -> Edit:
        """The change, without what was not sent."""
        sent = self.model_fields_set
        return Edit(
            product_id=self.product_id if "product_id" in sent else None,
            title=self.title,
            retitled="title" in sent,
            attributes=self.attributes if "attributes" in sent else None,
        )


class ScoredImage(Image):
    """An image near a query."""

    score: float = Field(description="The cosine of this photo with the query, in [-1, 1].")

    @classmethod
    def of_hit(cls, hit: Hit) -> "ScoredImage":
        """Show a hit."""
        return cls(**_image_fields(hit.entry), score=hit.score)


def _image_fields(entry: Entry) -> dict[str, Any]:
    address = f"/images/{entry.image_id}"  # an image's id is safe in a path as it is
    return {
        "image_id": entry.image_id,
        "name": entry.name,
        "label_ids": list(entry.label_ids),
        "product_id": entry.product_id,
        "title": entry.title,
        "attributes": dict(entry.attributes),
        "width": entry.width,
        "height": entry.height,
        "source_url": entry.locator if entry.origin is Origin.DOWNLOAD else None,
        "content_url": f"{address}/content",
        "thumbnail_url": f"{address}/thumbnail",
    }
