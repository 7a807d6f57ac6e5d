"""Which of the types that an operation offers a caller wants (RFC 9110, 12.5.1)."""

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import Request
from starlette.exceptions import HTTPException


def wanted_type(request: Request, offered: Sequence[str]) -> str:
    """The offered type that `Accept` likes best, the first of equals. Raises HTTPException 406."""
    found = best_type(",".join(request.headers.getlist("accept")), offered)
    if found is None:
        raise HTTPException(HTTPStatus.NOT_ACCEPTABLE)
    return found


def best_type(accepted: str, offered: Sequence[str]) -> str | None:
    """An `Accept` header's best match, or None."""
    ranges = [_media_range(part) for part in accepted.split(",") if part.strip()]
    if not ranges:
        return offered[0]
    qualities = {kind: _quality(kind, ranges) for kind in offered}
    best = max(offered, key=lambda kind: qualities[kind])
    return best if qualities[best] > 0 else None


def _media_range(part: str) -> tuple[str, float]:
    kind, *parameters = (word.strip().lower() for word in part.split(";"))
    quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
    try:
        return kind, float(quality)
    except ValueError:
        return kind, 1.0


def _quality(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    """That of the most specific range that covers the type; 0 where none does."""
    for pattern in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        for found, quality in ranges:
            if found == pattern:
                return quality
    return 0.0
