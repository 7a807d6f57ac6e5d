"""Whose turn it is: so many requests at once, fewer for each owner, and hosts that are left alone for a while."""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from publicsuffixlist import PublicSuffixList

from app.adapters.downloading.requesting import Answer, Failed
from app.domain.addresses import Site
from app.domain.breaking import CLOSED, Breaker, BreakerRules, Verdict
from app.domain.errors import Reason

_MAX_TROUBLED: Final = 10_000
_MAX_OWNERS_KEPT: Final = 10_000
_LONGEST_PAUSE_S: Final = 3600.0
# Nobody answered: what opens a breaker. Everything else shows that the host is there.
_NOBODY_ANSWERED: Final = frozenset({Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.TIMEOUT})


@dataclass(slots=True)
class Trip:
    """One try of one address, and what is left of its time: for requests, and for hosts that are left alone."""

    requests_s: float
    patience_s: float


class Ticket(Enum):
    """Leave to call a host."""

    CALL = auto()
    PROBE = auto()
    """As the only one: others wait for what comes of it."""


class Slots:
    """At most `at_once` requests, and at most `per_owner` to hosts of one owner, first come first served.

    The owner's slot is taken first: who waits for a busy owner is in nobody else's way. Then a place for the body,
    one of `in_memory`, which outlives the request where there is one: who is slow to take bodies slows the requests.
    """

    def __init__(self, at_once: int, per_owner: int, in_memory: int, suffixes: PublicSuffixList) -> None:
        """An owner is a domain that somebody registered, by the public suffix list; an address is its own."""
        self._all = _Turns(at_once)
        self._bodies = _Turns(in_memory)
        self._per_owner = per_owner
        self._owners: dict[str, Owner] = {}
        self._owner_of = lru_cache(_MAX_OWNERS_KEPT)(lambda host: suffixes.privatesuffix(host) or host)

    async def take(self, site: Site) -> "Owner":
        """The slots, once it is this request's turn; to be given back by the owner that is returned."""
        name = site.host if site.ip is not None else self._owner_of(site.host)
        owner = self._owners.get(name)
        if owner is None:
            owner = self._owners[name] = Owner(name, _Turns(self._per_owner))
        owner.users += 1
        try:
            await owner.turns.come()
        except BaseException:
            self._leave(owner)
            raise
        try:
            await self._come_to_all()
        except BaseException:
            owner.turns.go()
            self._leave(owner)
            raise
        return owner

    async def _come_to_all(self) -> None:
        await self._bodies.come()
        try:
            await self._all.come()
        except BaseException:
            self._bodies.go()
            raise

    def give_back(self, owner: "Owner", *, with_body: bool) -> None:
        """Give the slots back; `with_body`, but for its place."""
        self._all.go()
        owner.turns.go()
        self._leave(owner)
        if not with_body:
            self._bodies.go()

    def give_back_body(self) -> None:
        """A body is done with."""
        self._bodies.go()

    def _leave(self, owner: "Owner") -> None:
        owner.users -= 1
        if not owner.users:
            del self._owners[owner.name]


@dataclass(slots=True)
class Owner:
    """Whose hosts share slots; forgotten when nobody uses or waits for one."""

    name: str
    turns: "_Turns"
    users: int = 0


class _Turns:
    """A semaphore that hands each place on to whoever waited longest, however many wait."""

    __slots__ = ("_free", "_waiting")

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def come(self) -> None:
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was our turn already
                self.go()
            raise

    def go(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


@dataclass(slots=True)
class _Host:
    """A host with failures in a row, or one that asked to be left alone."""

    breaker: Breaker = CLOSED
    paused_until: float = 0.0
    pause_reason: Reason = Reason.HTTP_429
    waiting: dict["asyncio.Future[None]", None] = field(default_factory=dict)

    def wake(self) -> None:
        for future in self.waiting:
            if not future.done():
                future.set_result(None)


class Hosts:
    """What stands in the way of calling a host. Only hosts with trouble are remembered, so many at most."""

    def __init__(self, rules: BreakerRules, longest_pause_s: float) -> None:
        """Pauses that were asked for are waited for up to `longest_pause_s`."""
        self._rules = rules
        self._longest_pause_s = longest_pause_s
        self._troubled: OrderedDict[str, _Host] = OrderedDict()

    def calm(self, endpoint: str) -> bool:
        """Whether a host can be called just so."""
        host = self._troubled.get(endpoint)
        if host is None:
            return True
        now = asyncio.get_running_loop().time()
        return now >= host.paused_until and host.breaker.verdict(now, self._rules) is Verdict.GO

    async def admission(self, endpoint: str, trip: Trip) -> Ticket | Failed:
        """Wait until a host may be called, or learn that it is not worth waiting."""
        loop = asyncio.get_running_loop()
        while host := self._troubled.get(endpoint):
            now = loop.time()
            pause_s = host.paused_until - now
            if pause_s > self._longest_pause_s:
                return Failed(host.pause_reason, tried=False)
            verdict = host.breaker.verdict(now, self._rules) if pause_s <= 0 else Verdict.WAIT
            if verdict is Verdict.GO:
                break
            if verdict is Verdict.PROBE:
                host.breaker = host.breaker.probed()
                return Ticket.PROBE
            if verdict is Verdict.REFUSE or trip.patience_s <= 0:
                return Failed(host.breaker.reason or host.pause_reason, tried=False)
            due_s = max(pause_s, host.breaker.until - now)
            await _changed(host, min(due_s if due_s > 0 else trip.patience_s, trip.patience_s))
            trip.patience_s -= loop.time() - now
        return Ticket.CALL

    def abandon(self, endpoint: str) -> None:
        """A probe ended without a report: another one may go."""
        host = self._troubled.get(endpoint)
        if host is not None and host.breaker.probing:
            host.breaker = host.breaker.abandoned()
            host.wake()

    def report(self, endpoint: str, ticket: Ticket, answer: Answer) -> None:
        """What became of a call."""
        if isinstance(answer, Failed):
            if answer.reason in _NOBODY_ANSWERED:
                self._failed(endpoint, ticket, answer.reason)
                return
            if answer.wait_s is not None:
                self._pause(endpoint, answer.wait_s, answer.reason)
        if endpoint in self._troubled:
            self._succeeded(endpoint)

    def _failed(self, endpoint: str, ticket: Ticket, reason: Reason) -> None:
        host = self._host(endpoint)
        now = asyncio.get_running_loop().time()
        host.breaker = host.breaker.failed(now, reason, self._rules, probe=ticket is Ticket.PROBE)
        if ticket is Ticket.PROBE:
            host.wake()

    def _succeeded(self, endpoint: str) -> None:
        host = self._troubled[endpoint]
        host.breaker = CLOSED
        if host.paused_until <= asyncio.get_running_loop().time():
            del self._troubled[endpoint]
        host.wake()

    def _pause(self, endpoint: str, wait_s: float, reason: Reason) -> None:
        host = self._host(endpoint)
        until = asyncio.get_running_loop().time() + min(wait_s, _LONGEST_PAUSE_S)
        host.paused_until = max(host.paused_until, until)
        host.pause_reason = reason

    def _host(self, endpoint: str) -> _Host:
        host = self._troubled.get(endpoint)
        if host is None:
            host = self._troubled[endpoint] = _Host()
            if len(self._troubled) > _MAX_TROUBLED:
                self._troubled.popitem(last=False)[1].wake()
        return host


async def _changed(host: _Host, timeout_s: float) -> None:
    """Wait until something changes for a host, but not longer than that."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    host.waiting[future] = None
    try:
        async with asyncio.timeout(timeout_s):
            await future
    except TimeoutError:
        pass
    finally:
        del host.waiting[future]
