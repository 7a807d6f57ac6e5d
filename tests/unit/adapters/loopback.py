"""A small web on loopback: servers that answer as they are told, byte by byte, and a name server."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import cast

from dnslib import AAAA, QTYPE, RCODE, RR, A, DNSRecord

from app.adapters.downloading.downloads import WebDownloads
from app.adapters.downloading.options import DownloadOptions
from app.domain.downloads import Fetched, NotFetched

ALLOWED = "127.0.1.1"
ALSO_ALLOWED = "127.0.1.2"
FORBIDDEN = "127.0.2.1"
NAMES = "127.0.0.1"
WAIT_S = 10.0
_TURNS = 10
"""Of the loop, until a connection that was accepted at the last moment is one that is ended."""
PHOTO = b"\xff\xd8 the bytes of a photo \xff\xd9"

QUICK = DownloadOptions(
    contact="mailto:us@example.org",
    allowed_networks=(ip_network("127.0.1.0/24"),),
    backoff_s=0.001,
    connect_timeout_s=2.0,
    read_timeout_s=2.0,
    total_timeout_s=5.0,
    names_timeout_s=2.0,
    cool_downs_s=(0.02, 0.04, 0.08),
    given_up_s=0.3,
    patience_s=5.0,
)


@dataclass
class Call:
    """One request as it came in."""

    target: str
    headers: Mapping[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        self.writer.transport.abort()


Answer = Callable[[Call], Awaitable[None]]


def reply(status: int = 200, body: bytes = b"", *headers: str) -> bytes:
    """A whole response; a Content-Length among the headers replaces the true one."""
    lines = [f"HTTP/1.1 {status} Some Reason", *headers]
    if not any(header.lower().startswith(("content-length:", "transfer-encoding:")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def pages(found: Mapping[str, bytes | Sequence[bytes]]) -> Answer:
    """Whole responses by target, 404 elsewhere; of several each is sent once, the last one from then on."""
    left = {target: [each] if isinstance(each, bytes) else list(each) for target, each in found.items()}

    async def answer(call: Call) -> None:
        responses = left.get(call.target)
        if responses is None:
            await call.send(reply(404))
        else:
            await call.send(responses.pop(0) if len(responses) > 1 else responses[0])

    return answer


@dataclass
class Site:
    """A server: who called, and for what."""

    host: str
    port: int = 0
    connections: int = 0
    all_calls: list[Call] = field(default_factory=list)

    def url(self, path: str, host: str | None = None) -> str:
        return f"http://{host or self.host}:{self.port}{path}"

    @property
    def targets(self) -> list[str]:
        """What was asked for, but for robots.txt."""
        return [call.target for call in self.all_calls if call.target != "/robots.txt"]

    @property
    def robots_asked(self) -> int:
        return len(self.all_calls) - len(self.targets)


@asynccontextmanager
async def serving(
    answer: Answer, host: str = ALLOWED, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    """A server on one address."""
    site = Site(host)
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        site.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while not writer.is_closing():
                    call = _read_call(await reader.readuntil(b"\r\n\r\n"), reader, writer)
                    site.all_calls.append(call)
                    await answer(call)
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, host, port, ssl=tls, backlog=512)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for task in [*tasks]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def _read_call(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call:
    first, *lines = head.decode("ascii").strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Call(first.split(" ")[1], headers, reader, writer)


Addresses = Sequence[str] | int | None
"""A name's addresses; a code instead of an answer; or no answer at all."""


class Names(asyncio.DatagramProtocol):
    """A name server. Of several answers each is given once, the last one from then on; no name: NXDOMAIN."""

    def __init__(self, zone: Mapping[str, Sequence[Addresses]]) -> None:
        self._left = {name: list(answers) for name, answers in zone.items()}
        self._last: dict[str, Addresses] = {}
        self.asked: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = DNSRecord.parse(data)
        name, kind = str(query.q.qname).rstrip("."), QTYPE[query.q.qtype]
        answers = self._left.get(name, [RCODE.NXDOMAIN])
        if kind == "A":
            self.asked.append(name)
            self._last[name] = answers.pop(0) if len(answers) > 1 else answers[0]
        found = self._last.get(name, answers[0])
        if found is not None and self._transport is not None:
            self._transport.sendto(_named(query, kind, found).pack(), addr)


def _named(query: DNSRecord, kind: str, found: Sequence[str] | int) -> DNSRecord:
    response = query.reply()
    if isinstance(found, int):
        response.header.rcode = found
        return response
    for address in found:
        data = AAAA(address) if ":" in address else A(address)
        if kind == type(data).__name__:
            response.add_answer(RR(query.q.qname, query.q.qtype, ttl=0, rdata=data))
    return response


@asynccontextmanager
async def naming(zone: Mapping[str, Sequence[Addresses]]) -> AsyncIterator[tuple[Names, DownloadOptions]]:
    """A name server, and options with it."""
    names = Names(zone)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: names, (NAMES, 0))
    port = transport.get_extra_info("sockname")[1]
    try:
        yield names, replace(QUICK, nameservers=(f"{NAMES}:{port}",))
    finally:
        transport.close()
        await asyncio.sleep(0)


async def fetched(downloads: WebDownloads, url: str) -> Fetched | NotFetched:
    """What a fetch gives, its context left at once."""
    async with downloads.fetch(url) as result:
        return result


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so; it must be soon."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110  # of several kinds
            await asyncio.sleep(0.005)
