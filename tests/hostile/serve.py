"""The web's own process: `python -m tests.hostile.serve --log FILE`.

It prints one line of JSON once everything listens, and ends when its standard input does: with whoever started it.
"""

import argparse
import asyncio
import json
import socket
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Final, TextIO, cast

import uvloop

from tests.hostile.addresses import BROKEN_TLS, REFUSING, RESETTING, SERVING, SILENT, WITNESSES
from tests.hostile.behaviours import PLAYS, Visit, robots
from tests.hostile.names import OverTcp, OverUdp, Zone
from tests.hostile.photos import Photos, of_size, originals
from tests.hostile.wire import Connection, Request, Script, reset, response

_BACKLOG: Final = 4096
_FILLERS: Final = 4
"""More than a backlog of nought takes: the kernel then leaves whoever else comes without an answer."""
_NO_SUCH_PAGE: Final = response("404 Not Found", b"")


class Site:
    """All hosts: finds what a request is answered, and writes it down before it is."""

    def __init__(self, photos: Photos, port: int, log: TextIO | None, latency_s: float) -> None:
        """`log` takes a line of JSON for each request."""
        self._photos = photos
        self._port = port
        self._log = log
        self._latency_s = latency_s
        self._attempts: Counter[tuple[str, str]] = Counter()

    def answer(self, request: Request) -> Script:
        """The script for a request."""
        _, kind, number, rest = (*request.target.split("/", 3), "", "", "")[:4]
        known = kind in PLAYS and number.isdigit()
        self.note(request.address, request.host, request.target, kind if known else "page")
        if request.target == "/robots.txt":
            return (robots(request.host),)
        if not known:
            return (_NO_SUCH_PAGE,)
        self._attempts[request.host, request.target] += 1
        attempt = self._attempts[request.host, request.target]
        script = PLAYS[kind](Visit(request, int(number), rest, attempt, self._photos, self._port))
        return (self._latency_s, *script) if self._latency_s else script

    def note(self, address: str, host: str, target: str, answered: str) -> None:
        """Write a request or a connection down."""
        if self._log:
            line = {"at": time.time(), "address": address, "host": host, "target": target, "answered": answered}
            self._log.write(json.dumps(line) + "\n")


class Breaking(asyncio.Protocol):
    """Ends every connection: at once with a reset, or quietly at the first byte, as in the middle of a handshake."""

    def __init__(self, site: Site, answered: str) -> None:
        """`answered` is what the log calls it."""
        self._site = site
        self._answered = answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Write it down."""
        # uvloop's transport is one in all but name.
        self._transport = cast("asyncio.Transport", transport)
        self._site.note(str(transport.get_extra_info("sockname")[0]), "", "", self._answered)
        if self._answered == "reset":
            reset(self._transport)

    def data_received(self, data: bytes) -> None:
        """Hang up."""
        del data
        self._transport.close()


def _bound(address: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((address, port))
    bound.settimeout(0)
    return bound


def _held(addresses: tuple[str, ...], port: int, stack: ExitStack) -> list[socket.socket]:
    """Sockets on one port of many addresses; IPv6 is left out where there is none."""
    sockets = []
    for address in addresses:
        try:
            sockets.append(stack.enter_context(_bound(address, port)))
        except OSError:
            if ":" not in address:
                raise
    return sockets


def _unanswering(port: int, stack: ExitStack) -> None:
    """A port where a connection is neither taken nor refused: its backlog is full."""
    listening = stack.enter_context(_bound(SILENT, port))
    listening.listen(0)
    for _ in range(_FILLERS):
        filler = stack.enter_context(socket.socket())
        filler.settimeout(0)
        filler.connect_ex((SILENT, port))


async def _listen(site: Site, port: int, stack: ExitStack) -> None:
    loop = asyncio.get_running_loop()
    kinds = {
        SERVING: lambda: Connection(site.answer),
        (RESETTING,): lambda: Breaking(site, "reset"),
        (BROKEN_TLS,): lambda: Breaking(site, "hung up"),
        WITNESSES: lambda: Breaking(site, "witness"),
    }
    for addresses, protocol in kinds.items():
        for listening in _held(addresses, port, stack):
            server = await loop.create_server(protocol, sock=listening, backlog=_BACKLOG)
            stack.callback(server.close)
    _held((REFUSING,), port, stack)  # bound, so that nobody else is, but not listening
    _unanswering(port, stack)


async def _answer_names(zone: Zone, stack: ExitStack) -> int:
    """Over UDP and TCP on one port, which is returned."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: OverTcp(zone), "127.0.0.1", 0)
    stack.callback(server.close)
    port: int = server.sockets[0].getsockname()[1]
    endpoint, _ = await loop.create_datagram_endpoint(lambda: OverUdp(zone), ("127.0.0.1", port))
    stack.callback(endpoint.close)  # uvloop does not hold it: with nobody else the garbage collector closes its socket
    return port


def _free_port() -> int:
    """A port that is free, and most likely so on every address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


async def serve(arguments: argparse.Namespace) -> None:
    """Until standard input ends."""
    files = originals(arguments.photos)
    if arguments.photo_bytes:
        # Room for the comment that makes a copy another file.
        files = [of_size(file, arguments.photo_bytes - 10) for file in files]
    with ExitStack() as stack:
        log = stack.enter_context(arguments.log.open("a", buffering=1)) if arguments.log else None
        port = _free_port()
        site = Site(Photos(files, arguments.distinct), port, log, arguments.latency_s)
        await _listen(site, port, stack)
        names = await _answer_names(Zone(), stack)
        print(json.dumps({"port": port, "names_port": names}), flush=True)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), ended.set)
        await ended.wait()


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, help="where each request is written down")
    parser.add_argument("--photos", type=Path, help="folder of JPEG files; drawings without it")
    parser.add_argument("--distinct", type=int, default=600, help="how many different photos are served")
    parser.add_argument("--latency-s", type=float, default=0.0, help="what passes before each answer")
    parser.add_argument("--photo-bytes", type=int, help="every photo has exactly this size")
    return parser.parse_args()


if __name__ == "__main__":
    uvloop.run(serve(_parsed()))
