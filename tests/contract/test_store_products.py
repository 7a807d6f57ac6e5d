"""Products and their photos, as a space shows them and as the model sees them."""

from collections.abc import Sequence

import numpy as np
import pytest

from app.domain.ports.store import MAX_PHOTOS
from app.domain.records import NewEntry, ProductPhotos, StoredFeatures
from app.domain.spaces import Space
from tests.contract.spaces import in_space, learned
from tests.contract.stores import OTHER_SPACE, SPACE, ClosableStore, Place, new, put_all, random_vectors

ONE = learned("one-learned", 1)
FEATURES = random_vectors(9)


async def test_photos_of_products_are_told_with_their_vectors_in_the_live_space(store: ClosableStore) -> None:
    shown = [new(f"i{number}", vector, product_id=f"P{number % 3}") for number, vector in enumerate(FEATURES[:9])]
    await put_all(store, shown)
    await store.keep_space(ONE)
    await store.delete("i4")
    for space in (SPACE, ONE.space):
        await store.activate(space.space_id)
        photos = await store.photos_of(["P1", "P2", "P9"], space.space_id)
        assert {"P1": ("i1", "i7"), "P2": ("i2", "i5", "i8")} == {key: each.image_ids for key, each in photos.items()}
        assert_of_space(space, [shown[1], shown[7]], photos["P1"])
        assert_of_space(space, [shown[2], shown[5], shown[8]], photos["P2"])
    assert not await store.photos_of([], ONE.space.space_id)


async def test_so_many_photos_of_a_product_are_told_and_no_more_whatever_it_has(store: ClosableStore) -> None:
    vectors = random_vectors(3 * MAX_PHOTOS + 20)
    large = [new(f"i{number:05}", vector, product_id="B") for number, vector in enumerate(vectors[20:])]
    few = [new(f"{name}{number}", vectors[number], product_id=name) for name in "AC" for number in range(10)]
    await put_all(store, [*large, *few])
    photos = await store.photos_of(["C", "B", "A"], SPACE.space_id)
    assert {"A": 10, "B": MAX_PHOTOS, "C": 10} == {key: len(each.image_ids) for key, each in sorted(photos.items())}
    assert tuple(f"i{number:05}" for number in range(MAX_PHOTOS)) == photos["B"].image_ids
    assert_of_space(SPACE, few[10:], photos["C"])


async def test_a_photo_that_changed_or_moved_is_told_as_it_is_now(store: ClosableStore) -> None:
    await put_all(store, [new(f"i{number}", FEATURES[number], product_id="P") for number in range(4)])
    before = await store.photos_of(["P"], SPACE.space_id)
    changed = [new("i0", FEATURES[0], product_id="P"), new("i1", FEATURES[8], product_id="P")]
    await put_all(store, [*changed, new("i2", FEATURES[2], product_id="Q")])
    await store.delete("i3")
    photos = await store.photos_of(["P", "Q"], SPACE.space_id)
    assert ("i0", "i1", "i2", "i3") == before["P"].image_ids
    assert_of_space(SPACE, changed, photos["P"])
    assert ("i2",) == photos["Q"].image_ids


def assert_of_space(space: Space, entries: Sequence[NewEntry], photos: ProductPhotos) -> None:
    """The photos are these, in order."""
    assert [each.entry.image_id for each in entries] == list(photos.image_ids)
    assert features_of(in_space(space, entries)) == pytest.approx(photos.vectors.astype(np.float32), abs=2e-3)


def features_of(entries: Sequence[NewEntry]) -> StoredFeatures:
    return np.array([each.features for each in entries], np.float16)


async def test_the_gallery_is_read_in_blocks_by_image_id_to_its_end(store: ClosableStore) -> None:
    shown = [new(f"i{number}", FEATURES[number], product_id=f"P{number % 2}") for number in range(7)]
    await put_all(store, list(reversed(shown)))
    blocks = [await store.gallery(after, 3) for after in ("", "i2", "i5", "i6")]
    assert [("i0", "i1", "i2"), ("i3", "i4", "i5"), ("i6",), ()] == [block.image_ids for block in blocks]
    assert [("P0", "P1", "P0"), ("P1", "P0", "P1"), ("P0",), ()] == [block.product_ids for block in blocks]
    assert features_of(shown).tolist() == np.concatenate([block.features for block in blocks[:3]]).tolist()


async def test_products_are_counted_and_their_photos_read_in_pages(place: Place) -> None:
    shown = [new(f"i{number}", FEATURES[number], product_id=f"P{number % 3}") for number in range(8)]
    other = await place.open(OTHER_SPACE)
    await put_all(other, [new("theirs", random_vectors(1, OTHER_SPACE.dimensions)[0], product_id="P1")])
    store = await place.open()
    await put_all(store, shown)
    await store.keep_space(ONE)
    for space in (SPACE, ONE.space):
        await store.activate(space.space_id)
        pages = [list((await store.product_sizes(after, 2)).items()) for after in ("", "P1", "P2")]
        assert [[("P0", 3), ("P1", 3)], [("P2", 2)], []] == pages
        told = [await store.entries_of("P1", after, 2) for after in ("", "i4", "i7")]
        assert [[shown[1].entry, shown[4].entry], [shown[7].entry], []] == [list(each) for each in told]
    assert not await store.entries_of("P9", "", 2)
