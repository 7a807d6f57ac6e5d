"""Parameters and shapes that several resources share."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from app.domain.naming import IMAGE_ID_PATTERN, LABEL_ID_PATTERN

LabelId = Annotated[str, Field(pattern=LABEL_ID_PATTERN, description="A label's id.", examples=["shoes"])]
ImageId = Annotated[
    str, Field(pattern=IMAGE_ID_PATTERN, description="An image's id.", examples=["0f3a9c1b2d4e5f60718293a4"])
]
File = Annotated[str, WithJsonSchema({"type": "string", "format": "binary"})]
"""A file of a form, for the description alone: files are read apart from fields."""
K = Annotated[int, Field(ge=1, le=100, description="How many results.")]
GroupBy = Annotated[Literal["product", "image"], Field(description="One result for each product, or for each photo.")]
MinScore = Annotated[float | None, Field(ge=-1, le=1, description="Only results that score at least this.")]
Exact = Annotated[bool, Field(description="Compare with every entry: nothing near is missed.")]


class Page(BaseModel):
    """A part of a list."""

    next_cursor: str | None = Field(description="Send it as `cursor` for the next part; null at the end.")
