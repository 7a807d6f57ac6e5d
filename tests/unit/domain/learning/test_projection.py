import io

import numpy as np
import pytest

from app.domain.learning.moments import SecondMoment
from app.domain.learning.projection import Projection, projection_of
from app.domain.learning.reducing import basis_of
from tests.unit.domain.learning.galleries import learned, photos

FEATURES, IDS = photos(products=20, each=6, seed=1)
WHOLE = learned(FEATURES, IDS)
SECOND = SecondMoment(WHOLE.dimensions)
SECOND.add(WHOLE.apply(FEATURES))
CUT = WHOLE.reduced(basis_of(SECOND, 10))

BOTH = pytest.mark.parametrize(("projection", "dimensions"), [(WHOLE, 32 + 19), (CUT, 10)], ids=["whole", "cut"])


@BOTH
def test_vectors_have_unit_length_and_single_precision(projection: Projection, dimensions: int) -> None:
    vectors = projection.apply(FEATURES.astype(np.float16))
    assert ((120, dimensions), np.dtype(np.float32)) == (vectors.shape, vectors.dtype)
    assert dimensions == projection.dimensions
    assert np.allclose(1, np.linalg.norm(vectors, axis=1), atol=1e-5)


@BOTH
def test_a_photo_alone_has_the_vector_that_it_has_among_others(projection: Projection, dimensions: int) -> None:
    alone = projection.apply(FEATURES[7])
    assert (dimensions,) == alone.shape
    assert np.allclose(projection.apply(FEATURES)[7], alone, atol=1e-5)


def test_more_photos_than_a_block_have_their_own_vectors() -> None:
    vectors = WHOLE.apply(np.tile(FEATURES, (80, 1)))
    assert np.allclose(np.tile(WHOLE.apply(FEATURES), (80, 1)), vectors, atol=1e-5)


def test_no_photos_have_no_vectors() -> None:
    assert (0, 51) == WHOLE.apply(FEATURES[:0]).shape


def test_the_parts_have_the_shares_of_the_length() -> None:
    vectors = WHOLE.apply(FEATURES)
    assert np.allclose(0.75, (vectors[:, :32] ** 2).sum(axis=1), atol=1e-5)
    assert np.allclose(0.25, (vectors[:, 32:] ** 2).sum(axis=1), atol=1e-5)


def test_the_mean_photo_has_no_direction_and_does_no_harm() -> None:
    assert np.isfinite(WHOLE.apply(WHOLE.mean)).all()


@BOTH
def test_what_is_kept_as_bytes_comes_back(projection: Projection, dimensions: int) -> None:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **projection.arrays())
    file.seek(0)
    with np.load(file) as arrays:
        again = projection_of(arrays)
    assert dimensions == again.dimensions
    assert projection.apply(FEATURES).tolist() == again.apply(FEATURES).tolist()
