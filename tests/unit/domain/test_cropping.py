import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.cropping import suggested
from app.domain.features import EMBEDDING_DIMENSIONS
from app.domain.imaging import Box, parse_crop
from app.domain.records import StoredFeatures
from app.domain.regions import LastMap, seen_box

WHOLE = Box(0, 0, 1, 1)


def thing(first: int, size: int) -> list[int]:
    """What is active in the cells of a thing: in each something of its own, so that only all of them are the thing."""
    return list(range(first, first + size**2))


def looks(*photos: list[int], colour: float = 0.0) -> StoredFeatures:
    """Features of photos by what is active in them, and with some colour."""
    rows = np.zeros((len(photos), EMBEDDING_DIMENSIONS + 384), np.float16)
    for row, active in zip(rows, photos, strict=True):
        row[active], row[-1] = ((1 - colour**2) / len(active)) ** 0.5, colour
    return rows


def ground(strength: float = 1.0) -> LastMap:
    """Nothing but what no photo has."""
    cells = np.zeros((7, 7, EMBEDDING_DIMENSIONS), np.float32)
    cells[:, :, 0] = strength
    return cells


def with_thing(cells: LastMap, top: int, left: int, active: list[int]) -> LastMap:
    changed, size = cells.copy(), round(len(active) ** 0.5)
    for place, direction in enumerate(active):
        changed[top + place // size, left + place % size] = 0.0
        changed[top + place // size, left + place % size, direction] = 1.0
    return changed


def chance_map(seed: int) -> LastMap:
    return np.random.default_rng(seed).random((7, 7, EMBEDDING_DIMENSIONS)).astype(np.float32)


def chance_photos(seed: int, count: int) -> StoredFeatures:
    return np.random.default_rng(seed).random((count, EMBEDDING_DIMENSIONS + 384)).astype(np.float16)


def sides(box: Box) -> tuple[float, ...]:
    return box.x_min, box.y_min, box.x_max, box.y_max


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = max(0.0, min(one.x_max, other.x_max) - max(one.x_min, other.x_min))
    height = max(0.0, min(one.y_max, other.y_max) - max(one.y_min, other.y_min))
    areas = sum((box.x_max - box.x_min) * (box.y_max - box.y_min) for box in (one, other))
    return width * height / (areas - width * height)


def test_the_window_of_the_part_that_looks_like_a_photo_comes_first_and_a_little_larger() -> None:
    for size in (2, 3, 4):
        cells = with_thing(ground(), 1, 2, thing(5, size))
        best = suggested(cells, looks(thing(900, 3), thing(5, size)), WHOLE, WHOLE)[0]
        window, margin = (2, 1, 2 + size, 1 + size), 0.05 * size
        expected = [(side + by) / 7 for side, by in zip(window, (-margin, -margin, margin, margin), strict=True)]
        assert pytest.approx(expected) == list(sides(best.box))
        assert pytest.approx(1.0, abs=1e-3) == best.score


def test_two_things_of_two_photos_are_two_crops_and_what_is_like_neither_comes_last() -> None:
    cells = with_thing(ground(), 0, 0, thing(5, 3))
    cells = with_thing(cells, 4, 4, thing(50, 3))
    crops = suggested(cells, looks(thing(5, 3), thing(50, 3)), WHOLE, WHOLE)
    places = {(round((one.box.x_min + one.box.x_max) / 2, 1), one.box.x_min == 0) for one in crops[:2]}
    assert {(0.2, True), (0.8, False)} == places
    assert [1.0, 1.0] == [pytest.approx(one.score, abs=1e-3) for one in crops[:2]]
    assert crops[2].score < 0.9


def test_colour_does_not_count() -> None:
    cells = with_thing(ground(), 2, 2, thing(5, 2))
    plain, coloured = (
        suggested(cells, looks(thing(5, 2), thing(700, 2), colour=colour), WHOLE, WHOLE) for colour in (0.0, 0.9)
    )
    assert plain[0].box == coloured[0].box
    assert pytest.approx([one.score for one in plain], abs=1e-3) == [one.score for one in coloured]


def test_cells_in_which_nothing_is_active_look_like_nothing() -> None:
    crops = suggested(ground(0.0), looks([5]), WHOLE, WHOLE)
    assert [0.0, 0.0, 0.0] == [one.score for one in crops]


def test_a_crop_lies_where_its_window_is_in_the_photo() -> None:
    """400 x 200, of which the network sees the centre square of 7/8 of the height."""
    cells = with_thing(ground(), 5, 0, thing(5, 2))
    best = suggested(cells, looks(thing(5, 2)), seen_box(400, 200, None, 256), WHOLE)[0].box
    window = (112.5, 137.5, 162.5, 187.5)
    expected = [side + by for side, by in zip(window, (-2.5, -2.5, 2.5, 2.5), strict=True)]
    found = [side * size for side, size in zip(sides(best), (400, 200, 400, 200), strict=True)]
    assert pytest.approx(expected) == found


@given(
    seed=st.integers(0, 1000),
    width=st.integers(64, 900),
    height=st.integers(64, 900),
    crop=st.sampled_from([None, Box(0, 0, 0.5, 0.5), Box(0.3, 0.1, 0.9, 1.0), Box(0.123457, 0.6, 1, 0.98765)]),
    shorter_side=st.sampled_from([224, 256]),
)
def test_any_crops_are_apart_inside_best_first_and_can_be_sent_back(
    seed: int, width: int, height: int, crop: Box | None, shorter_side: int
) -> None:
    within = crop or WHOLE
    seen = seen_box(width, height, crop, shorter_side)
    crops = suggested(chance_map(seed), chance_photos(seed, 5), seen, within)
    assert 3 == len(crops)
    assert sorted((one.score for one in crops), reverse=True) == [one.score for one in crops]
    for one in crops:
        assert within.x_min <= one.box.x_min < one.box.x_max <= within.x_max
        assert within.y_min <= one.box.y_min < one.box.y_max <= within.y_max
        assert pytest.approx(sides(one.box), abs=1e-5) == sides(parse_crop(str(one.box)))
    # Below 0.3 as windows; each is larger by a tenth, unless the photo ends.
    assert all(overlap(one.box, other.box) < 0.45 for one in crops for other in crops if one is not other)
