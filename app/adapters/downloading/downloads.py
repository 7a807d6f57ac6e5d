"""Photos from the web, politely: each request in its turn, again where that can help, never where it is forbidden."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from types import TracebackType
from typing import Final

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from publicsuffixlist import PublicSuffixList

from app.adapters.downloading.bodies import Body, BodyMemory, BodyStarts, WholeBodies
from app.adapters.downloading.guard import Guard, GuardedResolver
from app.adapters.downloading.hosts import Hosts, Slots, Ticket, Trip
from app.adapters.downloading.options import DownloadOptions
from app.adapters.downloading.requesting import Answer, Failed, Redirected, Requester, lose_no_count
from app.adapters.downloading.robots import MAX_ROBOTS_BYTES, Robots
from app.domain.addresses import WebAddress, parse_address, redirect_target
from app.domain.breaking import BreakerRules
from app.domain.downloads import Fetched, NotFetched
from app.domain.errors import InvalidRequestError, Reason
from app.domain.retrying import Backoff

_MAX_REDIRECTS: Final = 10
_MAX_ROBOTS_REDIRECTS: Final = 5
_MAX_NAMES_KEPT: Final = 10_000
# Sites have few images each: more would be thousands of connections that nobody uses again.
_KEEPALIVE_S: Final = 3.0
_LARGE_QUERIES: Final = 2
_NOT_FETCHABLE: Final = "The image at image_url cannot be fetched; send the photo itself."

Visit = Callable[[WebAddress, Trip], Awaitable[Answer]]


class WebDownloads:
    """See the port. Made by `open_downloads`."""

    def __init__(self, options: DownloadOptions, session: ClientSession, guard: Guard, slots: Slots) -> None:
        """Everything that is remembered of hosts begins empty."""
        self._options = options
        self._slots = slots
        self._hosts = Hosts(
            BreakerRules(options.failures_to_open, options.cool_downs_s, options.given_up_s),
            options.longest_retry_after_s,
        )
        self._backoff = Backoff(options.backoff_s, options.longest_backoff_s)
        self._robots = Robots(self._ask_for_robots, self._pause) if options.obey_robots else None
        self._memory = BodyMemory(max(options.memory_bytes, options.max_bytes))
        self._query_memory = BodyMemory(_LARGE_QUERIES * options.max_bytes)
        self._queries = asyncio.Semaphore(options.queries_at_once)
        images = WholeBodies(options.max_bytes, self._memory)
        self._image_requests = Requester(session, guard, images, obey_tags=options.obey_robots)
        self._robots_requests = Requester(session, guard, BodyStarts(MAX_ROBOTS_BYTES))
        self._query_requests = Requester(session, guard, WholeBodies(options.max_bytes, self._query_memory))

    @property
    def remarks(self) -> Sequence[str]:
        """What a job should say of how it downloads."""
        return self._options.remarks

    def fetch(self, url: str) -> "_Fetch":
        """One address -> its bytes, or the reason why not."""
        return _Fetch(self, url)

    async def fetched(self, url: str) -> tuple[Fetched | NotFetched, int]:
        """What `fetch` gives, and how many bytes of memory it holds."""
        address = parse_address(url)
        if isinstance(address, Reason):
            return NotFetched(url, address, 0), 0
        attempts = 0
        patience_s = self._options.patience_s
        while True:
            trip = Trip(self._options.total_timeout_s, patience_s)
            answer = await self._follow(address, trip, self._visit, _MAX_REDIRECTS)
            if isinstance(answer, Body):
                return Fetched(url, answer.data, attempts + 1), answer.held
            attempts += answer.tried
            if not answer.again or attempts >= self._options.attempts:
                return NotFetched(url, answer.reason, attempts), 0
            patience_s = trip.patience_s
            if answer.wait_s is None:  # else the host is left alone for so long, by all
                await self._pause(attempts)

    def give_back(self, held: int) -> None:
        """The bytes of a body are done with."""
        self._slots.give_back_body()
        self._memory.give_back(held)

    async def query_photo(self, url: str) -> bytes:
        """A searcher's own address -> its bytes.

        One attempt, and robots.txt is not asked: a person named this one picture. Never kept waiting by jobs.
        """
        address = parse_address(url)
        if isinstance(address, WebAddress):
            try:
                async with asyncio.timeout(self._options.query_timeout_s), self._queries:
                    answer = await self._follow(address, self._new_trip(), self._visit_for_query, _MAX_REDIRECTS)
            except TimeoutError:
                answer = Failed(Reason.TIMEOUT)
            if isinstance(answer, Body):
                self._query_memory.give_back(answer.held)
                return answer.data
        raise InvalidRequestError("url_not_fetchable", _NOT_FETCHABLE)

    def _new_trip(self) -> Trip:
        return Trip(self._options.total_timeout_s, self._options.patience_s)

    async def _pause(self, failures: int) -> None:
        await asyncio.sleep(self._backoff.wait_s(failures, random.random()))  # noqa: S311  # no secret

    async def _follow(self, address: WebAddress, trip: Trip, visit: Visit, redirects: int) -> Body | Failed:
        """Visit an address, and where it leads to."""
        answer = await visit(address, trip)
        if not isinstance(answer, Redirected):
            return answer
        seen = {address.url}
        while isinstance(answer, Redirected):
            target = redirect_target(address, answer.location)
            if isinstance(target, Reason):
                return Failed(target)
            if target.url in seen or len(seen) > redirects:
                return Failed(Reason.TOO_MANY_REDIRECTS)
            seen.add(target.url)
            address = target
            answer = await visit(address, trip)
        return replace(answer, tried=True) if isinstance(answer, Failed) else answer

    async def _visit(self, address: WebAddress, trip: Trip) -> Answer:
        if self._robots is not None:
            rules = self._robots.known(address.site.origin) or await self._robots.rules(address, trip)
            if isinstance(rules, Failed):
                return rules
            if not rules.allow(address.url):
                return Failed(Reason.ROBOTS, tried=False)
        return await self._call(address, trip, self._image_requests)

    async def _ask_for_robots(self, address: WebAddress, trip: Trip) -> Body | Failed:
        """With a time of its own, so that the image behind it has all of its."""
        own = self._new_trip()
        own.patience_s = trip.patience_s
        try:
            return await self._follow(address, own, self._visit_robots, _MAX_ROBOTS_REDIRECTS)
        finally:
            trip.patience_s = own.patience_s

    async def _visit_robots(self, address: WebAddress, trip: Trip) -> Answer:
        return await self._call(address, trip, self._robots_requests)

    async def _visit_for_query(self, address: WebAddress, trip: Trip) -> Answer:
        return await self._query_requests.get(address, trip.requests_s)

    async def _call(self, address: WebAddress, trip: Trip, requester: Requester) -> Answer:
        """Send a request when its host may be called and a slot is free; no slot is held while waiting for the host."""
        endpoint = address.site.endpoint
        while True:
            calm = self._hosts.calm(endpoint)
            ticket = Ticket.CALL if calm else await self._hosts.admission(endpoint, trip)
            if isinstance(ticket, Failed):
                return ticket
            try:
                owner, with_body = await self._slots.take(address.site), False
                try:
                    if ticket is Ticket.PROBE or self._hosts.calm(endpoint):
                        answer = await self._send(address, trip, requester, ticket)
                        with_body = requester is self._image_requests and isinstance(answer, Body)
                        return answer
                finally:
                    self._slots.give_back(owner, with_body=with_body)
            finally:
                if ticket is Ticket.PROBE:
                    self._hosts.abandon(endpoint)

    async def _send(self, address: WebAddress, trip: Trip, requester: Requester, ticket: Ticket) -> Answer:
        began = asyncio.get_running_loop().time()
        answer = await requester.get(address, trip.requests_s)
        if isinstance(answer, Redirected):
            trip.requests_s -= asyncio.get_running_loop().time() - began
        self._hosts.report(address.site.endpoint, ticket, answer)
        return answer


class _Fetch:
    """The context of one fetch: the body that it gave counts until it is left."""

    __slots__ = ("_downloads", "_held", "_url")

    def __init__(self, downloads: WebDownloads, url: str) -> None:
        self._downloads = downloads
        self._url = url
        self._held: int | None = None
        """Bytes of memory that the body holds; None for no body."""

    async def __aenter__(self) -> Fetched | NotFetched:
        result, held = await self._downloads.fetched(self._url)
        self._held = held if isinstance(result, Fetched) else None
        return result

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held is not None:
            self._downloads.give_back(self._held)
            self._held = None


@asynccontextmanager
async def open_downloads(options: DownloadOptions) -> AsyncIterator[WebDownloads]:
    """Downloads for as long as the context lasts; every fetch must have ended before it is left."""
    suffixes = await asyncio.to_thread(_public_suffixes)
    tls = await asyncio.to_thread(ssl.create_default_context)
    guard = Guard(options.allowed_networks)
    resolver = GuardedResolver(guard, options.nameservers, options.names_timeout_s)
    connector = TCPConnector(
        limit=0,  # the slots are the limit
        resolver=resolver,
        use_dns_cache=options.names_kept_s > 0,
        ttl_dns_cache=options.names_kept_s,
        dns_cache_max_size=_MAX_NAMES_KEPT,
        socket_factory=guard.make_socket,
        keepalive_timeout=_KEEPALIVE_S,
        ssl=tls,
    )
    try:
        async with _session(options, connector) as session:
            slots = Slots(options.at_once, options.per_owner, options.in_memory, suffixes)
            yield WebDownloads(options, session, guard, slots)
    finally:
        await resolver.close()


@cache
def _public_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def _session(options: DownloadOptions, connector: TCPConnector) -> ClientSession:
    return ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": options.user_agent, "Accept": "image/*, */*;q=0.8", "Accept-Encoding": "identity"},
        timeout=ClientTimeout(
            total=None,
            connect=options.names_timeout_s + options.connect_timeout_s,
            sock_connect=options.connect_timeout_s,
            sock_read=options.read_timeout_s,
        ),
        auto_decompress=False,
        trust_env=False,
        middlewares=(lose_no_count,),
    )
