import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.features import Vector, Vectors, unit
from app.domain.rocchio import NEGATIVE_WEIGHT, POSITIVE_WEIGHT, mean_view, moved

DIMENSIONS = 6
NONE = np.zeros((0, DIMENSIONS), np.float32)


def axis(place: int) -> Vector:
    return np.asarray(np.eye(DIMENSIONS)[place], np.float32)


def chance(seed: int, count: int, spread: float) -> Vectors:
    """Unit vectors around one direction: all of one with no spread, anywhere with much."""
    generator = np.random.default_rng(seed)
    middle = generator.normal(size=DIMENSIONS)
    return unit((middle + spread * generator.normal(size=(count, DIMENSIONS))).astype(np.float32))


samples = st.builds(chance, st.integers(0, 10_000), st.integers(1, 20), st.sampled_from([0.0, 0.1, 1.0, 100.0]))


def test_without_examples_a_query_stays_where_it_is() -> None:
    assert axis(0).tolist() == moved(axis(0), NONE, NONE).tolist()


def test_positives_draw_and_negatives_push_as_the_formula_says() -> None:
    positives, negatives = np.stack([axis(1), axis(1), axis(2), axis(2)]), np.stack([axis(3)])
    towards = unit(axis(0) + np.float32(POSITIVE_WEIGHT / 2) * (axis(1) + axis(2)))
    expected = unit(towards - np.float32(NEGATIVE_WEIGHT) * axis(3))
    assert pytest.approx(expected.tolist(), abs=1e-6) == moved(axis(0), positives, negatives).tolist()


@given(samples, samples, samples)
def test_no_negatives_turn_a_query_by_more_than_their_bound(queries: Vectors, good: Vectors, bad: Vectors) -> None:
    towards, both = moved(queries[0], good, NONE), moved(queries[0], good, bad)
    assert (1 - NEGATIVE_WEIGHT**2) ** 0.5 <= float(towards @ both) + 1e-5
    assert pytest.approx(1, abs=1e-5) == float(np.linalg.norm(both))


@given(samples, samples)
def test_no_positives_turn_a_query_by_more_than_their_bound(queries: Vectors, good: Vectors) -> None:
    assert (1 - POSITIVE_WEIGHT**2) ** 0.5 <= float(queries[0] @ moved(queries[0], good, NONE)) + 1e-5


def test_the_bound_is_reached_by_what_lies_across() -> None:
    """The worst negative is the one whose share of the sum is at a right angle to the moved query."""
    bound = (1 - NEGATIVE_WEIGHT**2) ** 0.5
    worst = NEGATIVE_WEIGHT * axis(0) + bound * axis(1)
    assert pytest.approx(bound, abs=1e-6) == float(axis(0) @ moved(axis(0), NONE, worst[None]))


def test_even_a_negative_that_is_the_photo_itself_leaves_the_query() -> None:
    assert pytest.approx(axis(0).tolist()) == moved(axis(0), NONE, axis(0)[None]).tolist()
    assert pytest.approx(axis(0).tolist()) == moved(axis(0), -axis(0)[None], axis(0)[None]).tolist()


def test_views_of_one_object_are_their_mean_direction() -> None:
    views = np.stack([axis(0), axis(1)])
    assert pytest.approx(unit(axis(0) + axis(1)).tolist()) == mean_view(views).tolist()
    assert axis(2).tolist() == mean_view(axis(2)[None]).tolist()
