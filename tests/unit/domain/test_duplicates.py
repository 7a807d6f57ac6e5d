import pytest

from app.domain.duplicates import (
    MAX_HASH_DISTANCE,
    MIN_COSINE,
    Likeness,
    duplicate,
    hash_distance,
    may_be_one,
)
from tests.unit.domain.samples import entry

ONE = bytes(8)


def bits(count: int) -> bytes:
    """A hash that differs from `ONE` in so many bits."""
    return ((1 << count) - 1).to_bytes(8)


@pytest.mark.parametrize("count", [0, 1, 10, 64])
def test_hashes_differ_in_so_many_bits(count: int) -> None:
    assert count == hash_distance(ONE, bits(count)) == hash_distance(bits(count), ONE)


@pytest.mark.parametrize(
    ("distance", "cosine", "expected"),
    [
        (0, 1.0, Likeness.NEAR_IDENTICAL),
        (MAX_HASH_DISTANCE, MIN_COSINE, Likeness.NEAR_IDENTICAL),
        (MAX_HASH_DISTANCE + 1, 1.0, None),
        (0, MIN_COSINE - 0.001, None),
    ],
)
def test_near_identical_photos_are_near_by_both_measures(
    distance: int, cosine: float, expected: Likeness | None
) -> None:
    found = duplicate(entry("a", perceptual_hash=ONE), entry("b", perceptual_hash=bits(distance)), cosine)
    assert expected == (found.likeness if found else None)


def test_the_same_bytes_are_the_same_photo_whatever_is_measured() -> None:
    found = duplicate(entry("a", sha256="00"), entry("b", sha256="00", perceptual_hash=bits(64)), 0.0)
    assert found
    assert (Likeness.SAME_BYTES, "b") == (found.likeness, found.entry.image_id)


@pytest.mark.parametrize(
    ("sha256", "distance", "expected"),
    [("00", 64, True), ("11", MAX_HASH_DISTANCE, True), ("11", MAX_HASH_DISTANCE + 1, False)],
)
def test_features_are_worth_a_look_where_bytes_or_hashes_agree(sha256: str, distance: int, *, expected: bool) -> None:
    one, other = entry("a", sha256="00", perceptual_hash=ONE), entry("b", sha256=sha256, perceptual_hash=bits(distance))
    assert expected == may_be_one(one, other)


@pytest.mark.parametrize(
    ("products", "labels", "noise"),
    [
        (("p1", "p1"), (("x",), ("x",)), (False, False)),
        (("p1", "p2"), (("x",), ("x",)), (True, False)),
        (("p1", "p1"), (("x",), ("y",)), (False, True)),
        (("p1", "p2"), (("x",), ("y", "z")), (True, True)),
        (("p1", "p1"), (("x", "y"), ("y", "z")), (False, False)),
        (("a", "b"), (("x",), ("x",)), (False, False)),
        (("a", "p1"), (("x",), ("x",)), (False, False)),
    ],
)
def test_one_photo_of_two_products_or_without_a_common_label_is_noise(
    products: tuple[str, str], labels: tuple[tuple[str, ...], tuple[str, ...]], noise: tuple[bool, bool]
) -> None:
    """Images whose product is their own id are products of their own, of which nobody said anything."""
    one, other = entry("a", *labels[0], product_id=products[0]), entry("b", *labels[1], product_id=products[1])
    found = duplicate(one, other, 1.0)
    assert found
    assert noise == (found.across_products, found.across_labels)
    assert any(noise) == found.label_noise
