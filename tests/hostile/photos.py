"""The photos that the web serves: real ones where the folder is at hand, else drawn; and ruined ones."""

import gzip
import io
import random
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

_DRAWN: Final = 40
_COMMENT: Final = b"\xff\xfe"
"""A JPEG segment that says nothing about the picture (ITU T.81, COM)."""
_START: Final = 2
_LARGEST_SEGMENT: Final = 65_533


def originals(folder: Path | None, count: int | None = None) -> list[bytes]:
    """JPEG files of a folder, in order of their paths; drawings where there is no such folder."""
    if folder and folder.is_dir():
        return [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))[:count]]
    return [encoded(drawn(number)) for number in range(count or _DRAWN)]


def drawn(number: int, size: tuple[int, int] = (400, 533)) -> Image.Image:
    """A picture like no other: ellipses of chance colours on a coarse ground."""
    chance = random.Random(number)
    ground = Image.frombytes("RGB", (40, 53), chance.randbytes(40 * 53 * 3)).resize(size, Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(ground)
    for _ in range(12):
        x, y, r = chance.randrange(size[0]), chance.randrange(size[1]), chance.randrange(5, 90)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chance.randrange(256) for _ in range(3)))
    return ground


def encoded(image: Image.Image, kind: str = "JPEG", quality: int = 85) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    image.save(file, kind, quality=quality)
    return file.getvalue()


def commented(photo: bytes, comment: bytes) -> bytes:
    """The same JPEG with a comment: other bytes, the same picture."""
    segment = _COMMENT + (len(comment) + 2).to_bytes(2, "big") + comment
    return photo[:_START] + segment + photo[_START:]


def of_size(photo: bytes, size: int) -> bytes:
    """The picture as a JPEG of exactly so many bytes, by a lower quality and a comment."""
    with Image.open(io.BytesIO(photo)) as image:
        rgb = image.convert("RGB")
    for quality in (85, 75, 60, 45, 30, 15, 5):
        smaller = encoded(rgb, quality=quality)
        spare = size - len(smaller) - 4
        if 0 <= spare <= _LARGEST_SEGMENT:
            return commented(smaller, b" " * spare)
    message = f"no way to make it {size} bytes"
    raise ValueError(message)


class Photos:
    """So many different photos by number; every number is one of them."""

    def __init__(self, files: Sequence[bytes], distinct: int) -> None:
        """`distinct` files are made of those given: where they are fewer, by a comment in them."""
        self._files = files
        self._distinct = distinct

    def photo(self, number: int) -> bytes:
        """A JPEG; the same each time."""
        copy, which = divmod(number % self._distinct, len(self._files))
        # The comment has one length, so that of_size holds for copies as well.
        return commented(self._files[which], b"%06d" % copy)

    def converted(self, number: int, kind: str) -> bytes:
        """One of few photos as a file of another type."""
        return _converted(self._files[number % 8 % len(self._files)], kind)


@cache
def _converted(photo: bytes, kind: str) -> bytes:
    with Image.open(io.BytesIO(photo)) as image:
        return encoded(image.convert("RGB").resize((120, 160)), kind)


@cache
def blank(width: int, height: int) -> bytes:
    """A GIF of one colour, as servers send it for a picture that is gone."""
    return encoded(Image.new("RGB", (width, height), "white"), "GIF")


@cache
def bomb() -> bytes:
    """500 MB of noughts, gzipped to 500 KB; without the end that nobody should come to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    # After a full flush the same input has the same output.
    first, other = (packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + other * 499


def zipped(photo: bytes) -> bytes:
    """A photo in gzip."""
    return gzip.compress(photo, 1)
