"""A response's body, never more of it in memory than there may be."""

import asyncio
import contextlib
import io
import zlib
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import ClientResponse

SMALL_BYTES: Final = 512 * 1024
"""Bodies up to here are free; as many as there are requests at once."""

_STEP_BYTES: Final = 256 * 1024
_ZLIB_METHOD: Final = 8


class BodyTooLargeError(Exception):
    """More bytes than an image may have."""


class BodyIncompleteError(Exception):
    """Fewer bytes than were promised, or none, or compressed ones that end early or are damaged."""


class UnknownEncodingError(Exception):
    """A content encoding that was not asked for and is not understood."""


@dataclass(slots=True)
class Body:
    """A body's bytes, and how many of the memory's they hold: to be given back once they are done with."""

    data: bytes
    held: int = 0


class BodyMemory:
    """The bytes that bodies beyond `SMALL_BYTES` may have in memory, all together; first come, first served.

    A body takes its bytes once and never more, so bodies that are half read never wait for each other.
    """

    def __init__(self, total_bytes: int) -> None:
        """So many bytes, all free."""
        self._free = total_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, count: int, deadline: asyncio.Timeout) -> None:
        """Take bytes, not more than there are in all; the request's time stands still while they are waited for.

        Nothing is read on meanwhile: the connection is paused once a little is buffered, and its read timeout with it.
        """
        if not self._waiting and count <= self._free:
            self._free -= count
            return
        loop = asyncio.get_running_loop()
        due = deadline.when()
        began = loop.time()
        deadline.reschedule(None)
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append((count, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self._free += 0 if turn.cancelled() else count  # it may have been its turn already
            self._hand_on()
            raise
        deadline.reschedule(None if due is None else due + loop.time() - began)

    def give_back(self, count: int) -> None:
        """Give bytes back."""
        self._free += count
        self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting and (self._waiting[0][1].done() or self._waiting[0][0] <= self._free):
            count, turn = self._waiting.popleft()
            if not turn.done():
                self._free -= count
                turn.set_result(None)


class WholeBodies:
    """Reads images' bodies: all of it, within `max_bytes`."""

    def __init__(self, max_bytes: int, memory: BodyMemory) -> None:
        """`memory` has at least `max_bytes`."""
        self._max_bytes = max_bytes
        self._memory = memory

    async def read(self, response: ClientResponse, deadline: asyncio.Timeout) -> Body:
        """Read a body, decoded if it came compressed. Raises the errors above, and holds nothing then."""
        length = response.content_length
        if length is not None and length > self._max_bytes:
            raise BodyTooLargeError
        as_it_is = "Content-Encoding" not in response.headers
        if length is not None and length <= SMALL_BYTES and as_it_is:
            # The usual case: no more can come than was said.
            data = await response.content.read()
            if not data:
                raise BodyIncompleteError
            return Body(data)
        most = length if length is not None and as_it_is else self._max_bytes
        body = _Gathered(most, self._memory, deadline)
        try:
            await _gather(response, body)
        except BaseException:
            body.drop()
            raise
        if not body.size:
            raise BodyIncompleteError
        return body.whole()


class BodyStarts:
    """Reads bodies of text: up to `max_bytes`, the rest left alone; an empty one is fine."""

    def __init__(self, max_bytes: int) -> None:
        """At most what is free: no memory is taken."""
        self._max_bytes = min(max_bytes, SMALL_BYTES)
        self._memory = BodyMemory(0)

    async def read(self, response: ClientResponse, deadline: asyncio.Timeout) -> Body:
        """Read a body's beginning. Raises BodyIncompleteError, UnknownEncodingError."""
        body = _Gathered(self._max_bytes, self._memory, deadline)
        with contextlib.suppress(BodyTooLargeError):
            await _gather(response, body)
        return body.whole()


class BodyReader(Protocol):
    """Either of them."""

    async def read(self, response: ClientResponse, deadline: asyncio.Timeout) -> Body:
        """Read a body."""


class _Gathered:
    """What is there of one body."""

    def __init__(self, max_bytes: int, memory: BodyMemory, deadline: asyncio.Timeout) -> None:
        self._max_bytes = max_bytes
        self._memory = memory
        self._deadline = deadline
        # One piece of memory that grows in its place: chunks would be twice their size in the moment of joining them.
        self._bytes = io.BytesIO()
        self._held = 0
        self.size = 0

    async def add(self, chunk: bytes) -> None:
        """Add a chunk, once it may be in memory; of one that is too much, what fits, and BodyTooLargeError."""
        before = self.size
        self.size += len(chunk)
        if self.size > self._max_bytes:
            self._bytes.write(chunk[: self._max_bytes - before])
            raise BodyTooLargeError
        if self.size > SMALL_BYTES and not self._held:
            await self._memory.take(self._max_bytes, self._deadline)
            self._held = self._max_bytes
        self._bytes.write(chunk)

    def whole(self) -> Body:
        """All that was added; memory beyond it is given back."""
        held = min(self._held, self.size)
        self._memory.give_back(self._held - held)
        return Body(self._bytes.getvalue(), held)

    def drop(self) -> None:
        """Give the memory back, if there is any."""
        self._memory.give_back(self._held)


async def _gather(response: ClientResponse, body: _Gathered) -> None:
    encoding = response.headers.get("Content-Encoding")
    if encoding is not None and encoding.strip().lower() not in {"", "identity"}:
        await _gather_compressed(response, body, encoding.strip().lower())
        return
    content = response.content
    while chunk := await content.readany():
        await body.add(chunk)


async def _gather_compressed(response: ClientResponse, body: _Gathered, encoding: str) -> None:
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise UnknownEncodingError
    decoder = None
    content = response.content
    try:
        while chunk := await content.readany():
            decoder = decoder or _decoder(encoding, chunk)
            await _decode(decoder, chunk, body)
    except zlib.error as error:
        raise BodyIncompleteError from error
    if decoder is not None and not decoder.eof:
        raise BodyIncompleteError


async def _decode(decoder: "zlib._Decompress", chunk: bytes, body: _Gathered) -> None:
    """In small steps, since a few bytes can stand for very many; others have their turn in between."""
    while chunk and not decoder.eof:
        await body.add(decoder.decompress(chunk, _STEP_BYTES))
        chunk = decoder.unconsumed_tail
        await asyncio.sleep(0)


def _decoder(encoding: str, first: bytes) -> "zlib._Decompress":
    """Of "deflate" there are two kinds in the wild: with the header of zlib, as it should be, and bare."""
    if encoding != "deflate":
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    return zlib.decompressobj(zlib.MAX_WBITS if first[0] & 0x0F == _ZLIB_METHOD else -zlib.MAX_WBITS)
