import numpy as np
import pytest

from app.domain.answering.ranking import Gallery
from app.domain.answering.scoring import product_score
from app.domain.features import unit
from tests.unit.domain.answering.worlds import Floats32, photos

PRODUCTS = np.array([7, 2, 2, 9, 7, 7, 2, 2, 5, 5, 7, 7, 2, 1])


def directions(count: int, width: int, seed: int) -> Floats32:
    return unit(np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32))


def slow_scores(query: Floats32, vectors: Floats32, products: np.ndarray) -> dict[int, float]:
    """Each product's score, one photo after the other, as a search scores."""
    return {
        int(product): product_score(
            [float(query @ row) for row in vectors[products == product]],
            float(query @ unit(vectors[products == product].mean(axis=0))),
        )
        for product in np.unique(products)
    }


def test_many_queries_at_once_score_as_a_search_scores_one() -> None:
    vectors, features = directions(14, 6, seed=1), directions(14, 9, seed=2)
    asking, asking_raw = directions(700, 6, seed=3), directions(700, 9, seed=4)
    ranked = Gallery.of(vectors, features, PRODUCTS).rank(asking, asking_raw)
    for number, query in enumerate(asking):
        scores = slow_scores(query, vectors, PRODUCTS)
        best, second = sorted(scores, key=lambda product: -scores[product])[:2]
        raw = max(float(asking_raw[number] @ row) for row in features[best == PRODUCTS])
        found = (ranked.scores[number], ranked.leads[number], ranked.raws[number])
        assert best == ranked.products[number]
        assert (scores[best], scores[best] - scores[second], raw) == pytest.approx(found, abs=1e-5)


def test_the_order_of_rows_is_nothing_to_the_answer() -> None:
    vectors, features, asking = directions(14, 6, seed=1), directions(14, 9, seed=2), directions(30, 6, seed=3)
    asking_raw, mixed = directions(30, 9, seed=4), np.random.default_rng(5).permutation(14)
    one = Gallery.of(vectors, features, PRODUCTS).rank(asking, asking_raw)
    other = Gallery.of(vectors[mixed], features[mixed], PRODUCTS[mixed]).rank(asking, asking_raw)
    assert one.products.tolist() == other.products.tolist()
    assert one.scores == pytest.approx(other.scores, abs=1e-6)


def test_the_same_photo_three_times_counts_three_times() -> None:
    vectors = directions(5, 6, seed=1)[[0, 0, 0, 1, 2]]
    query = vectors[:1]
    ranked = Gallery.of(vectors, vectors, np.array([1, 1, 1, 1, 2])).rank(query, query)
    expected = slow_scores(query[0], vectors, np.array([1, 1, 1, 1, 2]))[1]
    assert expected == pytest.approx(float(ranked.scores[0]), abs=1e-6)


def test_a_lone_product_leads_by_nothing() -> None:
    vectors = directions(3, 6, seed=1)
    ranked = Gallery.of(vectors, vectors, np.array([4, 4, 4])).rank(vectors[:1], vectors[:1])
    assert ([4], [0.0]) == (ranked.products.tolist(), ranked.leads.tolist())


def test_features_kept_in_half_precision_rank_nearly_the_same() -> None:
    rows, ids = photos(products=20, each=6, seed=1)
    products = np.unique(ids, return_inverse=True)[1]
    whole = Gallery.of(rows, rows, products).rank(rows[:40], rows[:40])
    half = Gallery.of(rows, rows.astype(np.float16), products).rank(rows[:40], rows[:40].astype(np.float16))
    assert np.dtype(np.float32) == half.raws.dtype
    assert whole.raws == pytest.approx(half.raws, abs=1e-3)
