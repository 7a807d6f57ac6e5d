import math

import numpy as np
import pytest

from app.domain.features import unit
from app.domain.learning.checking import FOLDS, Answers, HeldOut, SelfCheck, answers, check_of, checked, is_better
from tests.unit.domain.learning.galleries import Floats32, photos

NOBODY = HeldOut(0.0, 0.0, 0.0, 0)


def meaningless(count: int, products: int, width: int) -> tuple[Floats32, list[str]]:
    """Photos that have nothing to do with their products."""
    features = unit(np.random.default_rng(1).normal(size=(count, width)).astype(np.float32))
    return features, [f"p{number % products:02}" for number in range(count)]


def test_what_helps_photos_and_products_alike_is_better() -> None:
    check = checked(*photos(products=40, each=10, seed=1), seed=1)
    assert 0.2 < check.photos.gain
    assert 0.1 < check.products.gain
    assert (400, 400) == (check.photos.count, check.products.count)
    assert is_better(check)


def test_where_there_is_nothing_to_gain_it_is_not_better() -> None:
    """Every photo is found without learning."""
    check = checked(*photos(products=20, each=6, seed=1, noise=0.3, strong=1.0), seed=1)
    assert (1.0, 1.0) == (check.photos.before, check.products.before)
    assert not is_better(check)


def test_nothing_is_learned_from_photos_that_are_held_out() -> None:
    """In as many dimensions as photos a fit could tell every photo it has seen."""
    check = checked(*meaningless(240, products=40, width=260), seed=1)
    assert check.photos.after < 0.1
    assert check.products.after < 0.1


def test_products_that_are_held_out_are_strangers_to_what_is_learned() -> None:
    """Each product differs in a direction of its own, which whitening takes away from those that it has seen."""
    chance = np.random.default_rng(1)
    centres, ways = (np.repeat(chance.normal(size=(10, 64)), 12, axis=0) for _ in range(2))
    rows = centres + 3 * chance.normal(size=(120, 1)) * ways + 0.5 * chance.normal(size=(120, 64))
    check = checked(unit(rows.astype(np.float32)), [f"p{number // 12}" for number in range(120)], seed=1)
    assert check.photos.gain < -0.1
    assert -0.05 < check.products.gain


def test_products_that_are_held_out_are_strangers_to_the_directions_of_a_cut_space() -> None:
    """Eight directions for the eight products that are left."""
    features, ids = photos(products=10, each=10, seed=1, width=64, noise=0.8, strong=1.0)
    check = checked(features, ids, seed=1, dimensions=8)
    assert (1.0, 1.0) == (checked(features, ids, seed=1).products.after, check.photos.after)
    assert check.products.after < 0.92


def test_copies_of_a_photo_do_not_find_each_other() -> None:
    features, ids = meaningless(120, products=30, width=64)
    copies = np.concatenate([features, features])
    check = checked(copies.astype(np.float16), [*ids, *ids], seed=1)
    assert check.photos.before < 0.15
    assert check.products.before < 0.15
    assert (240, 240) == (check.photos.count, check.products.count)


def test_photos_that_cannot_be_right_do_not_ask() -> None:
    """Of one photo each, or of copies of one."""
    features, ids = photos(products=12, each=5, seed=1)
    loners = photos(products=6, each=1, seed=9)[0]
    more = np.concatenate([features, loners, loners[:1]])
    check = checked(more, [*ids, "a", "b", "c", "d", "e", "f", "a"], seed=1)
    assert 60 == check.products.count
    assert 50 <= check.photos.count <= 60


def test_a_gallery_of_one_photo_each_asks_nothing_and_is_not_better() -> None:
    check = checked(*photos(products=9, each=1, seed=1), seed=1)
    assert SelfCheck(NOBODY, NOBODY) == check
    assert not is_better(check)


def test_products_are_as_before_where_too_few_are_left_to_learn_from() -> None:
    check = checked(*photos(products=2, each=6, seed=1), seed=1)
    assert (12, 0.0, 0.0) == (check.products.count, check.products.gain, check.products.standard_error)


def test_the_same_seed_gives_the_same_check_and_another_one_another() -> None:
    features, ids = photos(products=30, each=6, seed=1)
    assert checked(features, ids, seed=1) == checked(features, ids, seed=1)
    assert checked(features, ids, seed=1) != checked(features, ids, seed=2)


def test_a_cut_space_is_checked_as_it_will_be() -> None:
    features, ids = photos(products=30, each=8, seed=1)
    whole, cut, line = (checked(features, ids, 1, dimensions) for dimensions in (None, 24, 2))
    assert (whole.photos.before, whole.products.before) == (line.photos.before, line.products.before)
    assert whole.photos.after - 0.05 < cut.photos.after
    assert line.photos.after < cut.photos.after - 0.2
    assert not is_better(line)


def test_each_fold_is_asked_once_for_photos_and_once_for_products() -> None:
    answered = list(answers(*photos(products=30, each=6, seed=1), seed=1))
    assert [False, True] * FOLDS == [each.of_products for each in answered]
    assert 180 == sum(len(each.after) for each in answered if each.of_products)


def test_no_more_than_a_thousand_of_a_fold_ask() -> None:
    answered = answers(*photos(products=180, each=32, seed=1, width=8), seed=1)
    assert [1000] * 2 * FOLDS == [len(each.before) for each in answered]


def of(before: list[int], after: list[int], *, of_products: bool = False) -> Answers:
    return Answers(np.array(before, np.bool_), np.array(after, np.bool_), of_products=of_products)


def test_the_standard_error_is_that_of_the_difference_photo_by_photo() -> None:
    """Differences of 1, 0, 0, -1, 1, 0: their variance is 17/36."""
    check = check_of([of([0, 1, 0], [1, 1, 0]), of([1], [0], of_products=True), of([1, 0, 1], [0, 1, 1])])
    expected = math.sqrt(17 / 36 / 6)
    assert (3 / 6, 4 / 6, 6) == (check.photos.before, check.photos.after, check.photos.count)
    assert pytest.approx(expected) == check.photos.standard_error
    assert (1.0, 0.0, 0.0, 1) == (
        check.products.before,
        check.products.after,
        check.products.standard_error,
        check.products.count,
    )


@pytest.mark.parametrize(
    ("photos_after", "products_after", "expected"),
    [
        (0.81, 0.70, True),
        (0.81, 0.69, True),
        (0.81, 0.67, False),
        (0.80, 0.90, False),
        (0.79, 0.90, False),
    ],
    ids=["both", "products within the error", "products beyond it", "photos the same", "photos worse"],
)
def test_better_is_more_on_photos_and_no_less_on_products_than_chance_explains(
    photos_after: float, products_after: float, *, expected: bool
) -> None:
    check = SelfCheck(HeldOut(0.8, photos_after, 0.02, 500), HeldOut(0.7, products_after, 0.02, 500))
    assert expected == is_better(check)
