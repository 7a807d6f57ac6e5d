import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from app.domain.errors import InvalidRequestError
from app.domain.imaging import Box, Limits, Recipe, decode, parse_crop, prepare
from tests.unit.domain.pictures import difference, drawn, encoded

CORNERS = {
    "red": Box(0, 0, 0.5, 0.5),
    "lime": Box(0.5, 0, 1, 0.5),
    "blue": Box(0, 0.5, 0.5, 1),
    "yellow": Box(0.5, 0.5, 1, 1),
}


def cropped(data: bytes, crop: Box, limits: Limits | None = None) -> Image.Image:
    image, _ = decode(data, limits or Limits(), crop, wanted_side=256)
    return image


def quarters(width: int = 80, height: int = 48) -> Image.Image:
    """A picture whose corners have the colours of CORNERS."""
    image = Image.new("RGB", (width, height))
    for colour, box in CORNERS.items():
        left, upper = round(box.x_min * width), round(box.y_min * height)
        image.paste(colour, (left, upper, round(box.x_max * width), round(box.y_max * height)))
    return image


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1,0,0.9,0.8", Box(0.1, 0, 0.9, 0.8)),
        ("0,0,1,1", Box(0, 0, 1, 1)),
        (" .25 , 0.5 , 1. , 1e0 ", Box(0.25, 0.5, 1, 1)),
        ("1e-3,0,2e-3,1", Box(0.001, 0, 0.002, 1)),
    ],
)
def test_a_crop_is_four_numbers_from_the_top_left(text: str, expected: Box) -> None:
    assert expected == parse_crop(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "all",
        "0,0,1",
        "0,0,1,1,1",
        "0,0,1,x",
        "0;0;1;1",
        "0,0,,1",
        "0.9,0,0.1,1",
        "0,0.9,1,0.1",
        "0.5,0,0.5,1",
        "0,0.5,1,0.5",
        "nan,0,1,1",
        "0,0,nan,1",
        "0,0,1,inf",
        "-inf,0,1,1",
        "-0.1,0,1,1",
        "0,-0.1,1,1",
        "0,0,1.0001,1",
        "0,0,1,2",
        "10,10,200,200",
        "9" * 400 + ",0,1,1",
    ],
)
def test_what_is_no_part_of_a_photo_is_an_invalid_crop(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_crop(text)
    expected = "invalid_crop"
    assert expected == caught.value.code


def test_a_crop_reads_as_it_is_written() -> None:
    expected = "0.1,0,0.9,0.85"
    assert expected == str(parse_crop("0.10,0.0,0.9,.85"))


numbers = st.floats() | st.sampled_from([0.0, 1.0, 0.5])


@given(st.text(max_size=30) | st.lists(numbers, min_size=3, max_size=5).map(lambda row: ",".join(map(str, row))))
def test_any_text_is_a_part_of_a_photo_or_refused(text: str) -> None:
    try:
        box = parse_crop(text)
    except InvalidRequestError:
        return
    assert 0 <= box.x_min < box.x_max <= 1
    assert 0 <= box.y_min < box.y_max <= 1


@pytest.mark.parametrize("colour", CORNERS)
def test_a_crop_is_the_part_that_it_names(colour: str) -> None:
    found = cropped(encoded(quarters()), CORNERS[colour])
    assert Image.new("RGB", (40, 24), colour).tobytes() == found.tobytes()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_crop_is_measured_after_the_exif_turn(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    photo = quarters()
    photo.info["exif"] = exif.tobytes()
    upright = ImageOps.exif_transpose(photo)
    data = encoded(photo, kind, exif=exif)
    for box in CORNERS.values():
        expected = upright.getpixel((int((box.x_min + 0.2) * upright.width), int((box.y_min + 0.2) * upright.height)))
        assert {expected} == {pixel for _, pixel in cropped(data, box).getcolors() or []}


def test_the_size_told_is_of_the_whole_photo() -> None:
    prepared = prepare(encoded(drawn()), Recipe(1, colour=True, limits=Limits()), Box(0.1, 0.1, 0.5, 0.5))
    expected = (320, 240)
    assert expected == (prepared.width, prepared.height)


def test_a_crop_is_prepared_as_if_it_were_the_photo() -> None:
    recipe = Recipe(1, colour=True, limits=Limits())
    part = prepare(encoded(drawn()), recipe, Box(0.25, 0.25, 0.75, 0.75), hashed=True)
    alone = prepare(encoded(drawn().crop((80, 60, 240, 180))), recipe, hashed=True)
    assert alone.pixels.tobytes() == part.pixels.tobytes()
    assert alone.perceptual_hash == part.perceptual_hash
    assert alone.colour is not None
    assert part.colour is not None
    assert alone.colour.tobytes() == part.colour.tobytes()


def test_a_small_crop_of_a_large_jpeg_keeps_the_pixels_it_needs() -> None:
    photo = drawn(2400, 1600)
    found = cropped(encoded(photo, "JPEG", quality=95), Box(0.5, 0.5, 0.75, 0.75))
    expected = (600, 400)
    assert expected == found.size
    assert difference(photo.crop((1200, 800, 1800, 1200)), found) < 1.5


def test_a_crop_of_fewer_pixels_than_a_photo_needs_is_refused() -> None:
    data = encoded(drawn(320, 240))
    expected = (16, 240)
    assert expected == cropped(data, Box(0, 0, 0.05, 1)).size
    with pytest.raises(InvalidRequestError) as caught:
        cropped(data, Box(0, 0, 0.049, 1))
    code = "invalid_crop"
    assert code == caught.value.code


def test_a_crop_between_two_pixels_has_at_least_one() -> None:
    recipe = Recipe(1, colour=True, limits=Limits(min_side_px=1))
    prepared = prepare(encoded(Image.new("RGB", (4, 4), "red")), recipe, Box(0.375, 0.375, 0.625, 0.625))
    expected = [255, 0, 0]
    assert expected == np.unique(prepared.pixels.reshape(-1, 3), axis=0).ravel().tolist()
