"""What each site's robots.txt allows (RFC 9309): asked for once a day, by one request at a time for each site."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from protego import Protego

from app.adapters.downloading.bodies import Body
from app.adapters.downloading.hosts import Trip
from app.adapters.downloading.requesting import Failed
from app.domain.addresses import WebAddress, parse_address
from app.domain.crawling import AGENT
from app.domain.errors import Reason

MAX_ROBOTS_BYTES: Final = 512 * 1024
_KEPT_S: Final = 24 * 3600.0
_REFUSAL_KEPT_S: Final = 600.0
_ASKED_AT_MOST: Final = 3
_MAX_SITES: Final = 10_000
_MAX_KEPT_BYTES: Final = 2_000_000
_LARGE_BYTES: Final = 16 * 1024
# No answer: whether there are rules is not known. With every other failure there are none that could be read.
_UNKNOWN: Final = frozenset({Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT, Reason.INCOMPLETE_BODY})

Ask = Callable[[WebAddress, Trip], Awaitable[Body | Failed]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What one site allows; all or nothing where there are no `pages`."""

    expires: float
    size: int = 0
    pages: Protego | None = None
    otherwise: bool = True

    def allow(self, url: str) -> bool:
        """Whether we may ask for an address of the site."""
        return self.otherwise if self.pages is None else self.pages.can_fetch(url, AGENT)


class Robots:
    """The rules of the sites that were asked last, so many and so large at most."""

    def __init__(self, ask: Ask, pause: Callable[[int], Awaitable[None]]) -> None:
        """`ask` gets a robots.txt, redirects followed; `pause` waits after so many failures."""
        self._ask = ask
        self._pause = pause
        self._sites: OrderedDict[str, Rules] = OrderedDict()
        self._kept_bytes = 0
        self._asked: dict[str, asyncio.Future[None]] = {}

    def known(self, origin: str) -> Rules | None:
        """A site's rules, if they were asked for and are not too old."""
        rules = self._sites.get(origin)
        if rules is None or rules.expires < asyncio.get_running_loop().time():
            return None
        self._sites.move_to_end(origin)
        return rules

    async def rules(self, address: WebAddress, trip: Trip) -> Rules | Failed:
        """The rules of an address' site, asked for if need be; or why they cannot be had."""
        origin = address.site.origin
        while (rules := self.known(origin)) is None:
            asked = self._asked.get(origin)
            if asked is None:
                return await self._ask_alone(origin, trip)
            await asyncio.shield(asked)
        return rules

    async def _ask_alone(self, origin: str, trip: Trip) -> Rules | Failed:
        asked = self._asked[origin] = asyncio.get_running_loop().create_future()
        try:
            rules = await self._read(origin, trip)
        finally:
            del self._asked[origin]
            asked.set_result(None)
        if isinstance(rules, Rules):
            self._keep(origin, rules)
        return rules

    async def _read(self, origin: str, trip: Trip) -> Rules | Failed:
        address = parse_address(f"{origin}/robots.txt")
        if isinstance(address, Reason):
            return Failed(address, tried=False)
        answer = await self._ask(address, trip)
        for failures in range(1, _ASKED_AT_MOST):
            if not isinstance(answer, Failed) or answer.reason is not Reason.HTTP_5XX or not answer.tried:
                break
            await self._pause(failures)
            answer = await self._ask(address, trip)
        now = asyncio.get_running_loop().time()
        if isinstance(answer, Body):
            return await _parsed(answer.data, now + _KEPT_S)
        if answer.reason in _UNKNOWN or not answer.tried:
            return answer
        if answer.reason is Reason.HTTP_5XX:
            return Rules(now + _REFUSAL_KEPT_S, otherwise=False)
        return Rules(now + _KEPT_S)

    def _keep(self, origin: str, rules: Rules) -> None:
        former = self._sites.pop(origin, None)
        self._kept_bytes += rules.size - (former.size if former else 0)
        self._sites[origin] = rules
        while len(self._sites) > _MAX_SITES or (self._kept_bytes > _MAX_KEPT_BYTES and len(self._sites) > 1):
            self._kept_bytes -= self._sites.popitem(last=False)[1].size


async def _parsed(data: bytes, expires: float) -> Rules:
    if b"dis" not in data.lower() and b"dias" not in data.lower():
        return Rules(expires)  # the usual short file that forbids nothing
    text = data.decode("utf-8-sig", "replace")
    if len(data) > _LARGE_BYTES:
        return Rules(expires, len(data), await asyncio.to_thread(Protego.parse, text))
    return Rules(expires, len(data), Protego.parse(text))
