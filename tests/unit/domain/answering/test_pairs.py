import numpy as np
import pytest

from app.domain.answering.examples import cross_fitted
from app.domain.answering.pairs import MIN_PAIRS, Pair, PairCalibration, Photos, fit_pairs
from tests.unit.domain.answering.worlds import photos

SAME, OTHER, SPREAD = 0.7, 0.4, 0.1


def pairs(same: int, other: int, seed: int) -> list[Pair]:
    """So many of one product and of two, in a world of two bells of cosines."""
    chance = np.random.default_rng(seed)
    alike, unlike = chance.normal(SAME, SPREAD, same), chance.normal(OTHER, SPREAD, other)
    return [*(Pair(float(each), same=True) for each in alike), *(Pair(float(each), same=False) for each in unlike)]


def true_probability(cosine: float) -> float:
    """By Bayes, where half of all pairs are of one product."""
    bells = [np.exp(-0.5 * ((cosine - mean) / SPREAD) ** 2) for mean in (SAME, OTHER)]
    return float(bells[0] / sum(bells))


def fitted(examples: list[Pair]) -> PairCalibration:
    calibration = fit_pairs(examples)
    assert calibration is not None
    return calibration


@pytest.mark.parametrize(("same", "other"), [(2000, 2000), (300, 4000), (4000, 300)])
def test_probabilities_are_those_of_a_world_where_half_of_all_pairs_are_of_one_product(same: int, other: int) -> None:
    calibration = fitted(pairs(same, other, seed=1))
    for cosine in (0.3, 0.45, 0.55, 0.65, 0.8):
        assert true_probability(cosine) == pytest.approx(calibration.probability(cosine), abs=0.04)


def test_the_more_alike_two_photos_are_the_likelier_they_show_one_product() -> None:
    calibration = fitted(pairs(200, 200, seed=1))
    found = [calibration.probability(cosine) for cosine in (-1.0, 0.2, 0.5, 0.6, 0.9, 1.0)]
    assert sorted(found) == found
    assert 0 < found[0] < 0.01
    assert 0.99 < found[-1] < 1


def test_photos_that_are_all_alike_tell_nothing() -> None:
    calibration = fitted([Pair(0.5, same=number < 40) for number in range(80)])
    assert pytest.approx(0.5) == calibration.probability(0.5)


@pytest.mark.parametrize(
    ("same", "other", "enough"),
    [(0, 0, False), (500, MIN_PAIRS - 1, False), (MIN_PAIRS - 1, 500, False), (MIN_PAIRS, MIN_PAIRS, True)],
)
def test_too_few_pairs_of_either_kind_are_no_calibration(same: int, other: int, enough: bool) -> None:  # noqa: FBT001
    calibration = fit_pairs(pairs(same, other, seed=1))
    counted = (same, other) if enough else None
    assert counted == (calibration and (calibration.same_count, calibration.other_count))


def test_a_photo_is_paired_with_one_of_its_product_and_with_one_of_another() -> None:
    angles = np.array([0.0, 0.1, 0.5, 1.0, 1.5])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    # Row 1 is of the same fold, so the pair of one product is with row 2; row 3 is not among those that are there.
    gallery = Photos(vectors, np.array([7, 7, 7, 8, 9]), np.array([0, 0, 1, 1, 1]))
    pairs = gallery.pairs(np.array([0]), np.array([2, 4]), np.random.default_rng(1))
    assert [0] == list(pairs)
    assert [True, False] == [each.same for each in pairs[0]]
    assert pytest.approx([np.cos(0.5), np.cos(1.5)]) == [each.cosine for each in pairs[0]]


def test_the_photos_of_pairs_are_chosen_by_chance() -> None:
    vectors = np.linspace(0, 1, 21, dtype=np.float32)[:, np.newaxis]
    gallery = Photos(vectors, np.repeat([1, 2], [11, 10]), np.arange(21))
    chance = np.random.default_rng(1)
    drawn = [gallery.pairs(np.array([10]), np.arange(21), chance)[10] for _ in range(200)]
    same, other = ({round(pair[place].cosine / 0.5, 2) for pair in drawn} for place in (0, 1))
    assert {round(number / 20, 2) for number in range(10)} == same
    assert {round(number / 20, 2) for number in range(11, 21)} == other


@pytest.mark.parametrize(
    ("products", "expected"), [([1, 1, 1], [True]), ([1, 2, 3], [False]), ([1, 1, 2], [True, False])]
)
def test_pairs_that_cannot_be_are_not_made(products: list[int], expected: list[bool]) -> None:
    gallery = Photos(np.eye(3, dtype=np.float32), np.array(products), np.arange(3))
    pairs = gallery.pairs(np.array([0]), np.array([1, 2]), np.random.default_rng(1))
    assert expected == [each.same for each in pairs[0]]


@pytest.mark.parametrize("adapted", [True, False])
def test_held_out_photos_tell_how_likely_new_ones_show_one_product(adapted: bool) -> None:  # noqa: FBT001
    features, ids = photos(products=40, each=8, seed=3, noise=0.5)
    examples = [each for fold in cross_fitted(features, ids, 1, adapted=adapted) for each in fold]
    calibration = fitted([pair for each in examples for pair in each.pairs])
    # Photos ask as known ones and as unknown ones; siblings have no pair of one product.
    assert 320 < calibration.same_count <= 640
    assert 600 < calibration.other_count <= 640
    assert calibration.probability(0.1) < 0.2
    assert calibration.probability(0.95) > 0.9
