import numpy as np
import pytest

from app.domain.features import EMBEDDING_DIMENSIONS, unit
from app.domain.imaging import Box
from app.domain.regions import likeness, seen_box


def test_the_region_that_looks_like_a_photo_is_told_by_its_cosine() -> None:
    pooled = np.zeros(EMBEDDING_DIMENSIONS, np.float32)
    pooled[:4] = 0.5
    cells = np.zeros((7, 7, EMBEDDING_DIMENSIONS), np.float32)
    cells[2, 5] = 3 * pooled
    cells[6, 0, 0] = 2.0
    cells[0, 6, 900] = 2.0
    regions = likeness(cells, pooled)
    expected = np.zeros((7, 7), np.float32)
    expected[2, 5], expected[6, 0] = 1.0, 0.5
    assert pytest.approx(expected) == regions


def test_colour_and_the_rounding_of_what_is_kept_do_not_count() -> None:
    generator = np.random.default_rng(7)
    pooled = unit(generator.random(EMBEDDING_DIMENSIONS).astype(np.float32))
    cells = generator.random((7, 7, EMBEDDING_DIMENSIONS)).astype(np.float32)
    kept = np.concatenate([0.97 * pooled, np.full(384, 0.01)]).astype(np.float16)
    assert pytest.approx(likeness(cells, pooled), abs=1e-3) == likeness(cells, kept)


@pytest.mark.parametrize(
    ("width", "height", "crop", "shorter_side", "expected"),
    [
        (256, 256, None, 256, Box(0.0625, 0.0625, 0.9375, 0.9375)),
        (400, 200, None, 224, Box(0.25, 0.0, 0.75, 1.0)),
        (200, 400, None, 256, Box(0.0625, 0.28125, 0.9375, 0.71875)),
        (400, 400, Box(0.5, 0.0, 1.0, 1.0), 224, Box(0.5, 0.25, 1.0, 0.75)),
    ],
)
def test_the_part_that_the_network_sees_is_the_centre_of_what_was_asked_for(
    width: int, height: int, crop: Box | None, shorter_side: int, expected: Box
) -> None:
    assert expected == seen_box(width, height, crop, shorter_side)
