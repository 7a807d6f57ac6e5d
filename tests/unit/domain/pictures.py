"""Pictures drawn in the tests, the same at every run, and their encoded bytes."""

import functools
import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageDraw


@functools.cache
def drawn(width: int = 320, height: int = 240, hue: int = 20) -> Image.Image:
    """A photo-like picture without symmetry: soft shades, a red disc at the top left, a blue bar at the right."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    shades = np.stack([60 + 120 * across, 40 + 160 * down, hue + 100 * across * down], axis=-1)
    image = Image.fromarray(shades.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.ellipse((width * 0.1, height * 0.1, width * 0.4, height * 0.45), fill=(220, 30, 30))
    pen.rectangle((width * 0.8, height * 0.2, width * 0.9, height * 0.85), fill=(20, 40, 200))
    pen.polygon([(width * 0.3, height * 0.9), (width * 0.5, height * 0.5), (width * 0.65, height * 0.9)], fill="white")
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """An image as the bytes of a file of that kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean distance of two pictures of one size, in levels from 0 to 255."""
    levels = [np.asarray(image.convert("RGB"), dtype=np.float32) for image in (one, other)]
    return float(np.abs(levels[0] - levels[1]).mean())


def plain_png(rows: bytes, width: int, height: int, *, bits: int, colour_type: int) -> bytes:
    """A PNG of samples as they are: each row behind a zero byte (no filter), compressed as one."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
