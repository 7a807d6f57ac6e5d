"""A faulty way to one node: HTTP on loopback, request by request, that goes wrong as it is told while it runs."""

import asyncio
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

ADDRESS: Final = "127.0.0.1"
WORDS: Final = "words of the other server"
"""In every answer of the proxy's own: no caller of the service may ever read them."""
_CALL_TIMEOUT_S: Final = 10.0
_BODY: Final = f'{{"error": {{"type": "es_rejected_execution_exception", "reason": "{WORDS}"}}, "status": %d}}'
_PAGE: Final = f"<html><body>{WORDS}</body></html>"


class Fault(Enum):
    """What becomes of a request."""

    NONE = auto()
    REFUSED = auto()
    """Nobody listens, and what was connected is cut off."""
    HANGING = auto()
    """It is taken, and never answered nor passed on."""
    HELD = auto()
    """It is taken, and passed on when the fault is over, whether anybody waits for an answer by then or not."""
    UNANSWERED = auto()
    """It is passed on and done, and never answered."""
    BUSY = auto()
    """429, as Elasticsearch says it."""
    UNAVAILABLE = auto()
    """503, as a load balancer says it."""
    HALF = auto()
    """It is passed on and done; half of the answer's bytes come, and the connection ends."""
    LATE = auto()
    """It is passed on after `delay_s`."""


class Proxy:
    """Between a service and a node. `seen` counts requests by the last part of their path, `held` those held back."""

    def __init__(self, target: str, delay_s: float) -> None:
        """Use `running_proxy`."""
        parts = urlsplit(target)
        self._target = (parts.hostname or ADDRESS, parts.port or 80)
        self._delay_s = delay_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._fault, self._only = Fault.NONE, ""
        self._over = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0
        self.seen: Counter[str] = Counter()
        self.held = 0

    @property
    def host(self) -> str:
        """As LOOKALIKE_STORE names it."""
        return f"{ADDRESS}:{self.port}"

    def switch(self, fault: Fault, only: str = "") -> None:
        """Let every request go wrong so from now on, or those alone whose path ends with `only`."""
        self._call(self._switch(fault, only))

    def open(self) -> None:
        """Listen, on a thread of its own."""
        self._thread.start()
        self._call(self._listen())

    def close(self) -> None:
        """Cut everything off."""
        self._call(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_TIMEOUT_S)
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_TIMEOUT_S)

    async def _switch(self, fault: Fault, only: str) -> None:
        if fault is Fault.REFUSED:
            await self._shut()
        elif self._server is None:
            await self._listen()
        self._fault, self._only = fault, only
        self._over.set()
        self._over = asyncio.Event()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, ADDRESS, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close their sockets

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        try:
            while True:
                head, request = await _message(reader)
                name = _name(head)
                self.seen[name] += 1
                fault = self._fault if name.endswith(self._only) else Fault.NONE
                if not await self._answer(fault, request, (there, back), writer):
                    return
        finally:
            back.close()

    async def _answer(
        self, fault: Fault, request: bytes, node: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        writer: asyncio.StreamWriter,
    ) -> bool:  # fmt: skip
        """Whether the connection goes on."""
        match fault:
            case Fault.BUSY:
                writer.write(_reply("429 Too Many Requests", "application/json", _BODY % 429))
            case Fault.UNAVAILABLE:
                writer.write(_reply("503 Service Unavailable", "text/html", _PAGE))
            case Fault.HANGING:
                await asyncio.Event().wait()
            case _:
                return await self._pass_on(fault, request, node, writer)
        return True

    async def _pass_on(
        self, fault: Fault, request: bytes, node: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        writer: asyncio.StreamWriter,
    ) -> bool:  # fmt: skip
        self.held += fault is Fault.HELD
        if fault is Fault.HELD:
            await self._over.wait()
        if fault is Fault.LATE:
            await asyncio.sleep(self._delay_s)
        node[1].write(request)
        _, answer = await _message(node[0])
        self.held -= fault is Fault.HELD
        if fault is Fault.UNANSWERED:
            await asyncio.Event().wait()
        writer.write(answer[: len(answer) // 2] if fault is Fault.HALF else answer)
        await writer.drain()
        return fault is not Fault.HALF


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """A request or an answer, its head and all its bytes."""
    head = await reader.readuntil(b"\r\n\r\n")
    headers = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
    if headers.get(b"transfer-encoding") != b"chunked":
        return head, head + await reader.readexactly(int(headers.get(b"content-length", b"0")))
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(size, 16) + 2)
        body += size + chunk
        if not int(size, 16):
            return head, head + body


def _name(head: bytes) -> str:
    """The last part of a request's path."""
    return urlsplit(head.split(b" ", 2)[1].decode("ascii")).path.rpartition("/")[2]


def _reply(status: str, media_type: str, body: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {media_type}", f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", body]).encode("ascii")


@contextmanager
def running_proxy(target: str, *, delay_s: float = 0.5) -> Iterator[Proxy]:
    """A proxy to the node at the URL `target`, without a fault at first."""
    proxy = Proxy(target, delay_s)
    proxy.open()
    try:
        yield proxy
    finally:
        proxy.close()
