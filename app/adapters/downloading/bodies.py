"""A response's body, never more of it in memory than there may be."""

import asyncio
import contextlib
import zlib
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
    """A body's bytes; `large` bodies hold a permit, to be given back once the bytes are done with."""

    data: bytes
    large: bool = False


class LargeBodies:
    """Permits for bodies that are large, so that only so many are in memory. A body takes one, never two."""

    def __init__(self, memory_bytes: int, max_bytes: int) -> None:
        """As many as fit, at least one."""
        self._permits = asyncio.Semaphore(max(1, memory_bytes // max_bytes))

    async def take(self, deadline: asyncio.Timeout) -> None:
        """Take a permit; the request's time stands still while it is waited for.

        Nothing is read on meanwhile: the connection is paused once a little is buffered, and its read timeout with it.
        """
        if not self._permits.locked():
            await self._permits.acquire()
            return
        loop = asyncio.get_running_loop()
        due = deadline.when()
        began = loop.time()
        deadline.reschedule(None)
        await self._permits.acquire()
        deadline.reschedule(None if due is None else due + loop.time() - began)

    def give_back(self) -> None:
        """Give a permit back."""
        self._permits.release()


class WholeBodies:
    """Reads images' bodies: all of it, within `max_bytes`."""

    def __init__(self, max_bytes: int, large_bodies: LargeBodies) -> None:
        """Large bodies take their permits from `large_bodies`, and keep them."""
        self._max_bytes = max_bytes
        self._large_bodies = large_bodies

    async def read(self, response: ClientResponse, deadline: asyncio.Timeout) -> Body:
        """Read a body, decoded if it came compressed. Raises the errors above, and holds no permit then."""
        length = response.content_length
        if length is not None and length > self._max_bytes:
            raise BodyTooLargeError
        if length is not None and length <= SMALL_BYTES and "Content-Encoding" not in response.headers:
            # The usual case: no more can come than was said.
            data = await response.content.read()
            if not data:
                raise BodyIncompleteError
            return Body(data)
        body = _Gathered(self._max_bytes, self._large_bodies, deadline)
        try:
            if length is not None and length > SMALL_BYTES:
                await body.become_large()
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
        """At most what is free: no permits are needed."""
        self._max_bytes = min(max_bytes, SMALL_BYTES)
        self._large_bodies = LargeBodies(1, 1)

    async def read(self, response: ClientResponse, deadline: asyncio.Timeout) -> Body:
        """Read a body's beginning. Raises BodyIncompleteError, UnknownEncodingError."""
        body = _Gathered(self._max_bytes, self._large_bodies, deadline)
        with contextlib.suppress(BodyTooLargeError):
            await _gather(response, body)
        return body.whole()


class BodyReader(Protocol):
    """Either of them."""

    async def read(self, response: ClientResponse, deadline: asyncio.Timeout) -> Body:
        """Read a body."""


class _Gathered:
    """The chunks of one body."""

    def __init__(self, max_bytes: int, large_bodies: LargeBodies, deadline: asyncio.Timeout) -> None:
        self._max_bytes = max_bytes
        self._large_bodies = large_bodies
        self._deadline = deadline
        self._chunks: list[bytes] = []
        self._large = False
        self.size = 0

    async def add(self, chunk: bytes) -> None:
        """Add a chunk, once it may be in memory; of one that is too much, what fits, and BodyTooLargeError."""
        before = self.size
        self.size += len(chunk)
        if self.size > self._max_bytes:
            self._chunks.append(chunk[: self._max_bytes - before])
            raise BodyTooLargeError
        if self.size > SMALL_BYTES and not self._large:
            await self.become_large()
        self._chunks.append(chunk)

    async def become_large(self) -> None:
        """Wait for a permit."""
        await self._large_bodies.take(self._deadline)
        self._large = True

    def whole(self) -> Body:
        """All that was added."""
        return Body(self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks), self._large)

    def drop(self) -> None:
        """Give the permit back, if there is one."""
        if self._large:
            self._large_bodies.give_back()


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
