from hypothesis import given
from hypothesis import strategies as st

from app.domain.grouping import by_image, by_product, in_order
from app.domain.records import Hit, ProductHit
from tests.unit.domain.samples import hit

hits = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from([0.25, 0.5, 0.75, 1.0]), st.sampled_from("PQRS")),
    unique_by=lambda drawn: drawn[0],
    max_size=20,
).map(lambda rows: [hit(f"i{number:02}", score, product) for number, score, product in rows])


def image_ids(found: list[Hit]) -> list[str]:
    return [each.entry.image_id for each in found]


def test_hits_come_by_falling_score_and_ties_by_image_id() -> None:
    found = in_order([hit("b", 0.5), hit("c", 0.9), hit("a", 0.5), hit("d", -1.0), hit("B", 0.5)])
    expected = ["c", "B", "a", "b", "d"]
    assert expected == image_ids(found)


def test_a_product_ranks_by_its_nearest_photo_and_shows_all_in_order() -> None:
    near, far, other = hit("a", 0.9, "shirt"), hit("b", 0.2, "shirt"), hit("c", 0.5, "shoe")
    expected = [ProductHit("shirt", ("shoes",), 0.9, (near, far)), ProductHit("shoe", ("shoes",), 0.5, (other,))]
    assert expected == by_product([near, other, far])


def test_only_the_first_k_come_back_whole() -> None:
    found = [hit("a", 0.9, "P"), hit("b", 0.8, "Q"), hit("c", 0.7, "P"), hit("d", 0.6, "R")]
    assert [("P", 2)] == [(product.product_id, len(product.hits)) for product in by_product(found)[:1]]
    assert ["a", "b"] == [product.hits[0].entry.image_id for product in by_image(found, 2)]


def test_products_of_one_score_come_by_product_id() -> None:
    found = by_product(in_order([hit("a", 0.5, "z"), hit("b", 0.5, "y"), hit("c", 0.5, "x")]))
    expected = ["x", "y", "z"]
    assert expected == [product.product_id for product in found]


def test_a_product_is_under_all_labels_of_its_photos() -> None:
    found = by_product([hit("a", 0.9, "P", "shoes", "red"), hit("b", 0.5, "P", "sale", "red")])
    expected = [("red", "sale", "shoes")]
    assert expected == [product.label_ids for product in found]


def test_by_image_every_hit_is_a_result_of_its_own_in_the_same_order() -> None:
    one, other = hit("a", 0.9, "P", "b", "a"), hit("b", 0.5, "P")
    expected = [ProductHit("P", ("a", "b"), 0.9, (one,)), ProductHit("P", ("shoes",), 0.5, (other,))]
    assert expected == by_image([one, other], 10)


def test_nothing_found_is_no_result() -> None:
    assert not in_order([])
    assert not by_product([])
    assert not by_image([], 10)


@given(hits)
def test_however_hits_come_they_end_in_one_order(found: list[Hit]) -> None:
    ordered = in_order(found)
    assert ordered == in_order(found[::-1])
    assert ordered == sorted(ordered, key=lambda each: (-each.score, each.entry.image_id))


@given(hits)
def test_every_hit_is_in_exactly_one_product_which_scores_as_its_first(found: list[Hit]) -> None:
    products = by_product(in_order(found))
    assert sorted(image_ids(found)) == sorted(image_ids([each for product in products for each in product.hits]))
    assert len({each.entry.product_id for each in found}) == len(products)
    assert [max(each.score for each in product.hits) for product in products] == [each.score for each in products]
    assert products == sorted(products, key=lambda product: (-product.score, product.product_id))
