import pytest

from app.domain.records import Entry, Origin
from tests.contract.stores import ClosableStore, Place, found, many, new, put_all, query, random_vectors, unit_vector

NORTH, EAST = unit_vector(1), unit_vector(0, 1)


async def test_a_deleted_entry_is_gone_from_everywhere(store: ClosableStore) -> None:
    put = new("a", NORTH, "hats", "shoes", title="gone")
    await put_all(store, [put, new("b", EAST, "shoes")])
    assert put.entry == await store.delete("a")
    assert list("b") == await found(store, NORTH) == await found(store, NORTH, 10, "hats", "shoes")
    assert await store.entry("a") is None
    assert await store.features("a") is None
    assert not await store.existing(["a"])
    assert not await store.twins([put.entry.sha256])
    assert not await store.members("hats", "", 10)
    assert list("b") == [member.image_id for member in await store.members("shoes", "", 10)]
    expected = [("shoes", 1)]
    assert expected == [(label.label_id, label.image_count) for label in await store.labels()]


async def test_what_is_not_there_cannot_be_deleted_and_is_not_remembered(store: ClosableStore) -> None:
    assert await store.delete("a") is None
    assert not await store.deleted(["a"])
    await put_all(store, [new("a", NORTH)])
    assert list("a") == await found(store, NORTH)


async def test_an_entry_is_deleted_once(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH)])
    assert await store.delete("a") is not None
    assert await store.delete("a") is None
    assert list("a") == list(await store.deleted(["a"]))


@pytest.mark.parametrize("origin", [Origin.CATALOGUE, Origin.DOWNLOAD])
async def test_a_put_passes_over_what_was_deleted_and_takes_the_others(store: ClosableStore, origin: Origin) -> None:
    entries = many(random_vectors(6))
    await put_all(store, entries)
    for number in (0, 3, 5):
        await store.delete(f"i{number:05}")
    again = [new(each.entry.image_id, NORTH, "shoes", origin=origin) for each in entries]
    await put_all(store, again)
    expected = [again[number].entry for number in (1, 2, 4)]
    assert expected == [hit.entry for hit in await store.search(query(NORTH))]
    assert {"i00000", "i00003", "i00005"} == set(
        await store.deleted([*(each.entry.image_id for each in entries), "i00000", "none"])
    )
    assert not await store.deleted([])


async def test_a_put_of_nothing_but_deleted_images_changes_nothing(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH), new("b", EAST)])
    await store.delete("a")
    await put_all(store, [new("a", NORTH, "hats")])
    assert list("b") == await found(store, NORTH)
    assert await store.label("hats") is None


async def test_an_upload_ends_the_deletion(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "shoes"), new("b", NORTH, "shoes")])
    for image_id in "ab":
        await store.delete(image_id)
    upload = new("a", EAST, "hats", origin=Origin.UPLOAD)
    await put_all(store, [upload, new("b", EAST, "hats")])
    expected = [upload.entry]
    assert expected == [hit.entry for hit in await store.search(query(EAST))]
    assert list("b") == list(await store.deleted(["a", "b"]))
    again = new("a", NORTH, "shoes")
    await put_all(store, [again])
    assert again.entry == await store.entry("a")


async def test_an_upload_can_be_deleted_too(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, origin=Origin.UPLOAD)])
    await store.delete("a")
    await put_all(store, [new("a", NORTH)])
    assert not await found(store, NORTH)


async def deleted_store(place: Place) -> ClosableStore:
    """A store from which an entry of hats, one of shoes and one of both were deleted."""
    store = await place.open()
    await put_all(store, [new("a", NORTH, "hats"), new("b", NORTH, "hats", "shoes"), new("c", NORTH, "shoes")])
    for image_id in "abc":
        await store.delete(image_id)
    return store


async def put_again(store: ClosableStore) -> list[str]:
    """Put what was deleted, and tell what is there then."""
    await put_all(store, [new(image_id, NORTH, "bags") for image_id in "abc"])
    return await found(store, NORTH)


async def test_what_was_deleted_under_a_label_can_be_put_again_once_that_is_forgiven(place: Place) -> None:
    store = await deleted_store(place)
    await store.forgive("bags")
    assert not await put_again(store)
    await store.forgive("hats")
    assert list("c") == list(await store.deleted(["a", "b", "c"]))
    assert ["a", "b"] == await put_again(store)


async def test_a_dropped_label_forgets_what_was_deleted_under_it(place: Place) -> None:
    store = await deleted_store(place)
    assert not await store.drop_label("shoes")
    assert list("a") == list(await store.deleted(["a", "b", "c"]))
    assert ["b", "c"] == await put_again(store)


async def test_an_image_is_forgiven_under_the_labels_that_it_had_when_it_was_deleted(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "hats", "shoes")])
    await store.take_out(["a"], "hats")
    await store.add_label(["a"], "bags")
    await store.refresh()
    await store.delete("a")
    await store.forgive("hats")
    assert list("a") == list(await store.deleted(["a"]))
    await store.forgive("bags")
    assert not await store.deleted(["a"])


async def test_a_forgiven_image_can_be_deleted_again(store: ClosableStore) -> None:
    for _ in range(3):
        await put_all(store, [new("a", NORTH)])
        assert await store.delete("a") is not None
        assert list("a") == list(await store.deleted(["a"]))
        await store.forgive("shoes")
        assert not await store.deleted(["a"])


async def test_a_label_for_a_deleted_image_does_not_bring_it_back(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH)])
    await store.delete("a")
    await store.add_label(["a"], "hats")
    await store.refresh()
    assert not await found(store, NORTH)
    await store.forgive("hats")
    assert list("a") == list(await store.deleted(["a"]))


async def test_deletions_are_remembered_when_the_store_is_opened_again(place: Place) -> None:
    entries: list[Entry | None] = []
    store = await place.open()
    await put_all(store, many(random_vectors(20), "hats", "shoes"))
    for number in range(0, 20, 2):
        entries.append(await store.delete(f"i{number:05}"))
        store = await place.open()
    assert len(entries) == len({entry.image_id for entry in entries if entry})
    await put_all(store, many(random_vectors(20), "hats", "shoes"))
    assert {f"i{number:05}" for number in range(1, 20, 2)} == set(await found(store, NORTH, 100))
