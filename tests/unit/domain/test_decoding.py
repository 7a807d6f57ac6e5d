import io

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps, ImageSequence

from app.domain.imaging import FORMATS, Limits, Recipe, decode, prepare
from tests.unit.domain.pictures import difference, drawn, encoded, plain_png

LIMITS = Limits()
LOSSLESS = {"PNG": {}, "TIFF": {}, "BMP": {}, "WEBP": {"lossless": True}}
LOSSY = {"JPEG": {"quality": 95}, "AVIF": {"quality": 90}, "GIF": {}}
WITH_EXIF = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF")


def decoded(data: bytes) -> Image.Image:
    image, _ = decode(data, LIMITS, None, wanted_side=256)
    return image


def turned(kind: str, orientation: int, width: int = 96, height: int = 64) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return encoded(drawn(width, height), kind, exif=exif)


def pixels(image: Image.Image) -> list[tuple[int, ...]]:
    return [tuple(pixel) for pixel in np.asarray(image).reshape(-1, 3).tolist()]


def test_all_seven_formats_are_tested_here() -> None:
    assert set(FORMATS) == {*LOSSLESS, *LOSSY}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_a_lossless_photo_comes_out_as_it_was(kind: str) -> None:
    photo = drawn()
    found = decoded(encoded(photo, kind, **LOSSLESS[kind]))
    assert photo.mode == found.mode
    assert photo.tobytes() == found.tobytes()


@pytest.mark.parametrize("kind", LOSSY)
def test_a_lossy_photo_comes_out_nearly_as_it_was(kind: str) -> None:
    photo = drawn()
    found = decoded(encoded(photo, kind, **LOSSY[kind]))
    assert photo.mode == found.mode
    assert difference(photo, found) < 2


def test_a_photo_of_two_pictures_in_one_jpeg_shows_the_first() -> None:
    data = encoded(drawn(), "MPO", save_all=True, append_images=[Image.new("RGB", (320, 240), "blue")])
    assert difference(drawn(), decoded(data)) < 4


@pytest.mark.parametrize("kind", WITH_EXIF)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_turned_by_exif_comes_upright(kind: str, orientation: int) -> None:
    data = turned(kind, orientation)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    found, size = decode(data, LIMITS, None, wanted_side=256)
    assert (expected.size, expected.size) == (found.size, size)
    assert expected.tobytes() == found.tobytes()


@pytest.mark.parametrize("orientation", [0, 9, 255, 65_535])
def test_an_orientation_that_is_not_in_the_standard_turns_nothing(orientation: int) -> None:
    assert difference(drawn(96, 64), decoded(turned("PNG", orientation))) == 0


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0" + b"\xa5" * 200])
def test_damaged_exif_is_ignored(exif: bytes) -> None:
    plain, damaged = encoded(drawn(), "JPEG"), encoded(drawn(), "JPEG", exif=exif)
    assert len(plain) < len(damaged)
    assert decoded(plain).tobytes() == decoded(damaged).tobytes()


@pytest.mark.parametrize(("kind", "worst"), [("TIFF", 0), ("JPEG", 4)])
def test_cmyk_becomes_rgb(kind: str, worst: float) -> None:
    found = decoded(encoded(drawn().convert("CMYK"), kind))
    assert difference(drawn(), found) <= worst


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_a_palette_is_looked_up(kind: str) -> None:
    photo = drawn().quantize(64)
    assert difference(photo, decoded(encoded(photo, kind))) == 0


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_palettes_transparent_colour_is_white(kind: str) -> None:
    image = Image.new("P", (32, 32), 0)
    image.putpalette([200, 0, 0, 0, 100, 0])
    image.paste(1, (16, 0, 32, 32))
    found = decoded(encoded(image, kind, transparency=0))
    expected = [(255, 255, 255), (0, 100, 0)]
    assert expected == [found.getpixel((4, 4)), found.getpixel((28, 4))]


@pytest.mark.parametrize(("kind", "worst"), [("PNG", 1), ("TIFF", 1), ("WEBP", 3), ("AVIF", 3)])
@pytest.mark.parametrize(("alpha", "shade"), [(0, 1.0), (128, 127 / 255), (255, 0.0)])
def test_what_shines_through_is_white(kind: str, worst: int, alpha: int, shade: float) -> None:
    colour = np.array([200, 40, 90])
    found = decoded(encoded(Image.new("RGBA", (32, 32), (*colour.tolist(), alpha)), kind))
    expected = 255 * shade + colour * (1 - shade)
    assert np.abs(expected - np.asarray(found)[16, 16]).max() <= worst


@pytest.mark.parametrize(("alpha", "expected"), [(0, 255), (128, 177), (255, 100)])
def test_grey_with_alpha_lies_over_white(alpha: int, expected: int) -> None:
    found = decoded(encoded(Image.new("LA", (32, 32), (100, alpha))))
    assert {(expected, expected, expected)} == set(pixels(found))


@pytest.mark.parametrize(("mode", "key"), [("RGB", (9, 99, 199)), ("L", 99), ("1", 0)])
def test_a_png_whose_one_colour_means_nothing_is_white_there(mode: str, key: int | tuple[int, ...]) -> None:
    found = decoded(encoded(Image.new(mode, (32, 32), key), transparency=key))
    assert {(255, 255, 255)} == set(pixels(found))


DEPTHS = np.array([0, 255, 256, 32_768, 65_535] * 5, np.uint16)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_are_scaled_to_eight_not_clipped(kind: str, order: str) -> None:
    image = Image.fromarray(np.tile(DEPTHS, (25, 1)).astype(order))
    found = np.asarray(decoded(encoded(image, kind)))[0, :, 0]
    assert np.abs(DEPTHS / 257 - found).max() <= 1


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (4, 2), (2, 3), (6, 4)])
def test_sixteen_bits_are_scaled_in_every_kind_of_png(colour_type: int, channels: int) -> None:
    levels = np.linspace(0, 65_535, 32).astype(">u2")
    samples = np.full((32, 32, channels), 65_535, ">u2")
    samples[:, :, : 3 if channels > 2 else 1] = levels[:, np.newaxis]
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    found = np.asarray(decoded(plain_png(rows, 32, 32, bits=16, colour_type=colour_type)))
    assert np.abs(levels / 257 - found[7, :, 0]).max() <= 1
    assert np.abs(levels / 257 - found[7, :, 2]).max() <= 1


def test_a_dark_photo_of_sixteen_bits_stays_dark() -> None:
    image = Image.fromarray(np.full((25, 25), 200, np.uint16))
    assert {(0, 0, 0)} == set(pixels(decoded(encoded(image))))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_one_bit_is_black_and_white(kind: str) -> None:
    image = Image.new("1", (32, 32), 0)
    image.paste(1, (16, 0, 32, 32))
    found = decoded(encoded(image, kind))
    assert difference(image, found) == 0
    assert {(0, 0, 0), (255, 255, 255)} == set(pixels(found))


@pytest.mark.parametrize("full", [255, 65_535, 1_000_000])
def test_integers_of_32_bits_are_scaled_by_the_range_that_holds_them(full: int) -> None:
    shares = np.linspace(0, 1, 32)
    image = Image.fromarray(np.tile((shares * full).astype(np.int32), (32, 1)))
    found = np.asarray(decoded(encoded(image, "TIFF")))[0, :, 1]
    assert np.abs(shares * 255 - found).max() <= 2


@pytest.mark.parametrize("full", [1.0, 255.0, 65_535.0])
def test_floats_are_scaled_by_the_range_that_holds_them(full: float) -> None:
    shares = np.linspace(0, 1, 32, dtype=np.float32)
    found = np.asarray(decoded(encoded(Image.fromarray(np.tile(shares * full, (32, 1))), "TIFF")))[0, :, 1]
    assert np.abs(shares * 255 - found).max() <= 2


def test_floats_that_are_no_numbers_are_black_and_negative_ones_too() -> None:
    values = np.tile(np.array([np.nan, -5.0, 0.0, 1.0], np.float32), (16, 8))
    found = np.asarray(decoded(encoded(Image.fromarray(values), "TIFF")))[0, :4, 0]
    expected = [0, 0, 0, 255]
    assert expected == found.tolist()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_of_several_frames_the_first_is_seen(kind: str) -> None:
    first, later = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    data = encoded(first, kind, save_all=True, append_images=[later, later])
    assert len(list(ImageSequence.Iterator(Image.open(io.BytesIO(data))))) > 1
    assert difference(first, decoded(data)) < 4


def test_a_large_jpeg_is_decoded_reduced_to_no_less_than_twice_the_wanted_side() -> None:
    found, size = decode(encoded(drawn(2400, 1600), "JPEG"), LIMITS, None, wanted_side=256)
    expected = (2400, 1600)
    assert expected == size
    assert 512 <= min(found.size) < 1600
    assert abs(found.width / found.height - 1.5) < 0.01


@pytest.mark.parametrize("views", [1, 2])
def test_a_reduced_jpeg_gives_the_pixels_of_the_whole_one_within_a_level_on_average(views: int) -> None:
    recipe = Recipe(views=views, colour=True, limits=LIMITS)
    jpeg = encoded(drawn(2400, 1600), "JPEG", quality=90)
    whole = encoded(Image.open(io.BytesIO(jpeg)), "BMP")
    one, other = prepare(jpeg, recipe), prepare(whole, recipe)
    assert np.abs(one.pixels.astype(float) - other.pixels).mean() < 1.0
    assert one.colour is not None
    assert other.colour is not None
    assert float(one.colour @ other.colour) > 0.99


def test_prepared_pixels_colour_and_hash_are_made_as_the_recipe_says() -> None:
    data = encoded(drawn())
    plain = prepare(data, Recipe(views=1, colour=False, limits=LIMITS))
    full = prepare(data, Recipe(views=2, colour=True, limits=LIMITS), hashed=True)
    expected = [(1, 224, 224, 3), (2, 224, 224, 3)]
    assert expected == [plain.pixels.shape, full.pixels.shape]
    assert {np.dtype(np.uint8)} == {plain.pixels.dtype, full.pixels.dtype}
    assert {(320, 240)} == {(photo.width, photo.height) for photo in (plain, full)}
    assert plain.colour is None
    assert plain.perceptual_hash is None
    assert full.colour is not None
    assert full.perceptual_hash is not None
