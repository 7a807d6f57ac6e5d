import numpy as np

from app.domain.learning.spanning import in_their_span
from tests.unit.domain.learning.galleries import photos


def test_few_photos_keep_their_products_in_as_many_numbers() -> None:
    features, _ = photos(products=6, each=3, seed=1, width=200)
    features[3] = features[5]  # the span has fewer directions than there are photos
    narrow = in_their_span(features.astype(np.float16))
    assert (18, 18) == narrow.shape
    wide = features.astype(np.float16).astype(np.float32)
    assert np.allclose(wide @ wide.T, narrow @ narrow.T, atol=1e-5)


def test_as_many_photos_as_numbers_stay_as_they_are() -> None:
    features, _ = photos(products=8, each=4, seed=1, width=32)
    assert in_their_span(features) is features
