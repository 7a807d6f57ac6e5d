import numpy as np
import pytest
from PIL import Image

from app.domain.pixels import SHORTER_SIDES, centre_box, centre_crop, views_of
from tests.unit.domain.pictures import drawn


def by_the_book(image: Image.Image, shorter_side: int) -> Image.Image:
    """ImageNet's evaluation crop in two plain steps: the shorter side resized, the centre 224 cut out."""
    scale = shorter_side / min(image.size)
    resized = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    left, upper = (resized.width - 224) // 2, (resized.height - 224) // 2
    return resized.crop((left, upper, left + 224, upper + 224))


def mean_difference(one: object, other: object) -> float:
    return float(np.abs(np.asarray(one, dtype=np.float32) - np.asarray(other, dtype=np.float32)).mean())


@pytest.mark.parametrize(
    ("width", "height", "share", "expected"),
    [
        (256, 256, 1.0, (0, 0, 256, 256)),
        (320, 240, 1.0, (40, 0, 280, 240)),
        (240, 320, 1.0, (0, 40, 240, 280)),
        (256, 256, 224 / 256, (16, 16, 240, 240)),
        (512, 256, 0.5, (192, 64, 320, 192)),
        (5, 4, 1.0, (0.5, 0, 4.5, 4)),
    ],
)
def test_the_centre_box_is_a_centred_square_of_the_shorter_side(
    width: int, height: int, share: float, expected: tuple[float, float, float, float]
) -> None:
    assert expected == centre_box(width, height, share)


@pytest.mark.parametrize("size", [(16, 16), (300, 200), (224, 1000), (4000, 16), (1, 1)])
@pytest.mark.parametrize("side", [224, 256, 320])
def test_a_crop_has_224_pixels_a_side_whatever_the_photo_has(size: tuple[int, int], side: int) -> None:
    crop = centre_crop(drawn(*size), side)
    expected = ((224, 224, 3), np.dtype(np.uint8))
    assert expected == (crop.shape, crop.dtype)


def test_a_photo_that_needs_no_resizing_is_only_cut() -> None:
    photo = drawn(300, 256)
    assert np.asarray(photo.crop((38, 16, 262, 240))).tobytes() == centre_crop(photo, 256).tobytes()


@pytest.mark.parametrize("side", [224, 256, 320])
@pytest.mark.parametrize("size", [(512, 512), (640, 480), (480, 640), (1000, 333), (120, 90)])
def test_a_crop_is_imagenets_evaluation_crop_within_a_level(size: tuple[int, int], side: int) -> None:
    photo = drawn(*size)
    assert mean_difference(by_the_book(photo, side), centre_crop(photo, side)) < 1.0


def test_what_lies_outside_the_centre_is_not_seen() -> None:
    photo = Image.new("RGB", (400, 256), "red")
    photo.paste("lime", (80, 8, 320, 248))
    expected = [0, 255, 0]
    assert expected == np.unique(centre_crop(photo, 256).reshape(-1, 3), axis=0).ravel().tolist()


def test_one_view_is_the_shorter_side_at_256_and_two_are_224_and_320() -> None:
    expected = {1: (256,), 2: (224, 320)}
    assert expected == SHORTER_SIDES


def test_views_are_the_crops_in_order() -> None:
    photo = drawn()
    views = views_of(photo, (224, 320))
    expected = ((2, 224, 224, 3), np.dtype(np.uint8))
    assert expected == (views.shape, views.dtype)
    assert [centre_crop(photo, side).tobytes() for side in (224, 320)] == [view.tobytes() for view in views]
    assert mean_difference(views[0], views[1]) > 5
