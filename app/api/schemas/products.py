"""Products as they are shown."""

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas.common import Page
from app.api.schemas.images import Image


class ProductSize(BaseModel):
    """A product, and how many photos of it are indexed."""

    product_id: str
    image_count: int


class ProductPage(Page):
    """Products by id."""

    items: list[ProductSize]


class ProductOut(BaseModel):
    """A product and a page of its photos."""

    model_config = ConfigDict(title="Product")

    product_id: str
    images: list[Image]
    next_cursor: str | None = Field(description="`cursor` of the next page of photos; null on the last.")
