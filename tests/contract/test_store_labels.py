from datetime import UTC, datetime, timedelta

import pytest

from app.domain.records import Member, Origin
from tests.contract.stores import (
    ClosableStore,
    Place,
    found,
    many,
    new,
    put_all,
    query,
    random_vectors,
    unit_vector,
)

NORTH, EAST = unit_vector(1), unit_vector(0, 1)
A_MILLISECOND = timedelta(milliseconds=1)
"""What a time may lose when it is kept."""


async def label_ids(store: ClosableStore) -> list[str]:
    return [label.label_id for label in await store.labels()]


async def test_nothing_indexed_is_no_label(store: ClosableStore) -> None:
    assert not await store.labels()
    assert await store.label("shoes") is None


async def test_labels_are_counted_and_come_by_id(store: ClosableStore) -> None:
    await put_all(
        store,
        [
            new("a", NORTH, "shoes", product_id="P"),
            new("b", NORTH, "hats", "shoes", product_id="P"),
            new("c", NORTH, "shoes", product_id="Q"),
            new("d", NORTH, "7up"),
        ],
    )
    expected = [("7up", 1, 1, 0), ("hats", 1, 1, 0), ("shoes", 3, 2, 0)]
    labels = await store.labels()
    assert expected == [(label.label_id, label.image_count, label.product_count, label.stale_count) for label in labels]
    assert labels == [await store.label(label.label_id) for label in labels]
    assert all(label.byte_count >= 16 * label.image_count for label in labels)


async def test_a_label_was_built_when_its_last_entry_was_put(store: ClosableStore) -> None:
    times = [datetime.now(UTC)]
    for image_id in "ab":
        await put_all(store, [new(image_id, NORTH)])
        times.append(datetime.now(UTC))
        label = await store.label("shoes")
        assert label is not None
        assert times[-2] - A_MILLISECOND <= label.built_at <= times[-1]


async def test_a_label_is_called_by_its_name_and_by_its_id_without_one(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "hats", "running-shoes")])
    await store.name_labels({"running-shoes": "Running Shoes \U0001f45f", "bags": "Bags"})
    await put_all(store, [new("b", NORTH, "running-shoes")])
    await store.name_labels({})
    expected = ["hats", "Running Shoes \U0001f45f"]
    assert expected == [label.name for label in await store.labels()]


async def test_a_label_is_called_by_the_last_name_it_was_given(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "shoes")])
    for name in ("Schuhe", "Shoes"):
        await store.name_labels({"shoes": name})
        label = await store.label("shoes")
        assert label is not None
        assert name == label.name


async def test_a_name_alone_makes_no_label(store: ClosableStore) -> None:
    await store.name_labels({"shoes": "Shoes"})
    assert not await store.labels()
    assert await store.label("shoes") is None
    expected = ["shoes"]
    assert expected == list(await store.unindexed(["shoes"]))


async def test_labels_without_an_entry_are_unindexed(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "hats", "shoes")])
    expected = ["bags", "coats"]
    assert expected == sorted(await store.unindexed(["shoes", "bags", "hats", "coats"]))
    assert not await store.unindexed([])


async def test_an_entry_put_under_other_labels_leaves_those_it_had(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "hats", "shoes"), new("b", EAST, "shoes")])
    await put_all(store, [new("a", NORTH, "bags", "shoes")])
    expected = ["bags", "shoes"]
    assert expected == await label_ids(store)
    assert not await found(store, NORTH, 10, "hats")
    assert list("a") == await found(store, NORTH, 10, "bags")


async def test_an_entry_under_one_more_label_is_found_under_both(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "shoes"), new("b", EAST, "shoes"), new("c", EAST, "hats")])
    for _ in range(2):
        await store.add_label(["b"], "hats")
        await store.refresh()
    await store.add_label(["a"], "bags")
    await store.refresh()
    expected = {"bags": ["a"], "hats": ["b", "c"], "shoes": ["a", "b"]}
    assert expected == {label_id: await found(store, NORTH, 10, label_id) for label_id in await label_ids(store)}
    hats = await store.label("hats")
    entry = await store.entry("b")
    assert hats is not None
    assert entry is not None
    assert len(expected["hats"]) == hats.image_count
    assert tuple(expected)[1:] == entry.label_ids


async def test_many_entries_at_once_come_under_one_more_label(store: ClosableStore) -> None:
    entries = many(random_vectors(60), "shoes")
    await put_all(store, entries)
    ids = [each.entry.image_id for each in entries]
    await store.add_label(["none", *ids[40:20:-1], ids[30]], "hats")
    await store.refresh()
    await store.add_label(ids[10:31], "hats")
    await store.refresh()
    assert ids[10:41] == sorted(await found(store, NORTH, 100, "hats"))
    hits = await store.search(query(NORTH, 100, "hats"))
    assert {("hats", "shoes")} == {hit.entry.label_ids for hit in hits}


async def test_entries_that_came_under_a_label_in_any_order_are_told_apart(store: ClosableStore) -> None:
    vectors = random_vectors(4)
    await put_all(store, many(vectors))
    for numbers in ((2, 0), (1, 3)):
        await store.add_label([f"i{number:05}" for number in numbers], "hats")
        await store.refresh()
    for number, vector in enumerate(vectors):
        expected = [f"i{number:05}"]
        assert expected == await found(store, vector, 1, "hats")


async def test_a_label_for_an_image_that_is_not_there_indexes_nothing(store: ClosableStore) -> None:
    await store.add_label(["a"], "shoes")
    await store.refresh()
    await store.add_label([], "shoes")
    await store.refresh()
    assert not await store.labels()
    assert await store.entry("a") is None


async def test_a_dropped_label_takes_with_it_the_entries_that_had_no_other(store: ClosableStore) -> None:
    alone, both, other = new("a", NORTH, "shoes"), new("b", NORTH, "hats", "shoes"), new("c", NORTH, "hats")
    await put_all(store, [alone, both, other])
    expected = [alone.entry]
    assert expected == await store.drop_label("shoes")
    assert [both.entry.image_id, other.entry.image_id] == await found(store, NORTH)
    expected_labels = {("hats",)}
    assert expected_labels == {hit.entry.label_ids for hit in await store.search(query(NORTH))}
    assert not await found(store, NORTH, 10, "shoes")
    assert await store.label("shoes") is None


async def test_nothing_is_left_of_a_dropped_entry(store: ClosableStore) -> None:
    entry = new("a", NORTH, "shoes")
    await put_all(store, [entry])
    await store.drop_label("shoes")
    assert await store.entry("a") is None
    assert await store.features("a") is None
    assert not await store.existing(["a"])
    assert not await store.twins([entry.entry.sha256])
    assert not await store.labels()


async def test_dropping_a_label_that_is_not_there_changes_nothing(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "shoes")])
    assert not await store.drop_label("hats")
    assert not await store.drop_label("shoe")
    assert list("a") == await found(store, NORTH)


async def test_a_search_that_starts_after_a_drop_returned_does_not_see_it(store: ClosableStore) -> None:
    await put_all(store, many(random_vectors(30), "shoes") + many(random_vectors(30, seed=2), "hats", start=30))
    await store.drop_label("shoes")
    assert {f"i{number:05}" for number in range(30, 60)} == set(await found(store, NORTH, 100))


async def test_a_label_can_be_indexed_again_after_it_was_dropped(store: ClosableStore) -> None:
    for _ in range(3):
        await put_all(store, [new("a", NORTH, "shoes")])
        assert list("a") == await found(store, NORTH, 10, "shoes")
        await store.drop_label("shoes")
    assert not await found(store, NORTH)


async def test_members_are_a_labels_entries_by_rising_image_id(store: ClosableStore) -> None:
    names = ["B", "a:2", "a:10", "C", "a", "b"]
    put = [new(name, NORTH, "shoes", origin=Origin.DOWNLOAD, job_id=f"job-{name}") for name in names]
    await put_all(store, [*put, new("aa", NORTH, "hats"), new("A", NORTH, "hats", "shoes", origin=Origin.UPLOAD)])
    expected = [
        Member("A", Origin.UPLOAD, None),
        *(Member(name, Origin.DOWNLOAD, f"job-{name}") for name in ("B", "C", "a", "a:10", "a:2", "b")),
    ]
    assert expected == await store.members("shoes", "", 100)
    assert not await store.members("bags", "", 100)


@pytest.mark.parametrize("count", [1, 7, 20, 100])
async def test_pages_of_members_show_each_once_while_others_leave(store: ClosableStore, count: int) -> None:
    await put_all(store, many(random_vectors(40), "hats", "shoes") + many(random_vectors(20), "hats", start=40))
    seen, after = [], ""
    while page := await store.members("shoes", after, count):
        assert len(page) <= count
        seen += [member.image_id for member in page]
        after = seen[-1]
        await store.take_out(seen[-1:], "shoes")
    assert [f"i{number:05}" for number in range(40)] == seen


async def test_no_page_of_members_begins_with_what_it_goes_on_from(store: ClosableStore) -> None:
    await put_all(store, many(random_vectors(3)))
    expected = ["i00001", "i00002"]
    for after in ("i00000", "i000001", "i00000:"):
        assert expected == [member.image_id for member in await store.members("shoes", after, 10)]
    assert not await store.members("shoes", "i00002", 10)


async def test_counts_follow_whatever_changes_what_is_under_a_label(place: Place) -> None:
    store = await place.open()
    assert not await store.counts()
    await put_all(store, many(random_vectors(10), "hats", "shoes") + many(random_vectors(5), "shoes", start=10))
    await put_all(store, many(random_vectors(2), "bags", "shoes", start=13))
    for _ in range(2):
        await store.add_label([f"i{number:05}" for number in range(4)], "bags")
        await store.refresh()
    await store.take_out([f"i{number:05}" for number in range(8)], "hats")
    await store.delete("i00009")
    expected = {"bags": 6, "hats": 1, "shoes": 14}
    assert expected == await store.counts()
    await store.drop_label("shoes")
    expected = {"bags": 6, "hats": 1}
    assert expected == await store.counts() == await (await place.open()).counts()


async def test_what_is_taken_out_of_a_label_stays_under_the_others(store: ClosableStore) -> None:
    alone, both, other = new("a", NORTH, "shoes"), new("b", NORTH, "hats", "shoes"), new("c", NORTH, "shoes")
    await put_all(store, [alone, both, other, new("d", NORTH, "hats")])
    assert ["a", "b", "c"] == await found(store, NORTH, 10, "shoes")
    gone = await store.take_out(["a", "b", "d", "none", "a"], "shoes")
    assert [alone.entry] == gone
    assert ["b", "c", "d"] == await found(store, NORTH)
    assert ["c"] == await found(store, NORTH, 10, "shoes")
    assert ["b", "d"] == await found(store, NORTH, 10, "hats")
    hits = await store.search(query(NORTH))
    expected = [("hats",), ("shoes",), ("hats",)]
    assert expected == [hit.entry.label_ids for hit in hits]
    assert await store.entry("a") is None
    assert not await store.twins([alone.entry.sha256])


async def test_taking_out_nothing_changes_nothing(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "shoes")])
    assert not await store.take_out([], "shoes")
    assert not await store.take_out(["a"], "hats")
    assert not await store.take_out(["b"], "shoes")
    assert list("a") == await found(store, NORTH, 10, "shoes")


async def test_what_was_taken_out_can_be_put_again(store: ClosableStore) -> None:
    for _ in range(3):
        await put_all(store, [new("a", NORTH, "shoes")])
        assert list("a") == await found(store, NORTH, 10, "shoes")
        assert list("a") == [entry.image_id for entry in await store.take_out(["a"], "shoes")]
        assert await store.label("shoes") is None
    assert not await store.deleted(["a"])


async def test_a_label_that_lost_its_last_entry_keeps_its_name(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "shoes")])
    await store.name_labels({"shoes": "Shoes"})
    await store.take_out(["a"], "shoes")
    expected = ["shoes"]
    assert expected == list(await store.unindexed(["shoes"]))
    await put_all(store, [new("a", NORTH, "shoes")])
    label = await store.label("shoes")
    assert label is not None
    assert "Shoes" == label.name
