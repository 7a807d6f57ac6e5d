"""One request: an address -> its body, another address, or why not. Nothing is tried twice here."""

import asyncio
import logging
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession
from aiohttp.http import HttpProcessingError
from yarl import URL

from app.adapters.downloading.bodies import (
    Body,
    BodyIncompleteError,
    BodyReader,
    BodyTooLargeError,
    UnknownEncodingError,
)
from app.adapters.downloading.guard import BlockedError, Guard, NameLookupError
from app.domain.addresses import WebAddress
from app.domain.crawling import forbids_indexing
from app.domain.errors import Reason
from app.domain.retrying import may_pass, reason_of_status, wait_asked_for_s

_log = logging.getLogger(__name__)
_OK: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Redirected:
    """Another address, as the server put it."""

    location: str


@dataclass(frozen=True, slots=True)
class Failed:
    """No body. `again`: another try may help; `wait_s`: not before; `tried`: something was sent, or was to be."""

    reason: Reason
    again: bool = False
    wait_s: float | None = None
    tried: bool = True


Answer = Body | Redirected | Failed


class _ConnectionLostError(Exception):
    """The server hung up before it answered."""


async def lose_no_count(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """A middleware: aiohttp sends a request again by itself when the server hangs up; we count what we send."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, TimeoutError):
        raise
    except (OSError, aiohttp.ServerDisconnectedError) as error:
        raise _ConnectionLostError from error


@dataclass(frozen=True, slots=True)
class Requester:
    """Sends requests of one kind: how much of a body is read, and whether X-Robots-Tag is looked at."""

    session: ClientSession
    guard: Guard
    bodies: BodyReader
    obey_tags: bool = False

    async def get(self, address: WebAddress, timeout_s: float) -> Answer:
        """Ask for an address, within the time. Never raises for what the web does."""
        if address.site.ip is not None and not self.guard.allows(address.site.host):
            return Failed(Reason.BLOCKED_ADDRESS, tried=False)
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                response = await self.session.get(URL(address.url, encoded=True), allow_redirects=False)
                try:
                    return await self._answer(response, deadline)
                finally:
                    response.close()  # without effect on a connection that is free again
        except Exception as error:  # noqa: BLE001  # whatever a server sends must not end a job
            return failure_of(error, tls=address.site.scheme == "https")

    async def _answer(self, response: ClientResponse, deadline: asyncio.Timeout) -> Answer:
        if response.status != _OK:
            if response.status in _REDIRECTS and "Location" in response.headers:
                return Redirected(response.headers["Location"])
            if failed := _failure_of_status(response):
                return failed
        if self.obey_tags and forbids_indexing(response.headers.getall("X-Robots-Tag", ())):
            return Failed(Reason.ROBOTS)
        return await self.bodies.read(response, deadline)


def _failure_of_status(response: ClientResponse) -> Failed | None:
    reason = reason_of_status(response.status)
    if reason is None:
        return None
    wait_s = wait_asked_for_s(response.status, response.headers.get("Retry-After"), datetime.now(UTC))
    return Failed(reason, again=may_pass(response.status), wait_s=wait_s)


def failure_of(error: Exception, *, tls: bool) -> Failed:
    """What an exception of the network, of TLS or of the HTTP client means."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _failure_to_connect(error, tls=tls)
    for kinds, failed in _FAILURE_OF_ERROR:
        if isinstance(error, kinds):
            return failed
    _log.warning("A download failed in a way that has no name yet.", exc_info=error)
    return Failed(Reason.CONNECT)


# The first kind that fits, in this order.
_FAILURE_OF_ERROR: Final[tuple[tuple[tuple[type[Exception], ...], Failed], ...]] = (
    ((TimeoutError,), Failed(Reason.TIMEOUT, again=True)),
    ((BodyTooLargeError,), Failed(Reason.TOO_LARGE)),
    ((UnknownEncodingError,), Failed(Reason.NOT_AN_IMAGE)),
    ((aiohttp.InvalidURL,), Failed(Reason.BAD_URL, tried=False)),
    ((_ConnectionLostError,), Failed(Reason.CONNECT, again=True)),
    # Lost on the way, or not what HTTP is.
    (
        (BodyIncompleteError, aiohttp.ClientError, HttpProcessingError, OSError),
        Failed(Reason.INCOMPLETE_BODY, again=True),
    ),
)


def _failure_to_connect(error: aiohttp.ClientConnectorError, *, tls: bool) -> Failed:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return Failed(Reason.TLS)
    cause = error.os_error
    if isinstance(cause, BlockedError):
        return Failed(Reason.BLOCKED_ADDRESS)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failed(Reason.DNS, again=not isinstance(cause, NameLookupError) or cause.again)
    # A connection that is reset before it is made may have been reset in the middle of its TLS handshake.
    if tls and isinstance(cause, ssl.SSLError | ConnectionResetError | ConnectionAbortedError):
        return Failed(Reason.TLS, again=True)
    return Failed(Reason.CONNECT, again=True)
