import numpy as np

from app.domain.answering.siblings import Features, siblings
from tests.unit.domain.answering.worlds import Floats32


def at(*degrees: float) -> Floats32:
    """Directions in a plane. Under 25.8 degrees between two is a cosine over .9."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def grouped(features: Features, products: list[int]) -> list[list[int]]:
    groups = siblings(features, np.array(products))
    return sorted(np.flatnonzero(groups == group).tolist() for group in np.unique(groups))


def test_photos_of_one_product_that_are_near_belong_together() -> None:
    expected = [[0, 2], [1], [3]]
    assert expected == grouped(at(0, 90, 25, 180), [1, 1, 1, 1])


def test_a_chain_of_near_ones_is_one_group_however_long() -> None:
    degrees = [25.0 * step for step in (5, 0, 3, 1, 4, 2)]
    expected = [[0, 1, 2, 3, 4, 5]]
    assert expected == grouped(at(*degrees), [1] * 6)


def test_photos_that_are_a_little_less_near_are_apart() -> None:
    expected = [[0], [1]]
    assert expected == grouped(at(0, 26.5), [1, 1])


def test_photos_of_two_products_are_never_siblings() -> None:
    expected = [[0, 2], [1, 3]]
    assert expected == grouped(at(0, 0, 1, 1), [8, 3, 8, 3])


def test_a_product_of_many_photos_is_compared_in_parts() -> None:
    degrees = np.repeat([0.0, 90.0], [2500, 500])
    found = grouped(at(*degrees), [1] * 3000)
    expected = [2048, 452, 500]
    assert expected == [len(group) for group in found]


def test_photos_in_half_precision_and_points_of_no_direction_are_taken() -> None:
    features = np.concatenate([at(0, 1), np.zeros((2, 2), np.float32)]).astype(np.float16)
    expected = [[0, 1], [2], [3]]
    assert expected == grouped(features, [1, 1, 1, 1])
