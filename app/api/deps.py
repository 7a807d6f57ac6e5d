"""What routes are given: the services, and the pages of lists."""

import base64
import heapq
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Path, Query, Request

from app.api.schemas.common import MAX_POSITION
from app.domain.errors import InvalidRequestError
from app.domain.naming import IMAGE_ID_PATTERN, LABEL_ID_PATTERN
from app.flows.services import Services

Item = TypeVar("Item")


async def _services(request: Request) -> Services:
    # Not a plain function: FastAPI would call that on a thread, for each request.
    services: Services = request.state.services
    return services


Using = Annotated[Services, Depends(_services)]


async def _indexer(services: Using) -> None:
    services.leading.require()


CHANGES: Final = [Depends(_indexer)]
"""Of a route that changes something: where another process makes the changes, nothing of the request is looked at."""

LabelPath = Annotated[str, Path(pattern=LABEL_ID_PATTERN, description="A label's id.", examples=["shoes"])]
ImagePath = Annotated[
    str, Path(pattern=IMAGE_ID_PATTERN, description="An image's id.", examples=["0f3a9c1b2d4e5f60718293a4"])
]
JobPath = Annotated[
    str, Path(pattern=r"^[0-9a-f]{1,64}$", description="A job's id.", examples=["4f0c2a9be1d35f6072819ab4"])
]
CataloguePath = Annotated[
    str, Path(min_length=1, max_length=200, description="A catalogue's name.", examples=["catalogue"])
]
Limit = Annotated[int, Query(ge=1, le=200, description="How many items.")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]

PAGE: Final = 50
_BAD_CURSOR: Final = "cursor is `next_cursor` of the page before, as it was; leave it out for the first page."


def encode_cursor(key: Sequence[Any]) -> str:
    """The sort key of a page's last item -> an opaque word."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, types: Sequence[type]) -> tuple[Any, ...] | None:
    """The word -> the key, checked for its types. Raises InvalidRequestError."""
    if cursor is None:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return tuple(_typed(part, kind) for part, kind in zip(parts, types, strict=True))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequestError("invalid_request", _BAD_CURSOR) from error


def _typed(part: object, kind: type) -> Any:
    if kind is datetime and isinstance(part, str):
        return datetime.fromisoformat(part)
    if type(part) is not kind or (isinstance(part, int) and abs(part) > MAX_POSITION):
        raise TypeError(part)
    return part


def page(
    items: Sequence[Item], key: Callable[[Item], tuple[Any, ...]], after: tuple[Any, ...] | None, limit: int
) -> tuple[list[Item], str | None]:
    """The next `limit` items by key behind `after`, and the cursor of the page behind them."""
    rest = items if after is None else [item for item in items if key(item) > after]
    found = heapq.nsmallest(limit, rest, key)
    return found, encode_cursor(key(found[-1])) if len(rest) > limit else None
