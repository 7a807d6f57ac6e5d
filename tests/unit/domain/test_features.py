import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from app.domain.features import colour_histogram, dimensions, mean_direction, unit, with_colour
from tests.unit.domain.pictures import drawn

Floats = npt.NDArray[np.float32]


def slow_histogram(image: Image.Image) -> Floats:
    """The colour as it is written down: the centre square at 64x64, HSV, 12x4x4 bins, inner 32x32 and whole, rooted."""
    side = min(image.size)
    left, upper = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, upper, left + side, upper + side)).resize((64, 64), Image.Resampling.BOX)
    inner, whole = [0] * 192, [0] * 192
    for y, row in enumerate(np.asarray(square.convert("HSV")).tolist()):
        for x, (hue, saturation, value) in enumerate(row):
            place = (hue * 12 // 256) * 16 + (saturation * 4 // 256) * 4 + value * 4 // 256
            whole[place] += 1
            if 16 <= x < 48 and 16 <= y < 48:
                inner[place] += 1
    shares = [count / 32**2 for count in inner] + [count / 64**2 for count in whole]
    return np.array([math.sqrt(share) / math.sqrt(2) for share in shares], np.float32)


def noise(width: int, height: int, seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def directions(count: int, width: int, seed: int = 1) -> Floats:
    rows = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@given(seed=st.integers(0, 1000))
def test_the_colour_histogram_is_the_slow_plain_one(seed: int) -> None:
    photo = noise(64, 64, seed)
    assert np.abs(slow_histogram(photo) - colour_histogram(photo)).max() < 1e-6


@pytest.mark.parametrize("size", [(128, 128), (640, 480), (480, 640), (100, 64), (331, 331), (1600, 1200)])
def test_a_photo_of_any_size_has_nearly_the_colours_of_the_plain_histogram(size: tuple[int, int]) -> None:
    photo = drawn(*size)
    assert float(slow_histogram(photo) @ colour_histogram(photo)) > 0.99


def test_every_bin_of_the_inner_part_comes_before_the_whole() -> None:
    photo = Image.new("RGB", (64, 64), "blue")
    photo.paste("red", (16, 16, 48, 48))
    red, blue = 0 * 16 + 3 * 4 + 3, (170 * 12 // 256) * 16 + 3 * 4 + 3
    expected = np.zeros(384, np.float32)
    expected[red] = math.sqrt(1 / 2)
    expected[[192 + red, 192 + blue]] = [math.sqrt(1 / 4 / 2), math.sqrt(3 / 4 / 2)]
    assert np.abs(expected - colour_histogram(photo)).max() < 1e-6


@pytest.mark.parametrize("size", [(16, 16), (300, 20), (64, 64), (1000, 800)])
def test_a_colour_histogram_is_384_numbers_of_unit_length(size: tuple[int, int]) -> None:
    colour = colour_histogram(drawn(*size))
    expected = ((384,), np.dtype(np.float32))
    assert expected == (colour.shape, colour.dtype)
    assert abs(1 - float(np.linalg.norm(colour))) < 1e-6


def test_features_are_1664_numbers_with_colour_and_1280_without() -> None:
    expected = {0.0: 1280, 0.25: 1664, 4.0: 1664}
    assert expected == {weight: dimensions(weight) for weight in expected}


@pytest.mark.parametrize("weight", [0.25, 1.0, 4.0])
def test_colour_lies_beside_the_embedding_with_its_weight(weight: float) -> None:
    embeddings, colours = directions(5, 1280), directions(5, 384, seed=2)
    features = with_colour(embeddings, colours, weight)
    whole = math.sqrt(1 + weight**2)
    expected = np.concatenate([embeddings / whole, colours * weight / whole], axis=1)
    assert np.abs(expected - features).max() < 1e-6
    assert np.dtype(np.float32) == features.dtype


def test_the_cosine_of_features_is_that_of_both_parts_weighted() -> None:
    embeddings, colours = directions(2, 1280), np.abs(directions(2, 384, seed=2))
    one, other = with_colour(embeddings, colours, 0.25)
    expected = (embeddings[0] @ embeddings[1] + 0.0625 * colours[0] @ colours[1]) / 1.0625
    assert abs(expected - one @ other) < 1e-6


def test_one_view_is_its_own_direction() -> None:
    views = directions(3, 8).reshape(3, 1, 8)
    assert views[:, 0].tobytes() == mean_direction(views).tobytes()


def test_several_views_point_to_their_middle() -> None:
    views = directions(6, 8).reshape(3, 2, 8)
    summed = views.sum(axis=1)
    expected = summed / np.linalg.norm(summed, axis=1, keepdims=True)
    found = mean_direction(views)
    assert np.abs(expected - found).max() < 1e-6
    assert np.dtype(np.float32) == found.dtype


def test_views_that_cancel_out_point_nowhere() -> None:
    one = directions(1, 8)[0]
    assert not mean_direction(np.stack([one, -one])[np.newaxis]).any()


finite = st.floats(-1e3, 1e3, width=32)


@given(arrays(np.float32, (3, 5), elements=finite))
def test_unit_rows_have_length_one_and_keep_their_direction(rows: Floats) -> None:
    for row, scaled in zip(rows, unit(rows), strict=True):
        length = float(np.linalg.norm(row))
        if length > 1e-3:
            assert abs(1 - float(np.linalg.norm(scaled))) < 1e-5
            assert np.abs(row - scaled * length).max() <= 1e-5 * length


def test_a_row_of_zeros_stays_one() -> None:
    assert not unit(np.zeros((2, 4), np.float32)).any()
