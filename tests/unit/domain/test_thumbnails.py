import io
import struct

import pytest
from PIL import ExifTags, Image

from app.domain.errors import ImageRejectedError
from app.domain.imaging import FORMATS, Limits, media_type, perceptual_hash, thumbnail
from tests.unit.domain.pictures import difference, drawn, encoded

TYPES = {kind: f"image/{kind.lower()}" for kind in FORMATS}


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def bits_apart(one: Image.Image, other: Image.Image) -> int:
    return (int.from_bytes(perceptual_hash(one)) ^ int.from_bytes(perceptual_hash(other))).bit_count()


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1200, 800), (256, 171)), ((800, 1200), (171, 256)), ((256, 256), (256, 256)), ((3000, 20), (256, 2))],
)
def test_a_thumbnail_is_at_most_256_pixels_a_side(size: tuple[int, int], expected: tuple[int, int]) -> None:
    found = opened(thumbnail(encoded(drawn(*size), "JPEG"), Limits()))
    assert expected == found.size


def test_a_small_photo_is_not_enlarged() -> None:
    found = opened(thumbnail(encoded(drawn(90, 60)), Limits()))
    expected = (90, 60)
    assert expected == found.size


@pytest.mark.parametrize("kind", FORMATS)
def test_a_thumbnail_of_any_photo_is_a_jpeg_of_the_same_picture(kind: str) -> None:
    data = thumbnail(encoded(drawn(), kind), Limits())
    expected = "image/jpeg"
    assert expected == media_type(data)
    assert difference(drawn().resize((256, 192), Image.Resampling.BICUBIC), opened(data)) < 5


def test_a_thumbnail_is_upright_and_says_nothing_of_the_photos_exif() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "somebody"
    found = opened(thumbnail(encoded(drawn(320, 160), "JPEG", exif=exif), Limits()))
    expected = (128, 256)
    assert expected == found.size
    assert not dict(found.getexif())


def test_a_thumbnail_of_a_transparent_photo_lies_over_white() -> None:
    found = opened(thumbnail(encoded(Image.new("RGBA", (64, 64), (0, 0, 0, 0))), Limits()))
    expected = (255, 255, 255)
    assert expected == found.getpixel((32, 32))


def test_what_cannot_be_decoded_has_no_thumbnail() -> None:
    with pytest.raises(ImageRejectedError):
        thumbnail(b"words", Limits())


@pytest.mark.parametrize("kind", FORMATS)
def test_the_type_is_told_by_the_first_64_bytes(kind: str) -> None:
    expected = TYPES[kind]
    assert expected == media_type(encoded(drawn(), kind)[:64])


def test_a_tiff_of_the_other_byte_order_is_one_too() -> None:
    expected = "image/tiff"
    assert expected == media_type(b"MM\0*" + struct.pack(">I", 8))


def test_an_avif_under_the_general_brand_of_its_family_is_one_too() -> None:
    data = encoded(drawn(), "AVIF").replace(b"ftypavif", b"ftypmif1", 1)
    expected = "image/avif"
    assert thumbnail(data, Limits())
    assert expected == media_type(data[:64])


@pytest.mark.parametrize("head", [b"", b"\xff\xd8", b"RIFF\0\0\0\0WAVE", b"%PDF-1.7", b"<svg/>", b"\0\0\0\x18ftypheic"])
def test_other_bytes_have_no_type_of_ours(head: bytes) -> None:
    assert media_type(head) is None


def test_a_perceptual_hash_has_eight_bytes() -> None:
    assert len(bytes(8)) == len(perceptual_hash(drawn()))


@pytest.mark.parametrize(
    "altered",
    [
        encoded(drawn(), "JPEG", quality=40),
        encoded(drawn().resize((200, 150))),
        encoded(drawn(640, 480), "WEBP"),
        encoded(drawn().point(lambda level: min(255, level + 12))),
    ],
    ids=["re-encoded", "smaller", "larger", "brighter"],
)
def test_the_same_photo_altered_a_little_has_a_hash_nearby(altered: bytes) -> None:
    assert bits_apart(drawn(), opened(altered).convert("RGB")) <= 6


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.FLIP_LEFT_RIGHT])
def test_another_picture_has_a_hash_far_away(turn: Image.Transpose) -> None:
    assert bits_apart(drawn(), drawn().transpose(turn)) >= 16
