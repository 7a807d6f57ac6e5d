import numpy as np
import pytest

from app.domain.features import unit
from app.domain.learning.fitting import LEAST_RIDGE, MOST_RIDGE, can_learn, fit, ridge, spread_of
from tests.unit.domain.learning.galleries import (
    Floats32,
    by_the_book,
    every_other,
    found,
    learned,
    means_of,
    moments_of,
    photos,
    within_of,
)


@pytest.mark.parametrize(
    ("products", "each", "width"),
    [(12, 9, 40), (90, 4, 40), (6, 3, 64), (2, 2, 8), (300, 3, 280)],
    ids=["few products", "more products than dimensions", "more dimensions than photos", "the least", "many of both"],
)
def test_the_projection_is_that_of_the_formulas(products: int, each: int, width: int) -> None:
    features, ids = photos(products, each, seed=1, width=width)
    vectors, expected = learned(features, ids).apply(features), by_the_book(features, ids, features)
    assert np.allclose(expected @ expected.T, vectors @ vectors.T, atol=1e-4)


def test_products_count_by_their_photos() -> None:
    """With more than 256 products it matters which directions are the first."""
    features, ids = photos(products=300, each=4, seed=1, width=310)
    some = np.flatnonzero(np.random.default_rng(1).random(1200) < np.repeat(np.linspace(0.3, 1, 300), 4))
    few, names = features[some], [ids[row] for row in some]
    vectors, expected = learned(few, names).apply(few), by_the_book(few, names, few)
    assert np.allclose(expected @ expected.T, vectors @ vectors.T, atol=1e-4)


def test_the_discriminant_part_has_a_direction_less_than_products_and_256_at_most() -> None:
    assert (32 + 11) == learned(*photos(products=12, each=3, seed=1)).dimensions
    assert (280 + 256) == learned(*photos(products=300, each=3, seed=1, width=280)).dimensions


def test_new_photos_of_known_products_are_found_more_often() -> None:
    gallery, ids, queries, wanted = every_other(*photos(products=40, each=12, seed=1))
    projection = learned(gallery, ids)
    raw = found(gallery, ids, queries, wanted)
    adapted = found(projection.apply(gallery), ids, projection.apply(queries), wanted)
    assert 0.3 < raw < 0.7
    assert raw + 0.25 < adapted


def test_products_that_the_fit_never_saw_are_found_more_often_as_well() -> None:
    features, ids = photos(products=80, each=12, seed=1)
    projection = learned(features[:480], ids[:480])
    gallery, own, queries, wanted = every_other(features[480:], ids[480:])
    raw = found(gallery, own, queries, wanted)
    assert raw + 0.2 < found(projection.apply(gallery), own, projection.apply(queries), wanted)


def test_few_directions_that_tell_products_apart_count_for_more_than_whitening_gives_them() -> None:
    """The discriminant part: products differ in 12 of 256 directions, and their photos in all."""
    chance = np.random.default_rng(1)
    centres = np.zeros((20, 256))
    centres[:, :12] = 1.5 * chance.normal(size=(20, 12))
    features = unit((np.repeat(centres, 30, axis=0) + chance.normal(size=(600, 256))).astype(np.float32))
    gallery, ids, queries, wanted = every_other(features, [f"p{number // 30}" for number in range(600)])
    projection = learned(gallery, ids)
    whole, asked = projection.apply(gallery), projection.apply(queries)
    whitened = found(whole[:, :256], ids, asked[:, :256], wanted)
    assert whitened + 0.1 < found(whole, ids, asked, wanted)


def nothing(features: Floats32, ids: list[str]) -> bool:
    moments = moments_of(features, ids)
    return fit(moments, spread_of(features, ids, moments)) is None


@pytest.mark.parametrize(
    "ids",
    [["a"] * 6, list("abcdef"), list("aaaaab"), list("aabcde")],
    ids=["one product", "of one photo each", "one of several photos", "one of two photos"],
)
def test_without_two_products_of_two_photos_there_is_nothing_to_learn(ids: list[str]) -> None:
    features = photos(products=6, each=1, seed=1)[0]
    assert not can_learn(moments_of(features, ids))
    assert nothing(features, ids)


def test_two_products_of_two_photos_are_enough() -> None:
    assert not nothing(photos(products=4, each=1, seed=1)[0], ["a", "a", "b", "b"])


def test_copies_of_one_photo_for_each_product_teach_nothing() -> None:
    features = np.repeat(photos(products=5, each=1, seed=1)[0], 3, axis=0)
    ids = [f"p{number // 3}" for number in range(15)]
    assert can_learn(moments_of(features, ids))
    assert nothing(features, ids)
    assert nothing(features.astype(np.float16).astype(np.float32), ids)


def test_photos_that_are_all_one_teach_nothing() -> None:
    assert nothing(np.full((8, 4), 0.5, np.float32), list("aabbccdd"))


def test_products_that_cannot_be_told_apart_have_vectors_of_unit_length_all_the_same() -> None:
    features = np.concatenate([photos(products=1, each=4, seed=1)[0]] * 2)
    vectors = learned(features, list("aaaabbbb")).apply(features)
    assert np.allclose(1, np.linalg.norm(vectors, axis=1), atol=1e-5)


def test_numbers_that_never_differ_do_no_harm() -> None:
    features, ids = photos(products=10, each=5, seed=1, width=12)
    wide = np.concatenate([0.8 * features, np.full((50, 1), 0.6, np.float32), np.zeros((50, 3), np.float32)], axis=1)
    vectors, expected = (learned(rows, ids).apply(rows) for rows in (wide, features))
    assert np.isfinite(vectors).all()
    assert 0.9 < np.corrcoef((vectors @ vectors.T).ravel(), (expected @ expected.T).ravel())[0, 1]


def test_spread_adds_up_over_blocks() -> None:
    features, ids = photos(products=40, each=120, seed=1, width=6)
    moments = moments_of(features, ids)
    expected = float((((features - means_of(features, ids)) ** 2).sum(axis=1) ** 2).sum())
    parts = spread_of(features[:99], ids[:99], moments) + spread_of(features[99:], ids[99:], moments)
    assert pytest.approx(expected, rel=1e-5) == spread_of(features, ids, moments)
    assert pytest.approx(expected, rel=1e-5) == parts
    assert pytest.approx(expected, rel=1e-5) == spread_of(features.astype(np.float64), ids, moments)


def test_photos_that_are_alone_spread_by_nothing() -> None:
    features, ids = photos(products=4, each=3, seed=1)
    moments = moments_of(features, [*ids[:9], "x", "y", "z"], alone=["x", "y", "z"])
    expected = spread_of(features[:9], ids[:9], moments)
    assert pytest.approx(expected) == spread_of(features, [*ids[:9], "x", "y", "z"], moments)


def test_products_of_one_photo_count_alike_with_rows_and_without() -> None:
    features, ids = photos(products=5, each=4, seed=1, width=64)
    ids = [*ids[:12], *(f"alone {number}" for number in range(8))]
    without, rows = (learned(features, ids, alone).apply(features) for alone in (ids[12:], ()))
    assert np.allclose(without @ without.T, rows @ rows.T, atol=1e-4)


def test_the_ridge_falls_as_photos_become_more() -> None:
    ridges = []
    for each in (3, 30, 300):
        features, ids = photos(products=12, each=each, seed=1, width=16, strong=2.0)
        moments = moments_of(features, ids)
        ridges.append(ridge(within_of(features, ids), spread_of(features, ids, moments), moments.count))
    assert sorted(ridges, reverse=True) == ridges
    assert ridges[0] > 2 * ridges[1]
    assert LEAST_RIDGE == ridges[2]


def test_the_ridge_is_greatest_where_all_directions_vary_alike() -> None:
    assert MOST_RIDGE == ridge(np.eye(5), 100 * 25.0, 100)
    assert MOST_RIDGE == ridge(np.diag([1.0, 1.0, 1.001]), 100 * 9.0, 100)


def test_the_ridge_is_least_where_the_scatter_is_known_well() -> None:
    assert LEAST_RIDGE == ridge(np.diag([3.0, 1.0]), 1e6 * 10.0, 1_000_000)
    assert LEAST_RIDGE == ridge(np.diag([3.0, 1.0]), 0.0, 10)


def test_between_its_bounds_the_ridge_is_the_shrinkage_over_what_is_left() -> None:
    """Half is noise, and half / half is 1: b = (30 - 10) / (2 * 20) = 0.5, d = 10 / 2 - 4 = 1."""
    assert pytest.approx(1.0) == ridge(np.diag([3.0, 1.0]), 20 * 30.0, 20)
