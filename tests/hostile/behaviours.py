"""Each kind of address, played: a visit -> what is sent, when, and how it ends."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.hostile.addresses import inside_urls
from tests.hostile.photos import Photos, blank, bomb, zipped
from tests.hostile.wire import FOR_EVER, Ending, Request, Script, response

JPEG: Final = "Content-Type: image/jpeg"
_SLOW_S: Final = 1.0
_TRICKLE_S: Final = 0.25
_CHUNK: Final = 32_768
_HTML: Final = b"<!DOCTYPE html><html><body><h1>This picture has moved</h1></body></html>"
_SVG: Final = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="80" height="80"/>'
_OTHER_TYPES: Final = ("PNG", "GIF", "WEBP", "BMP")
_OK: Final = "200 OK"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for photo `number` of a kind; `attempt` counts from 1 for each address and host."""

    request: Request
    number: int
    rest: str
    attempt: int
    photos: Photos
    port: int

    @property
    def photo(self) -> bytes:
        """The photo that is meant."""
        return self.photos.photo(self.number)

    def good(self, *headers: str) -> bytes:
        """The photo, as it should be answered."""
        return response(_OK, self.photo, JPEG, *headers)


def _good(visit: Visit) -> Script:
    return (visit.good(),)


def _status(status: str, *headers: str) -> "Play":
    answer = response(status, _HTML, "Content-Type: text/html", *headers)
    return lambda _: (answer,)


def _as_photo(body: Callable[[Visit], bytes], *headers: str) -> "Play":
    return lambda visit: (response(_OK, body(visit), JPEG, *headers),)


def _then_good(play: "Play") -> "Play":
    return lambda visit: play(visit) if visit.attempt == 1 else _good(visit)


def _reset_in_body(visit: Visit) -> Script:
    whole = visit.good()
    return (whole[: len(whole) // 2], 0.01, Ending.RESET)


def _wrong_length(visit: Visit) -> Script:
    return (response(_OK, visit.photo, JPEG, length=len(visit.photo) + 5000), Ending.CLOSE)


def _silent(_: Visit) -> Script:
    return (FOR_EVER,)


def _trickle(visit: Visit) -> Iterator[bytes | float]:
    whole = visit.good()
    yield whole[:400]
    for start in range(400, len(whole)):
        yield _TRICKLE_S
        yield whole[start : start + 1]


def _slow(visit: Visit) -> Script:
    return (_SLOW_S, visit.good())


def _endless(visit: Visit) -> Iterator[bytes | float]:
    yield f"HTTP/1.1 200 OK\r\n{JPEG}\r\nConnection: close\r\n\r\n".encode()
    block = visit.photo.ljust(_CHUNK, b"\x00")
    while True:
        yield block
        yield 0.0


def _chunked_head() -> bytes:
    return f"HTTP/1.1 200 OK\r\n{JPEG}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _chunked(visit: Visit) -> Script:
    photo = visit.photo
    return (_chunked_head(), _chunk(photo[:1000]), 0.01, _chunk(photo[1000:]), b"0\r\n\r\n")


def _cut_chunks(visit: Visit) -> Script:
    return (_chunked_head(), _chunk(visit.photo[:1000]), Ending.CLOSE)


def _endless_chunks(visit: Visit) -> Iterator[bytes | float]:
    yield _chunked_head()
    block = _chunk(visit.photo.ljust(_CHUNK, b"\x00"))
    while True:
        yield block
        yield 0.0


def _other_type(visit: Visit) -> Script:
    kind = _OTHER_TYPES[visit.number % len(_OTHER_TYPES)]
    return (response(_OK, visit.photos.converted(visit.number, kind), JPEG),)


def _as_written(visit: Visit) -> Script:
    """Good only if not a character was changed on the way: the path begins with the checksum of the rest."""
    checksum, _, written = visit.rest.partition("/")
    return _good(visit) if checksum == checksum_of(written) else _status("400 Bad Request")(visit)


def checksum_of(text: str) -> str:
    """Eight hexadecimal digits."""
    return f"{zlib.crc32(text.encode('latin-1')):08x}"


def _redirect(visit: Visit) -> Script:
    """Relative, absolute, and to another host; with each of the codes."""
    host, tail = visit.request.host, f"good/{visit.number}/moved.jpg"
    targets = (f"/{tail}", f"../../{tail}", f"http://{host}:{visit.port}/{tail}", f"//cdn.{host}:{visit.port}/{tail}")
    codes = ("301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect")
    code = codes[visit.number % len(codes)]
    return (response(code, b"", f"Location: {targets[visit.number % len(targets)]}"),)


def _redirect_loop(visit: Visit) -> Script:
    other = "there" if visit.rest.endswith("here") else "here"
    return (response("302 Found", b"", f"Location: /redirect-loop/{visit.number}/{other}"),)


def _redirect_inside(visit: Visit) -> Script:
    targets = (*inside_urls(visit.port), "file:///etc/hostname", f"http://img.inside-name-1.example:{visit.port}/")
    return (response("302 Found", b"", f"Location: {targets[visit.number % len(targets)]}"),)


def _rebinding(visit: Visit) -> Script:
    """A failure that asks for another connection, and so for another look at the name."""
    answer = "500 Internal Server Error" if visit.attempt == 1 else None
    return (response(answer, b"", "Connection: close"), Ending.CLOSE) if answer else _good(visit)


Play = Callable[[Visit], Script]

PLAYS: Final[Mapping[str, Play]] = {
    "good": _good,
    "by-address": _good,
    "half-inside": _good,
    "disallowed": _good,
    "robots-500": _good,
    "reset-in-body": _reset_in_body,
    "silent": _silent,
    "trickle": _trickle,
    "slow": _slow,
    "redirect": _redirect,
    "redirect-loop": _redirect_loop,
    "redirect-inside": _redirect_inside,
    "403": _status("403 Forbidden"),
    "404": _status("404 Not Found"),
    "410": _status("410 Gone"),
    "451": _status("451 Unavailable For Legal Reasons"),
    "429": _status("429 Too Many Requests", "Retry-After: 1"),
    "500": _status("500 Internal Server Error"),
    "429-then-good": _then_good(_status("429 Too Many Requests", "Retry-After: 1")),
    "500-then-good": _then_good(_status("500 Internal Server Error")),
    "1x1": _as_photo(lambda _: blank(1, 1)),
    "3x3": _as_photo(lambda _: blank(3, 3)),
    "small": _as_photo(lambda _: blank(40, 10)),
    "html": _as_photo(lambda _: _HTML),
    "empty": _as_photo(lambda _: b""),
    "svg": _as_photo(lambda _: _SVG),
    "truncated": _as_photo(lambda visit: visit.photo[: len(visit.photo) // 2]),
    "bomb": _as_photo(lambda _: bomb(), "Content-Encoding: gzip"),
    "gzipped": _as_photo(lambda visit: zipped(visit.photo), "Content-Encoding: gzip"),
    "noindex": lambda visit: (visit.good("X-Robots-Tag: noindex"),),
    "wrong-length": _wrong_length,
    "cut-chunks": _cut_chunks,
    "endless": _endless,
    "endless-chunks": _endless_chunks,
    "chunked": _chunked,
    "other-type": _other_type,
    "as-written": _as_written,
    "rebinding": _rebinding,
}
"""The kinds that get as far as a request."""


def robots(host: str) -> bytes:
    """A host's robots.txt: most have none, some allow, one kind forbids, one is broken."""
    kind = host.split(".")[-2] if host.count(".") else ""
    if kind.startswith("disallowed-"):
        return response(_OK, b"User-agent: *\nDisallow: /\n", "Content-Type: text/plain")
    if kind.startswith("robots-500-"):
        return response("500 Internal Server Error", b"")
    if kind.endswith("7"):
        return response(_OK, b"User-agent: *\nDisallow: /private/\nAllow: /\n", "Content-Type: text/plain")
    return response("404 Not Found", _HTML, "Content-Type: text/html")
