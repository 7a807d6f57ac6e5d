"""Image bytes -> pixels: decoding within limits, upright, RGB, ready for the network.

Everything here is a function of its arguments. What cannot be decoded is an ImageRejectedError with a reason.
"""

import io
import math
from dataclasses import dataclass
from typing import Final

import imagehash
import numpy as np
from PIL import ExifTags, Image

from app.domain.errors import ImageRejectedError, InvalidRequestError, Reason
from app.domain.features import Colour, colour_histogram
from app.domain.pixels import SHORTER_SIDES, Pixels, views_of

# Our own limit is checked before anything is decoded; Pillow's would warn on the way to it.
Image.MAX_IMAGE_PIXELS = None

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

_MEDIA_TYPES: Final = (
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"WEBP", 8, "image/webp"),
    (b"GIF8", 0, "image/gif"),
    (b"BM", 0, "image/bmp"),
    (b"II*\x00", 0, "image/tiff"),
    (b"MM\x00*", 0, "image/tiff"),
)
_FOREIGN_IMAGES: Final = (b"ftypheic", b"ftypmif1", b"ftypheix", b"<svg", b"ftypjp2", b"JXL ", b"8BPS", b"%PDF")
_SNIFFED_BYTES: Final = 1024
_PLACEHOLDER_SIDE_PX: Final = 3
"""Servers that lost a picture answer with one of 1x1 or 3x3 pixels, and call it a success."""
_DRAFT_GAP: Final = 2
"""A JPEG is decoded at the smallest eighth that keeps the wanted side at least this many times over."""

_HASH_INPUT_SIDE: Final = 64
THUMBNAIL_SIDE: Final = 256

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What brings a photo upright, by its EXIF orientation (1, and what is not in the standard: nothing)."""
_SIDEWAYS: Final = frozenset({5, 6, 7, 8})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a photo may be."""

    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000
    min_side_px: int = 16


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a photo: shares of its width and height in [0, 1] from the top left, after the EXIF turn."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    def __str__(self) -> str:
        """As a caller writes it."""
        return f"{self.x_min:g},{self.y_min:g},{self.x_max:g},{self.y_max:g}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How pixels are made for one model and its settings."""

    views: int
    colour: bool
    limits: Limits


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo ready to embed: uint8 [views, 224, 224, 3], its colour, and its size in pixels after the EXIF turn."""

    pixels: Pixels
    colour: Colour | None
    perceptual_hash: bytes | None
    width: int
    height: int


def parse_crop(text: str) -> Box:
    """`x_min,y_min,x_max,y_max` -> Box; InvalidRequestError `invalid_crop` if it is not inside the photo."""
    try:
        x_min, y_min, x_max, y_max = (float(part) for part in text.split(","))
    except ValueError:
        x_min = y_min = x_max = y_max = float("nan")
    if not (0 <= x_min < x_max <= 1 and 0 <= y_min < y_max <= 1):
        detail = "crop is x_min,y_min,x_max,y_max: four numbers from 0 to 1 with min below max, such as 0.1,0,0.9,0.8."
        raise InvalidRequestError("invalid_crop", detail)
    return Box(x_min, y_min, x_max, y_max)


def media_type(head: bytes) -> str | None:
    """The type told by a file's first 64 bytes, or None if they are of no image that we decode."""
    for magic, offset, name in _MEDIA_TYPES:
        if head[offset : offset + len(magic)] == magic:
            return name
    # AVIF is told by its brands, the first of which may be the general one of its family.
    brands = head[8:64] if head[4:8] == b"ftyp" else b""
    return "image/avif" if b"avif" in brands or b"avis" in brands else None


def prepare(data: bytes, recipe: Recipe, crop: Box | None = None, *, hashed: bool = False) -> Prepared:
    """An encoded photo -> what the network takes. Raises ImageRejectedError, or InvalidRequestError for a crop."""
    shorter_sides = SHORTER_SIDES[recipe.views]
    image, (width, height) = decode(data, recipe.limits, crop, wanted_side=max(shorter_sides))
    return Prepared(
        pixels=views_of(image, shorter_sides),
        colour=colour_histogram(image) if recipe.colour else None,
        perceptual_hash=perceptual_hash(image) if hashed else None,
        width=width,
        height=height,
    )


def decode(data: bytes, limits: Limits, crop: Box | None, *, wanted_side: int) -> tuple[Image.Image, tuple[int, int]]:
    """An encoded photo -> (RGB image, upright and cropped; the whole photo's width and height in pixels).

    A large JPEG comes out reduced, its shorter side at least twice `wanted_side`.
    """
    if len(data) > limits.max_bytes:
        raise ImageRejectedError(
            Reason.TOO_LARGE, f"The image is larger than {limits.max_bytes:,} bytes; send a smaller file."
        )
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image, limits)
            size = _upright_size(image)
            _draft(image, crop, wanted_side)
            upright = _cropped(_upright(image), crop, size, limits.min_side_px)
            upright.load()
            return to_rgb(upright), size
    except (ImageRejectedError, InvalidRequestError):
        raise
    except Exception as error:
        # Decoders raise whatever their format's code happens to: OSError, ValueError, SyntaxError, struct.error...
        raise _rejection(data) from error


def _rejection(data: bytes) -> ImageRejectedError:
    head = data[:_SNIFFED_BYTES]
    if media_type(head):
        return ImageRejectedError(Reason.UNDECODABLE, "The image is damaged or cut short; send a whole file.")
    if any(mark in head for mark in _FOREIGN_IMAGES):
        return ImageRejectedError(
            Reason.UNSUPPORTED_TYPE, f"This type is not read here; send one of {', '.join(FORMATS)}."
        )
    return ImageRejectedError(Reason.NOT_AN_IMAGE, f"These bytes are no image; send one of {', '.join(FORMATS)}.")


def _check_size(image: Image.Image, limits: Limits) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        detail = f"The image has {width} x {height} pixels; at most {limits.max_pixels:,} are read."
        raise ImageRejectedError(Reason.TOO_MANY_PIXELS, detail)
    if max(width, height) <= _PLACEHOLDER_SIDE_PX:
        detail = f"The image has {width} x {height} pixels: it stands in for a picture that is gone."
        raise ImageRejectedError(Reason.PLACEHOLDER, detail)
    if min(width, height) < limits.min_side_px:
        detail = f"The image has {width} x {height} pixels; each side needs at least {limits.min_side_px}."
        raise ImageRejectedError(Reason.TOO_SMALL, detail)


def _orientation(image: Image.Image) -> int:
    if image.format == "TIFF":
        return 1  # Pillow turns these itself
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF, however it shows, says nothing about the pixels
        return 1


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if _orientation(image) in _SIDEWAYS else (width, height)


def _draft(image: Image.Image, crop: Box | None, wanted_side: int) -> None:
    # Only JPEG has a reduced decoding; a crop needs its pixels all the same.
    share = min(crop.x_max - crop.x_min, crop.y_max - crop.y_min) if crop else 1.0
    side = math.ceil(wanted_side * _DRAFT_GAP / share)
    image.draft("RGB", (side, side))


def _cropped(image: Image.Image, crop: Box | None, full_size: tuple[int, int], min_side_px: int) -> Image.Image:
    if crop is None:
        return image
    width, height = full_size
    if min((crop.x_max - crop.x_min) * width, (crop.y_max - crop.y_min) * height) < min_side_px:
        detail = f"The crop is less than {min_side_px} pixels wide or high in this photo of {width} x {height}."
        raise InvalidRequestError("invalid_crop", detail)
    width, height = image.size  # of the reduced image
    return image.crop(
        (
            math.floor(crop.x_min * width),
            math.floor(crop.y_min * height),
            math.ceil(crop.x_max * width),
            math.ceil(crop.y_max * height),
        )
    )


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode -> RGB: palette looked up, alpha over white, CMYK converted, 16 and 32 bit scaled to 8."""
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return _scaled_to_8_bit(image).convert("RGB")
    if image.has_transparency_data:
        return _over_white(image)
    return image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(rgba, mask=rgba.getchannel("A"))
    return white


def _scaled_to_8_bit(image: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    brightest = float(values.max(initial=0))
    # Depth is not recorded: the smallest of the usual ranges that holds the values.
    full_scale = next((full for full in (1.0, 255.0, 65_535.0) if brightest <= full), brightest)
    if image.mode.startswith("I;16"):
        full_scale = 65_535.0
    return Image.fromarray(np.clip(values * (255.0 / full_scale), 0, 255).astype(np.uint8))


def download_name(image_id: str, data: bytes) -> str:
    """The file name of a downloaded image: its id, and the extension that its bytes ask for."""
    kind = media_type(data[:_SNIFFED_BYTES]) or ""
    extension = kind.removeprefix("image/").replace("jpeg", "jpg")
    return f"{image_id}.{extension}" if extension else image_id


def thumbnail(data: bytes, limits: Limits, side_px: int = THUMBNAIL_SIDE) -> bytes:
    """An encoded photo -> a JPEG of at most so many pixels a side. Raises ImageRejectedError."""
    image, _ = decode(data, limits, None, wanted_side=side_px)
    image.thumbnail((side_px, side_px), Image.Resampling.BICUBIC)
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=85)
    return encoded.getvalue()


def perceptual_hash(image: Image.Image) -> bytes:
    """The 64 bit pHash of an RGB photo, 8 bytes; near-identical photos differ in few bits (imagehash.phash)."""
    small = image.resize((_HASH_INPUT_SIDE, _HASH_INPUT_SIDE), Image.Resampling.BOX)
    return np.packbits(imagehash.phash(small).hash).tobytes()
