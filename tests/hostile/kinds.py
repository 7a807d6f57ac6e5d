"""What the web does to those who fetch from it: each kind of address, how common it is, and what may become of it.

The shares follow the failures that were seen with the real data: 4 % of the addresses die with their host, in the
proportions of a published log (35 connect timeouts, 18 resets, 16 read timeouts, 2 names, 1 each of TLS, refusal and
redirect loop, where one alone would be too few to see); the rest is what servers answer instead of a photo.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.errors import Reason

INDEXED: Final = "indexed"


class Place(StrEnum):
    """Whose host serves it."""

    SHOP = "shop"
    """Among the good photos of a shop."""
    OWN = "own"
    """A host where nothing else is to be had: it is the host that is broken."""
    ADDRESS = "address"
    """No name, but an IP address in the URL."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of address; `per_10_000` says how many there are, `outcomes` what may become of an image there."""

    name: str
    per_10_000: int
    outcomes: frozenset[str]
    place: Place = Place.SHOP
    scheme: str = "http"

    @property
    def good(self) -> bool:
        """Whether the image must be indexed."""
        return self.outcomes == {INDEXED}

    @property
    def sure(self) -> bool:
        """Whether it is known beforehand if the image will be indexed."""
        return self.good or INDEXED not in self.outcomes


def _good(name: str, per_10_000: int, place: Place = Place.SHOP) -> Kind:
    return Kind(name, per_10_000, frozenset({INDEXED}), place)


def _served(name: str, per_10_000: int, *reasons: Reason) -> Kind:
    return Kind(name, per_10_000, frozenset(reasons))


def _broken(name: str, per_10_000: int, *outcomes: str, scheme: str = "http", place: Place = Place.OWN) -> Kind:
    return Kind(name, per_10_000, frozenset(outcomes), place, scheme)


GOOD: Final = _good("good", 0)
"""Its share is what the others leave."""

KINDS: Final = (
    # The host is dead.
    _broken("connect-timeout", 189, Reason.CONNECT, Reason.TIMEOUT),
    _broken("reset", 60, Reason.CONNECT, Reason.INCOMPLETE_BODY),
    _broken("reset-in-body", 37, Reason.CONNECT, Reason.INCOMPLETE_BODY),
    _broken("silent", 50, Reason.TIMEOUT),
    _broken("trickle", 36, Reason.TIMEOUT),
    _broken("dead-name", 15, Reason.DNS),
    _broken("servfail", 5, Reason.DNS),
    _broken("silent-name", 3, Reason.DNS, Reason.TIMEOUT),
    _broken("tls-eof", 6, Reason.TLS, scheme="https"),
    _broken("tls-plain", 4, Reason.TLS, scheme="https"),
    _broken("refused", 8, Reason.CONNECT),
    _broken("redirect-loop", 6, Reason.TOO_MANY_REDIRECTS),
    # The server says no.
    _served("403", 60, Reason.HTTP_403),
    _served("404", 200, Reason.HTTP_404),
    _served("410", 20, Reason.HTTP_410),
    _served("451", 10, Reason.HTTP_4XX),
    _broken("429", 20, Reason.HTTP_429),
    _broken("500", 40, Reason.HTTP_5XX),
    _good("429-then-good", 50),
    _good("500-then-good", 60),
    # What is served is no photo.
    _served("1x1", 100, Reason.PLACEHOLDER, Reason.TOO_SMALL),
    _served("3x3", 10, Reason.PLACEHOLDER, Reason.TOO_SMALL),
    _served("small", 15, Reason.TOO_SMALL),
    _served("html", 60, Reason.NOT_AN_IMAGE),
    _served("empty", 15, Reason.NOT_AN_IMAGE, Reason.INCOMPLETE_BODY, Reason.UNDECODABLE),
    _served("svg", 15, Reason.UNSUPPORTED_TYPE, Reason.NOT_AN_IMAGE),
    _served("truncated", 40, Reason.UNDECODABLE),
    _served("wrong-length", 30, Reason.INCOMPLETE_BODY),
    _served("cut-chunks", 10, Reason.INCOMPLETE_BODY),
    _served("endless", 10, Reason.TOO_LARGE, Reason.TIMEOUT),
    _served("endless-chunks", 5, Reason.TOO_LARGE, Reason.TIMEOUT),
    _served("bomb", 10, Reason.TOO_LARGE),
    # The owner does not want it fetched.
    _served("noindex", 20, Reason.ROBOTS),
    _broken("disallowed", 20, Reason.ROBOTS),
    _broken("robots-500", 10, Reason.ROBOTS, Reason.HTTP_5XX),
    # The address is a way into a network that is not allowed.
    _served("redirect-inside", 30, Reason.BLOCKED_ADDRESS, Reason.BAD_URL, Reason.DNS),
    _broken("inside", 15, Reason.BLOCKED_ADDRESS, Reason.BAD_URL, Reason.DNS, place=Place.ADDRESS),
    _broken("inside-name", 10, Reason.BLOCKED_ADDRESS),
    _broken("inside-v6-name", 5, Reason.BLOCKED_ADDRESS, Reason.DNS),
    _broken("rebinding", 20, INDEXED, Reason.BLOCKED_ADDRESS, Reason.HTTP_5XX),
    _broken("half-inside", 10, INDEXED, Reason.BLOCKED_ADDRESS),
    # Good ones that need some care.
    _good("slow", 50),
    _good("gzipped", 40),
    _good("chunked", 50),
    _good("other-type", 100),
    _good("redirect", 100),
    _good("as-written", 120),
    _good("by-address", 30, Place.ADDRESS),
)

BY_NAME: Final = {kind.name: kind for kind in (GOOD, *KINDS)}
