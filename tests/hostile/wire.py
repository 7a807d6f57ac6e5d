"""HTTP/1.1 on the server's side, as little as it takes: a request -> a script of bytes, waits and endings.

Written by hand so that an answer can break every rule, and so that a prepared one costs next to nothing.
"""

import asyncio
import math
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, cast

FOR_EVER: Final = math.inf
_HEAD_END: Final = b"\r\n\r\n"
_LINGER_NOT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: what is closed is reset (socket(7))."""

_HANDSHAKE: Final = b"\x16\x03"
"""How TLS begins (RFC 8446, 5.1)."""
_NO_TLS_HERE: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Ending(Enum):
    """How a connection ends before the client wants it to."""

    CLOSE = auto()
    RESET = auto()


Step = bytes | float | Ending
"""Send, wait so many seconds, or end."""
Script = Iterable[Step]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: `target` to the letter, `host` in lower case without its port."""

    target: str
    host: str
    address: str


Answer = Callable[[Request], Script]


def response(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """A whole answer; `length` is what it claims, where that is not the truth."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + _HEAD_END + body


class Connection(asyncio.Protocol):
    """A connection that is kept alive: requests are answered one after another, each by its script."""

    def __init__(self, answer: Answer) -> None:
        """Nothing is sent before a request is whole."""
        self._answer = answer
        self._received = bytearray()
        self._script: Iterator[Step] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = True
        self._last = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way back."""
        # uvloop's transport is one in all but name.
        self._transport = cast("asyncio.Transport", transport)
        self._address = str(transport.get_extra_info("sockname")[0])

    def data_received(self, data: bytes) -> None:
        """Collect requests."""
        self._received += data
        self._next_request()

    def pause_writing(self) -> None:
        """The client is slower than the script."""
        self._writable = False

    def resume_writing(self) -> None:
        """Go on where it stopped, unless it waits anyway."""
        self._writable = True
        if self._script and self._timer is None:
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the script."""
        del exc
        if self._timer:
            self._timer.cancel()
        self._script = None
        self._received.clear()
        self._last = True

    def _next_request(self) -> None:
        if self._script or self._last:
            return
        if self._received.startswith(_HANDSHAKE):
            self._transport.write(_NO_TLS_HERE)
            self._end(Ending.CLOSE)
            return
        head, end, rest = self._received.partition(_HEAD_END)
        if not end:
            return
        self._received = bytearray(rest)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        host = headers.get("host", "").lower().rpartition(":")[0] or headers.get("host", "").lower()
        request = Request(target=lines[0].split(" ")[1], host=host, address=self._address)
        self._last = headers.get("connection", "").lower() == "close"
        self._script = iter(self._answer(request))
        self._go_on()

    def _go_on(self) -> None:
        self._timer = None
        while self._script and self._writable:
            step = next(self._script, None)
            if isinstance(step, bytes):
                self._transport.write(step)
            elif isinstance(step, float):
                self._wait(step)
                return
            else:
                self._end(step)

    def _wait(self, seconds: float) -> None:
        if seconds < FOR_EVER:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._go_on)

    def _end(self, ending: Ending | None) -> None:
        self._script = None
        if ending is Ending.RESET:
            reset(self._transport)
        elif ending is Ending.CLOSE or self._last:
            self._last = True
            self._transport.close()
        else:
            self._next_request()


def reset(transport: asyncio.Transport) -> None:
    """Break a connection off with RST."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
