import numpy as np
import pytest

from app.domain.features import unit
from app.domain.learning.moments import Moments, SecondMoment
from tests.unit.domain.learning.galleries import learned, moments_of, photos


def plain(moments: Moments) -> dict[str, list[float]]:
    """The sum of each product."""
    return dict(zip(moments.product_ids, moments.sums.round(4).tolist(), strict=True))


def test_photos_are_summed_by_their_product() -> None:
    moments = moments_of(np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32), ["b", "a", "b"])
    assert (3, 2) == (moments.count, moments.product_count)
    assert ("b", "a") == moments.product_ids
    assert [2, 1] == moments.counts.tolist()
    assert {"b": pytest.approx([1.6, 0.8]), "a": pytest.approx([0.0, 1.0])} == plain(moments)
    assert pytest.approx([1.6, 1.8]) == moments.total.tolist()
    assert pytest.approx([1.36, 0.48, 0.48, 1.64]) == moments.second.ravel().tolist()


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_blocks_of_any_size_and_any_order_of_photos_give_the_same_sums(size: int) -> None:
    features, ids = photos(products=300, each=17, seed=1, width=6)
    whole, parts = moments_of(features, ids), Moments(6)
    order = np.random.default_rng(2).permutation(len(ids))
    for first in range(0, len(ids), size):
        rows = order[first : first + size]
        parts.add(features[rows], [ids[row] for row in rows])
    assert (whole.count, 300) == (parts.count, parts.product_count)
    assert np.allclose(whole.second, parts.second, rtol=1e-5, atol=1e-4)
    assert np.allclose(whole.total, parts.total, rtol=1e-5, atol=1e-4)
    assert np.allclose(whole.sums, parts.sums[parts.rows_of(whole.product_ids)], rtol=1e-5, atol=1e-4)


def test_stored_features_of_half_precision_are_summed_in_a_wider_one() -> None:
    features = np.full((4000, 4), 0.5, np.float16)
    moments = moments_of(features.astype(np.float32), ["a"] * 4000)
    halves = Moments(4)
    halves.add(features, ["a"] * 4000)
    assert [2000.0] * 4 == halves.sums[0].tolist()
    assert moments.second.tolist() == halves.second.tolist()


def test_little_variation_beside_much_in_common_is_kept() -> None:
    """What photos share is ten thousand times what they differ in, squared: single precision has no room for both."""
    chance = np.random.default_rng(1)
    features = unit((np.ones(8) + 0.01 * chance.normal(size=(60_000, 8))).astype(np.float32))
    moments = moments_of(features, ["a"] * 60_000)
    mean = moments.sums[0] / np.float64(moments.count)
    scatter = moments.second / moments.count - np.outer(mean, mean)
    expected = np.cov(features.T.astype(np.float64), bias=True)
    assert np.allclose(expected, scatter, atol=0.02 * float(expected.max()))


def test_photos_that_are_subtracted_leave_no_trace() -> None:
    features, ids = photos(products=8, each=5, seed=1, width=6)
    rest = moments_of(features, ids).minus(moments_of(features[:12], ids[:12]))
    expected = moments_of(features[12:], ids[12:])
    assert ("p002", "p003", "p004", "p005", "p006", "p007") == rest.product_ids
    assert (28, expected.counts.tolist()) == (rest.count, rest.counts.tolist())
    assert np.allclose(expected.sums, rest.sums, atol=1e-5)
    assert np.allclose(expected.second, rest.second, atol=1e-5)
    assert np.allclose(expected.total, rest.total, atol=1e-5)


def test_leaving_photos_out_changes_neither_side() -> None:
    features, ids = photos(products=4, each=3, seed=1, width=6)
    whole, part = moments_of(features, ids), moments_of(features[:3], ids[:3])
    before = (plain(whole), plain(part))
    whole.minus(part).add(features[:3], ids[:3])
    assert before == (plain(whole), plain(part))


def test_products_of_one_photo_take_no_row_and_are_learned_from_all_the_same() -> None:
    features, ids = photos(products=20, each=4, seed=1)
    ids[:8] = [f"alone{number}" for number in range(8)]
    moments = moments_of(features, ids, alone=ids[:8])
    assert (80, 8, 18, 26) == (moments.count, moments.alone_count, len(moments.counts), moments.product_count)
    one, other = (learned(features, ids, alone).apply(features) for alone in ((), ids[:8]))
    assert np.allclose(one @ one.T, other @ other.T, atol=1e-4)


def test_rows_that_are_made_later_start_at_nothing() -> None:
    features, ids = photos(products=80, each=1, seed=1, width=4)
    moments = moments_of(features[:10], ids[:10], alone=ids[:5])
    moments.add(features[10:], ids[10:])
    assert features[5:].tolist() == moments.sums.tolist()
    assert [1] * 75 == moments.counts.tolist()


def test_products_of_one_photo_can_be_subtracted() -> None:
    features, ids = photos(products=6, each=1, seed=1, width=4)
    rest = moments_of(features, ids, alone=ids[:3]).minus(moments_of(features[:1], ids[:1], alone=ids[:3]))
    assert (5, 2) == (rest.count, rest.alone_count)
    assert np.allclose(moments_of(features[1:3], ids[1:3]).second, rest.second_alone, atol=1e-6)


def test_a_second_moment_sums_over_blocks() -> None:
    vectors = photos(products=90, each=50, seed=1, width=5)[0]
    whole, parts = SecondMoment(5), SecondMoment(5)
    whole.add(vectors)
    parts.add(vectors[:100])
    parts.add(vectors[100:])
    assert np.allclose(vectors.T.astype(np.float64) @ vectors, whole.total, rtol=1e-5, atol=1e-3)
    assert np.allclose(whole.total, parts.total, rtol=1e-5, atol=1e-3)
