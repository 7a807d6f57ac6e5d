from datetime import UTC, datetime

from tests.contract.stores import ClosableStore, found, many, new, query, random_vectors, unit_vector

NORTH, EAST = unit_vector(1), unit_vector(0, 1)


async def label_ids(store: ClosableStore) -> list[str]:
    return [label.label_id for label in await store.labels()]


async def test_nothing_indexed_is_no_label(store: ClosableStore) -> None:
    assert not await store.labels()
    assert await store.label("shoes") is None


async def test_labels_are_counted_and_come_by_id(store: ClosableStore) -> None:
    await store.put(
        [
            new("a", NORTH, "shoes", product_id="P"),
            new("b", NORTH, "hats", "shoes", product_id="P"),
            new("c", NORTH, "shoes", product_id="Q"),
            new("d", NORTH, "7up"),
        ]
    )
    expected = [("7up", 1, 1, 0), ("hats", 1, 1, 0), ("shoes", 3, 2, 0)]
    labels = await store.labels()
    assert expected == [(label.label_id, label.image_count, label.product_count, label.stale_count) for label in labels]
    assert labels == [await store.label(label.label_id) for label in labels]
    assert all(label.byte_count >= 16 * label.image_count for label in labels)


async def test_a_label_was_built_when_its_last_entry_was_put(store: ClosableStore) -> None:
    times = [datetime.now(UTC)]
    for image_id in "ab":
        await store.put([new(image_id, NORTH)])
        times.append(datetime.now(UTC))
        label = await store.label("shoes")
        assert label is not None
        assert times[-2] <= label.built_at <= times[-1]


async def test_a_label_is_called_by_its_name_and_by_its_id_without_one(store: ClosableStore) -> None:
    await store.put([new("a", NORTH, "hats", "running-shoes")])
    await store.name_label("running-shoes", "Running Shoes \U0001f45f")
    await store.put([new("b", NORTH, "running-shoes")])
    expected = ["hats", "Running Shoes \U0001f45f"]
    assert expected == [label.name for label in await store.labels()]


async def test_a_label_is_called_by_the_last_name_it_was_given(store: ClosableStore) -> None:
    await store.put([new("a", NORTH, "shoes")])
    for name in ("Schuhe", "Shoes"):
        await store.name_label("shoes", name)
        label = await store.label("shoes")
        assert label is not None
        assert name == label.name


async def test_a_name_alone_makes_no_label(store: ClosableStore) -> None:
    await store.name_label("shoes", "Shoes")
    assert not await store.labels()
    assert await store.label("shoes") is None
    expected = ["shoes"]
    assert expected == list(await store.unindexed(["shoes"]))


async def test_labels_without_an_entry_are_unindexed(store: ClosableStore) -> None:
    await store.put([new("a", NORTH, "hats", "shoes")])
    expected = ["bags", "coats"]
    assert expected == sorted(await store.unindexed(["shoes", "bags", "hats", "coats"]))
    assert not await store.unindexed([])


async def test_an_entry_put_under_other_labels_leaves_those_it_had(store: ClosableStore) -> None:
    await store.put([new("a", NORTH, "hats", "shoes"), new("b", EAST, "shoes")])
    await store.put([new("a", NORTH, "bags", "shoes")])
    expected = ["bags", "shoes"]
    assert expected == await label_ids(store)
    assert not await found(store, NORTH, 10, "hats")
    assert list("a") == await found(store, NORTH, 10, "bags")


async def test_an_entry_under_one_more_label_is_found_under_both(store: ClosableStore) -> None:
    await store.put([new("a", NORTH, "shoes"), new("b", EAST, "shoes"), new("c", EAST, "hats")])
    for _ in range(2):
        await store.add_label("b", "hats")
    await store.add_label("a", "bags")
    expected = {"bags": ["a"], "hats": ["b", "c"], "shoes": ["a", "b"]}
    assert expected == {label_id: await found(store, NORTH, 10, label_id) for label_id in await label_ids(store)}
    hats = await store.label("hats")
    entry = await store.entry("b")
    assert hats is not None
    assert entry is not None
    assert len(expected["hats"]) == hats.image_count
    assert tuple(expected)[1:] == entry.label_ids


async def test_a_label_for_an_image_that_is_not_there_indexes_nothing(store: ClosableStore) -> None:
    await store.add_label("a", "shoes")
    assert not await store.labels()
    assert await store.entry("a") is None


async def test_a_dropped_label_takes_with_it_the_entries_that_had_no_other(store: ClosableStore) -> None:
    alone, both, other = new("a", NORTH, "shoes"), new("b", NORTH, "hats", "shoes"), new("c", NORTH, "hats")
    await store.put([alone, both, other])
    expected = [alone.entry]
    assert expected == await store.drop_label("shoes")
    assert [both.entry.image_id, other.entry.image_id] == await found(store, NORTH)
    expected_labels = {("hats",)}
    assert expected_labels == {hit.entry.label_ids for hit in await store.search(query(NORTH))}
    assert not await found(store, NORTH, 10, "shoes")
    assert await store.label("shoes") is None


async def test_nothing_is_left_of_a_dropped_entry(store: ClosableStore) -> None:
    entry = new("a", NORTH, "shoes")
    await store.put([entry])
    await store.drop_label("shoes")
    assert await store.entry("a") is None
    assert await store.features("a") is None
    assert not await store.existing(["a"])
    assert not await store.twins([entry.entry.sha256])
    assert not await store.labels()


async def test_dropping_a_label_that_is_not_there_changes_nothing(store: ClosableStore) -> None:
    await store.put([new("a", NORTH, "shoes")])
    assert not await store.drop_label("hats")
    assert not await store.drop_label("shoe")
    assert list("a") == await found(store, NORTH)


async def test_a_search_that_starts_after_a_drop_returned_does_not_see_it(store: ClosableStore) -> None:
    await store.put(many(random_vectors(30), "shoes") + many(random_vectors(30, seed=2), "hats", start=30))
    await store.drop_label("shoes")
    assert {f"i{number:05}" for number in range(30, 60)} == set(await found(store, NORTH, 100))


async def test_a_label_can_be_indexed_again_after_it_was_dropped(store: ClosableStore) -> None:
    for _ in range(3):
        await store.put([new("a", NORTH, "shoes")])
        assert list("a") == await found(store, NORTH, 10, "shoes")
        await store.drop_label("shoes")
    assert not await found(store, NORTH)
