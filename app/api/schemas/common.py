"""Parameters and shapes that several resources share."""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    FiniteFloat,
    JsonValue,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from app.domain.errors import InvalidRequestError
from app.domain.naming import IMAGE_ID_PATTERN, LABEL_ID_PATTERN, MAX_PRODUCT_ID_LENGTH


def _printable(text: str) -> str:
    if not text.isprintable():
        message = "only printable characters"
        raise ValueError(message)
    return text


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = "half a character is no text"
        raise ValueError(message) from error
    return text


_Text = Annotated[str, AfterValidator(_whole)]
LabelId = Annotated[str, Field(pattern=LABEL_ID_PATTERN, description="A label's id.", examples=["shoes"])]
ImageId = Annotated[
    str, Field(pattern=IMAGE_ID_PATTERN, description="An image's id.", examples=["0f3a9c1b2d4e5f60718293a4"])
]
ImageUrl = Annotated[
    str,
    Field(
        min_length=1,
        max_length=8_000,
        description="The http or https address of a photo, which the service fetches and does not keep.",
    ),
]
File = Annotated[str, WithJsonSchema({"type": "string", "format": "binary"})]
"""A file of a form, for the description alone: files are read apart from fields."""
MAX_POSITION: Final = 2**63 - 1
"""The largest number that a place in a list may have."""
K = Annotated[int, Field(ge=1, le=100, description="How many results.")]
GroupBy = Annotated[Literal["product", "image"], Field(description="One result for each product, or for each photo.")]
MinScore = Annotated[float | None, Field(ge=-1, le=1, description="Only results that score at least this.")]
Exact = Annotated[bool, Field(description="Compare with every entry: nothing near is missed.")]
FILTER_EXAMPLE: Final[dict[str, JsonValue]] = {"and": [{"eq": {"colour": "red"}}, {"gte": {"price": 10}}]}
_FILTER: Final = (
    "Conditions on attributes that the catalogue declares: one operator in each object. `eq`, `gt`, `gte`, `lt`, `lte`"
    " compare an attribute with a value, `in` with a list of values; `exists` names an attribute; `and` and `or` take"
    " lists of filters, `not` takes one. Booleans go with `eq`, `in` and `exists`; dates are ISO 8601. The search is"
    " narrowed before it runs."
)
FilterDocument = Annotated[
    Any,
    Field(description=_FILTER),
    WithJsonSchema({"anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}]}),
]
FilterText = Annotated[
    Any,
    Field(description=f"JSON. {_FILTER}", examples=[json.dumps(FILTER_EXAMPLE)]),
    WithJsonSchema({"type": "string"}),
]
ProductId = Annotated[str, Field(min_length=1, max_length=MAX_PRODUCT_ID_LENGTH), AfterValidator(_printable)]
CatalogueName = Annotated[
    str,
    Field(min_length=1, max_length=200, description="A catalogue's name.", examples=["catalogue"]),
    AfterValidator(_printable),
]
Title = Annotated[_Text, Field(max_length=4096)]
Attributes = Annotated[
    dict[_Text, _Text | FiniteFloat | bool],
    Field(description="Strings, numbers and booleans by name.", examples=[{"colour": "red", "price": 9.5}]),
]
_ATTRIBUTES: Final = TypeAdapter[dict[str, str | float | bool]](Attributes)


def parse_attributes(text: str | None) -> dict[str, str | float | bool]:
    """A form's JSON -> attributes, held to the same rules. Raises InvalidRequestError."""
    try:
        return _ATTRIBUTES.validate_json(text) if text else {}
    except ValidationError as error:
        detail = 'attributes: a JSON object of strings, numbers and booleans, such as {"colour": "red"}.'
        raise InvalidRequestError("invalid_request", detail) from error


class Page(BaseModel):
    """A part of a list."""

    next_cursor: str | None = Field(description="Send it as `cursor` for the next part; null at the end.")
