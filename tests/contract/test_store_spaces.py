from app.domain.records import Description, Member, Origin, Standing
from tests.contract.stores import (
    OTHER_SPACE,
    ClosableStore,
    Place,
    found,
    new,
    put_all,
    query,
    random_vectors,
    unit_vector,
)

NORTH, EAST = unit_vector(1), unit_vector(0, 1)
OTHER_NORTH = unit_vector(1, dimensions=OTHER_SPACE.dimensions)


async def counts(store: ClosableStore) -> list[tuple[str, int, int]]:
    return [(label.label_id, label.image_count, label.stale_count) for label in await store.labels()]


async def stale_store(place: Place) -> ClosableStore:
    """A store with two entries of the space before, opened with another model."""
    store = await place.open()
    await put_all(store, [new("a", NORTH, "shoes", job_id="one"), new("b", EAST, "hats", "shoes", job_id="one")])
    return await place.open(OTHER_SPACE)


async def test_entries_of_another_space_are_counted_as_stale_and_not_searched(place: Place) -> None:
    store = await stale_store(place)
    expected = [("hats", 1, 1), ("shoes", 2, 2)]
    assert expected == await counts(store)
    assert not await store.search(query(OTHER_NORTH))
    assert not await store.search(query(OTHER_NORTH, 10, "shoes", exact=True))


async def test_a_stale_entry_is_there_but_its_features_are_not(place: Place) -> None:
    store = await stale_store(place)
    kept = await store.entry("a")
    assert new("a", NORTH, "shoes", job_id="one").entry == kept
    assert kept is not None
    assert await store.features("a") is None
    assert not await store.existing(["a", "b"])
    assert not await store.twins([kept.sha256])
    assert not await store.unindexed(["shoes", "hats"])


async def test_a_stale_entry_that_is_put_again_is_searched_again(place: Place) -> None:
    store = await stale_store(place)
    await put_all(store, [new("b", OTHER_NORTH, "hats", "shoes", job_id="two")])
    expected = [("hats", 1, 0), ("shoes", 2, 1)]
    assert expected == await counts(store)
    assert list("b") == await found(store, OTHER_NORTH)
    assert list("b") == list(await store.existing(["a", "b"]))


async def test_with_the_former_space_its_entries_are_searched_again(place: Place) -> None:
    store = await stale_store(place)
    await put_all(store, [new("b", OTHER_NORTH, "hats", "shoes")])
    store = await place.open()
    assert list("a") == await found(store, NORTH)
    expected = [("hats", 1, 1), ("shoes", 2, 1)]
    assert expected == await counts(store)


async def test_labels_of_stale_entries_can_be_added_and_dropped(place: Place) -> None:
    store = await stale_store(place)
    await store.add_label(["a"], "sale")
    await store.refresh()
    assert not await store.drop_label("hats")
    assert list("b") == [entry.image_id for entry in await store.drop_label("shoes")]
    expected = [("sale", 1, 1)]
    assert expected == await counts(store)
    assert not await store.search(query(OTHER_NORTH, 10, "sale"))


async def test_stale_entries_can_be_taken_out_and_deleted(place: Place) -> None:
    store = await stale_store(place)
    assert not await store.take_out(["b"], "hats")
    assert list("b") == [entry.image_id for entry in await store.take_out(["b"], "shoes")]
    deleted = await store.delete("a")
    assert new("a", NORTH, "shoes", job_id="one").entry == deleted
    assert not await counts(store)
    await put_all(store, [new("a", OTHER_NORTH), new("b", OTHER_NORTH)])
    assert list("b") == await found(store, OTHER_NORTH)


async def test_stale_entries_are_members_and_counted_and_can_be_described(place: Place) -> None:
    store = await stale_store(place)
    await put_all(store, [new("c", OTHER_NORTH, "shoes", job_id="two")])
    expected_members = [Member("a", Origin.CATALOGUE, "one"), Member("b", Origin.CATALOGUE, "one")]
    assert [*expected_members, Member("c", Origin.CATALOGUE, "two")] == await store.members("shoes", "", 10)
    expected_counts = {"hats": 1, "shoes": 3}
    assert expected_counts == await store.counts()
    await store.describe({"a": Description("P", "Pump", {"heel": 7.5})})
    await store.refresh()
    (hit,) = await (await place.open()).search(query(NORTH, 1))
    assert ("a", "P", "Pump") == (hit.entry.image_id, hit.entry.product_id, hit.entry.title)


async def test_old_and_new_entries_live_side_by_side_over_many_openings(place: Place) -> None:
    spaces = [place.open, lambda: place.open(OTHER_SPACE)]
    for turn in range(6):
        store = await spaces[turn % 2]()
        vector = random_vectors(1, store.space.dimensions, seed=turn)[0]
        await put_all(store, [new(f"i{turn}", vector)])
        expected = {f"i{number}" for number in range(turn % 2, turn + 1, 2)}
        assert expected == set(await found(store, vector))
        assert f"i{turn}" in await found(store, vector, 1)


async def test_existing_tells_how_each_image_stands(store: ClosableStore) -> None:
    locator = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    await put_all(
        store,
        [
            new("a", NORTH, "hats", "shoes", job_id="one", origin=Origin.DOWNLOAD, locator="http://shop.example/a"),
            new("b", NORTH, origin=Origin.UPLOAD, locator=""),
            new("c", NORTH, job_id="two", locator=locator),
        ],
    )
    expected = {
        "a": Standing("one", ("hats", "shoes"), Origin.DOWNLOAD, "http://shop.example/a"),
        "b": Standing(None, ("shoes",), Origin.UPLOAD, ""),
        "c": Standing("two", ("shoes",), Origin.CATALOGUE, locator),
    }
    assert expected == await store.existing(["a", "b", "c", "a", "d"])
    assert not await store.existing([])


async def test_twins_are_the_features_of_the_same_bytes(store: ClosableStore) -> None:
    one, other = new("a", NORTH, sha256="aa" * 32), new("b", NORTH, sha256="aa" * 32)
    await put_all(store, [one, other, new("c", EAST, sha256="cc" * 32)])
    twins = await store.twins(["aa" * 32, "bb" * 32, "aa" * 32])
    expected = {"aa" * 32: one.features.tobytes()}
    assert expected == {sha256: features.tobytes() for sha256, features in twins.items()}
    assert not await store.twins([])
