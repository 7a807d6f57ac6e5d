import numpy as np
import pytest

from app.domain.features import unit
from app.domain.learning.moments import SecondMoment
from app.domain.learning.reducing import WHOLE, Reduction, basis_of, basis_of_vectors
from tests.unit.domain.learning.galleries import Floats32, every_other, found, learned, photos


def second_of(vectors: Floats32) -> SecondMoment:
    second = SecondMoment(vectors.shape[1])
    second.add(vectors)
    return second


def flat(count: int, width: int, inner: int, seed: int) -> Floats32:
    """Unit vectors that lie in `inner` of `width` directions, turned, with a mean far from zero."""
    chance = np.random.default_rng(seed)
    turned = np.linalg.qr(chance.normal(size=(width, width)))[0][:inner]
    return unit(((chance.normal(size=(count, inner)) + 2) @ turned).astype(np.float32))


def test_a_basis_is_orthonormal_with_the_strongest_directions_first() -> None:
    vectors = photos(products=10, each=8, seed=1, width=12)[0]
    basis = basis_of(second_of(vectors), 5)
    assert ((12, 5), np.dtype(np.float32)) == (basis.shape, basis.dtype)
    assert np.allclose(np.eye(5), basis.T @ basis, atol=1e-5)
    strengths = ((vectors @ basis) ** 2).sum(axis=0).tolist()
    assert sorted(strengths, reverse=True) == strengths


def test_as_many_directions_as_the_vectors_need_keep_every_cosine() -> None:
    """A mean far from zero as well: principal components of centred vectors would lose it."""
    vectors = flat(200, 20, 6, seed=1)
    cut = vectors @ basis_of(second_of(vectors), 6)
    assert np.allclose(vectors @ vectors.T, cut @ cut.T, atol=1e-4)
    fewer = vectors @ basis_of(second_of(vectors), 5)
    assert 0.01 < np.abs(vectors @ vectors.T - fewer @ fewer.T).max()


def test_more_directions_than_there_are_are_all_of_them() -> None:
    assert (12, 12) == basis_of(second_of(photos(products=3, each=2, seed=1, width=12)[0]), 384).shape


def test_a_cut_space_finds_nearly_as_much() -> None:
    gallery, ids, queries, wanted = every_other(*photos(products=30, each=12, seed=1, width=96))
    whole = learned(gallery, ids)
    cut = whole.reduced(basis_of(second_of(whole.apply(gallery)), 48))
    rates = [found(space.apply(gallery), ids, space.apply(queries), wanted) for space in (whole, cut)]
    assert found(gallery, ids, queries, wanted) + 0.1 < rates[1]
    assert rates[0] - 0.03 < rates[1]


@pytest.mark.parametrize("count", [30, 12], ids=["more vectors than numbers", "fewer"])
def test_vectors_in_memory_have_the_basis_of_their_second_moment(count: int) -> None:
    vectors = photos(products=count // 6, each=6, seed=1, width=20)[0]
    expected, basis = basis_of(second_of(vectors), 8), basis_of_vectors(vectors, 8)
    assert np.dtype(np.float32) == basis.dtype
    assert np.allclose(expected @ expected.T, basis @ basis.T, atol=1e-4)


def test_a_basis_of_few_vectors_has_no_more_directions_than_they_have() -> None:
    vectors = flat(10, 20, 6, seed=1)
    basis = basis_of_vectors(vectors, 8)
    assert (20, 6) == basis.shape
    assert np.allclose(vectors @ vectors.T, (vectors @ basis) @ (vectors @ basis).T, atol=1e-4)


@pytest.mark.parametrize(
    ("reduction", "photos_there", "expected"),
    [
        (WHOLE, 10**6, None),
        (Reduction(384), 383, None),
        (Reduction(384), 384, 384),
        (Reduction(384, from_photos=1000), 999, None),
        (Reduction(384, from_photos=1000), 1000, 384),
    ],
)
def test_vectors_are_cut_once_the_gallery_is_large_enough(
    reduction: Reduction, photos_there: int, expected: int | None
) -> None:
    assert expected == reduction.of(photos_there)
