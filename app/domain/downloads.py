"""What became of an address: values that the downloading adapter hands to the flow."""

from dataclasses import dataclass

from app.domain.errors import Reason


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes behind an address, whatever they are; `attempts` requests were made for them, redirects not counted."""

    url: str
    data: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class NotFetched:
    """No bytes; 0 `attempts` where none was worth making, with the reason of the last one that was."""

    url: str
    reason: Reason
    attempts: int
