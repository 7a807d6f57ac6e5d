from collections import Counter

import numpy as np
import pytest

from app.domain.features import unit
from app.domain.learning.folding import NEAR_IDENTICAL_COSINE, folds, groups_of_near_identical
from tests.unit.domain.learning.galleries import Floats32, photos


def fan(*degrees: float) -> Floats32:
    """Unit vectors of a plane, at these angles."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_near_identical_photos_are_one_group_under_the_first_ones_number() -> None:
    assert [0, 1, 0, 3, 1] == groups_of_near_identical(fan(0, 90, 5, 180, 95)).tolist()


def test_a_chain_of_near_identical_photos_is_one_group_in_any_order() -> None:
    """13 degrees are a cosine of .974; 26 are .899."""
    assert [0, 0, 0, 0] == groups_of_near_identical(fan(0, 13, 26, 39)).tolist()
    assert [0, 0, 0, 0] == groups_of_near_identical(fan(0, 26, 39, 13)).tolist()
    assert [0, 0, 0, 3, 0] == groups_of_near_identical(fan(0, 39, 26, 180, 13)).tolist()
    assert [0, 1, 1, 0] == groups_of_near_identical(fan(0, 50, 63, -13)).tolist()


def test_the_cosine_must_be_greater_than_the_limit() -> None:
    limit = float(np.degrees(np.arccos(NEAR_IDENTICAL_COSINE)))
    assert [0, 0] == groups_of_near_identical(fan(0, limit - 0.1)).tolist()
    assert [0, 1] == groups_of_near_identical(fan(0, limit + 0.1)).tolist()


def test_near_identical_photos_are_found_however_far_apart_they_stand() -> None:
    features = unit(np.random.default_rng(1).normal(size=(2600, 48)).astype(np.float32))
    features[2500] = features[3]
    features[1500] = features[1100]
    groups = groups_of_near_identical(features.astype(np.float16))
    expected = np.arange(2600)
    expected[[2500, 1500]] = 3, 1100
    assert expected.tolist() == groups.tolist()


def test_copies_of_one_photo_are_one_group() -> None:
    assert [0] * 3000 == groups_of_near_identical(np.repeat(fan(30), 3000, axis=0)).tolist()


def test_folds_are_about_equally_large_and_split_no_group() -> None:
    groups = np.random.default_rng(1).integers(0, 400, 2000)
    found = folds(groups, 5, seed=1)
    assert set(range(5)) == set(found.tolist())
    assert all(380 <= count <= 420 for count in Counter(found.tolist()).values())
    assert 400 >= len(set(zip(groups.tolist(), found.tolist(), strict=True))) == len(set(groups.tolist()))


def test_rows_of_their_own_are_dealt_out_to_one() -> None:
    assert [7] * 10 == sorted(Counter(folds(np.arange(70), 10, seed=1).tolist()).values())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fewer_groups_than_folds_are_in_a_fold_each(count: int) -> None:
    assert count == len(set(folds(np.arange(count), 5, seed=1).tolist()))


def test_a_group_larger_than_a_fold_stays_whole() -> None:
    groups = np.array([0] * 90 + list(range(1, 11)))
    assert 1 == len(set(folds(groups, 5, seed=1)[:90].tolist()))


def test_nothing_has_no_folds() -> None:
    assert [] == folds(np.zeros(0, np.int64), 5, seed=1).tolist()


def test_the_same_seed_gives_the_same_folds_and_another_one_others() -> None:
    groups = groups_of_near_identical(photos(products=50, each=4, seed=1)[0])
    assert folds(groups, 5, seed=1).tolist() == folds(groups, 5, seed=1).tolist()
    assert folds(groups, 5, seed=1).tolist() != folds(groups, 5, seed=2).tolist()
