import numpy as np

from app.domain.learning.leaving_out import LeavingOut
from app.domain.learning.moments import SecondMoment
from app.domain.learning.reducing import basis_of
from tests.unit.domain.learning.galleries import learned, photos

FEATURES, IDS = photos(products=20, each=6, seed=1)
HELD = np.arange(len(IDS)) % 5 == 2
LEFT = [product_id for product_id, held in zip(IDS, HELD.tolist(), strict=True) if not held]


def test_vectors_are_those_of_a_fit_that_never_saw_what_is_held_out() -> None:
    vectors = LeavingOut(FEATURES, IDS).vectors(HELD)
    assert vectors is not None
    expected = learned(FEATURES[~HELD], LEFT).apply(FEATURES)
    assert np.allclose(expected @ expected.T, vectors @ vectors.T, atol=1e-3)


def test_fewer_photos_than_numbers_are_learned_from_in_their_span_to_the_same_end() -> None:
    features, ids = photos(products=8, each=5, seed=2, width=300)
    held = np.arange(len(ids)) % 5 == 2
    left = [product_id for product_id, out in zip(ids, held.tolist(), strict=True) if not out]
    vectors = LeavingOut(features, ids).vectors(held)
    assert vectors is not None
    assert len(ids) + 7 == vectors.shape[1]
    expected = learned(features[~held], left).apply(features)
    assert np.allclose(expected @ expected.T, vectors @ vectors.T, atol=1e-3)


def test_cut_vectors_are_those_of_a_basis_that_never_saw_it_either() -> None:
    vectors = LeavingOut(FEATURES, IDS, 12).vectors(HELD)
    assert vectors is not None
    assert (len(IDS), 12) == vectors.shape
    projection = learned(FEATURES[~HELD], LEFT)
    second = SecondMoment(projection.dimensions)
    second.add(projection.apply(FEATURES[~HELD]))
    expected = projection.reduced(basis_of(second, 12)).apply(FEATURES)
    assert np.allclose(expected @ expected.T, vectors @ vectors.T, atol=1e-3)


def test_more_dimensions_than_there_are_cut_nothing() -> None:
    whole, uncut = (LeavingOut(FEATURES, IDS, dimensions).vectors(HELD) for dimensions in (None, 4096))
    assert whole is not None
    assert uncut is not None
    assert np.array_equal(whole, uncut)


def test_where_what_is_left_teaches_nothing_there_are_no_vectors() -> None:
    assert LeavingOut(FEATURES[:12], IDS[:12]).vectors(np.arange(12) < 6) is None
