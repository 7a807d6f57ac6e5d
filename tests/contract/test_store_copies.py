"""What every store promises of copies, as a source and as a target; also from one kind to another."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.adapters.stores.elasticsearch.client import ClusterOptions, opened
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.source import ClusterSource
from app.adapters.stores.embedded.source import opened_source
from app.domain.ports import CopySource
from app.domain.records import Description, KeptEntry, Origin
from app.domain.spaces import Space
from app.flows.copying import Copied, copy_store
from tests.contract.stores import (
    CLUSTERS,
    OTHER_SPACE,
    SPACE,
    ClosableStore,
    Place,
    found,
    many,
    new,
    put_all,
    random_vectors,
    unit_vector,
)
from tests.fakes import FakeSource, FakeStore, Shelf

NORTH, EAST = unit_vector(1), unit_vector(0, 1)
THEN = datetime(2024, 2, 29, 23, 59, 59, 123456, UTC)
STALE = "another-model"


def kept(image_id: str, *label_ids: str, fingerprint: str = SPACE.fingerprint, **fields: object) -> KeptEntry:
    one = new(image_id, NORTH, *label_ids, **fields)
    return KeptEntry(one.entry, one.features, fingerprint, THEN)


def plainly(entries: list[KeptEntry]) -> list[tuple[object, ...]]:
    """Arrays as bytes, so that they can be compared."""
    return [(one.entry, one.features.tobytes(), one.fingerprint, one.indexed_at) for one in entries]


@asynccontextmanager
async def source_of(place: Place) -> AsyncIterator[CopySource]:
    """What is kept in a place, beside the store that is open there."""
    if place._kind == "fake":
        yield FakeSource(place._shelf)
    elif place._url:
        async with opened(ClusterOptions((place._url,))) as cluster:
            yield ClusterSource(cluster, Names(place.namespace))
    else:
        with opened_source(place.folder) as source:
            yield source


async def all_entries(source: CopySource, count: int = 2) -> list[KeptEntry]:
    """Page by page."""
    entries: list[KeptEntry] = []
    while page := await source.entries(entries[-1].entry.image_id if entries else "", count):
        entries += page
    return entries


async def filled(place: Place) -> ClosableStore:
    """A store with all that there can be: entries, other spaces, names, deletions."""
    store = await place.open(OTHER_SPACE)
    await put_all(store, [new("stale", unit_vector(1, dimensions=12), "hats")])
    store = await place.open()
    await store.name_labels({"shoes": "Schuhe \U0001f45f", "hats": "Hats", "none": "without entries"})
    odd = new("b.:_-B", EAST, "hats", "shoes", title="T" * 4000, attributes={"": "leer \0", "price": 4.5, "new": True})
    upload = new("up", EAST, "shoes", origin=Origin.UPLOAD, job_id=None)
    await put_all(store, [new("a", NORTH, job_id="one"), odd, upload, new("gone", NORTH, "hats", "shoes")])
    await store.delete("gone")
    await store.refresh()
    return store


async def test_an_empty_store_is_an_empty_source(place: Place) -> None:
    await place.open()
    async with source_of(place) as source:
        assert ([], 0, {}) == (await source.entries("", 10), await source.count(), await source.names())
        assert not await source.deletions("", 10)


async def test_the_space_of_a_source_is_the_live_one(place: Place) -> None:
    raw = Space.raw("abcdef0123456789", SPACE.dimensions)
    await put_all(await place.open(raw), [new("a", NORTH)])
    async with source_of(place) as source:
        assert raw == await source.space()


async def test_entries_come_whole_by_rising_id_and_of_any_space(place: Place) -> None:
    store = await filled(place)
    async with source_of(place) as source:
        entries = await all_entries(source)
        assert 4 == await source.count()
    ids = ["a", "b.:_-B", "stale", "up"]
    assert ids == [one.entry.image_id for one in entries]
    assert [await store.entry(image_id) for image_id in ids] == [one.entry for one in entries]
    one, other = SPACE.fingerprint, OTHER_SPACE.fingerprint
    assert [one, one, other, one] == [each.fingerprint for each in entries]
    assert [8, 8, 12, 8] == [len(each.features) for each in entries]
    assert EAST.tobytes() == entries[1].features.astype(EAST.dtype).tobytes()


async def test_names_and_deletions_are_told(place: Place) -> None:
    await filled(place)
    async with source_of(place) as source:
        expected = {"shoes": "Schuhe \U0001f45f", "hats": "Hats", "none": "without entries"}
        assert expected == await source.names()
        deletions = await source.deletions("", 10)
        assert {"gone": ["hats", "shoes"]} == {image_id: sorted(labels) for image_id, labels in deletions.items()}
        assert not await source.deletions("gone", 10)


async def test_what_is_restored_is_kept_as_it_was(place: Place) -> None:
    store = await place.open()
    put = [kept("a", job_id="one"), kept("b", "hats", "shoes", title="t"), kept("c", fingerprint=STALE)]
    assert not await store.restore(put)
    await store.refresh()
    async with source_of(place) as source:
        assert plainly(put) == plainly(await all_entries(source))
    assert ["a", "b"] == await found(store, NORTH)
    assert ["b"] == await found(store, NORTH, 10, "hats")
    label = await store.label("shoes")
    assert label is not None
    assert (3, 1) == (label.image_count, label.stale_count)
    assert THEN.replace(microsecond=0) == label.built_at.replace(microsecond=0)


async def test_restoring_replaces_what_is_there_whatever_the_spaces(place: Place) -> None:
    store = await place.open()
    await put_all(store, [new("a", EAST, "hats"), new("b", EAST, "hats")])
    await store.restore([kept("a", title="new"), kept("b", fingerprint=STALE)])
    await store.refresh()
    assert ["a"] == await found(store, NORTH)
    assert ["a"] == list(await store.existing(["a", "b"]))
    await store.restore([kept("b")])
    await store.refresh()
    assert ["a", "b"] == await found(store, NORTH)
    assert {"shoes": 2} == await store.counts()


async def test_restoring_an_entry_ends_its_deletion(place: Place) -> None:
    store = await place.open()
    await put_all(store, [new("a", NORTH)])
    await store.delete("a")
    await store.restore([kept("a")])
    await store.refresh()
    assert not await store.deleted(["a"])
    assert ["a"] == await found(store, NORTH)


async def test_a_restored_deletion_holds_for_entries_and_for_ids_that_were_never_there(place: Place) -> None:
    store = await place.open()
    await put_all(store, [new("a", NORTH), new("b", NORTH)])
    for _ in range(2):
        await store.restore_deletions({"a": ["shoes"], "z": ["hats", "shoes"]})
    await put_all(store, [new("a", NORTH), new("z", NORTH)])
    assert ["b"] == await found(store, NORTH)
    assert {"a", "z"} == set(await store.deleted(["a", "b", "z"]))
    await store.forgive("hats")
    assert {"a"} == set(await store.deleted(["a", "b", "z"]))


async def test_nothing_restored_changes_nothing(place: Place) -> None:
    store = await place.open()
    assert not await store.restore([])
    await store.restore_deletions({})
    async with source_of(place) as source:
        assert 0 == await source.count()


async def test_what_is_restored_is_there_when_the_store_is_opened_again(place: Place) -> None:
    store = await place.open()
    await store.restore([kept("a"), kept("b", fingerprint=STALE)])
    await store.restore_deletions({"c": ["shoes"]})
    store = await place.open()
    assert ["a"] == await found(store, NORTH)
    assert {"c"} == set(await store.deleted(["a", "b", "c"]))


async def test_a_copy_is_like_its_source_and_made_again_changes_nothing(place: Place) -> None:
    await filled(place)
    shelf = Shelf()
    target = FakeStore(SPACE, shelf)
    seen: list[tuple[int, int]] = []
    async with source_of(place) as source:
        for expected in (Copied(copied=4, deleted=1, labels=3), Copied(already_there=4, deleted=1, labels=3)):
            done = await copy_store(source, target, lambda done, total: seen.append((done.seen, total)))
            assert expected == done
        copy = FakeSource(shelf)
        assert plainly(await all_entries(source)) == plainly(await all_entries(copy))
        assert await source.names() == await copy.names()
    assert ["gone"] == list(await copy.deletions("", 10))
    assert [(4, 4), (4, 4)] == seen


async def test_a_copy_into_a_store_brings_what_differs_and_leaves_the_rest(place: Place) -> None:
    store = await place.open()
    entries = many(random_vectors(1200))
    await put_all(store, entries[:700])
    await put_all(store, [new("own", EAST)])
    await store.describe({"i00003": Description("P", "said here", {})})
    await store.delete("i00004")
    shelf = Shelf()
    origin = FakeStore(SPACE, shelf)
    await put_all(origin, entries)
    await origin.delete("i00005")
    done = await copy_store(FakeSource(shelf), store, lambda *_: None)
    assert Copied(copied=502, already_there=697, deleted=1) == done
    assert {"shoes": 1200} == await store.counts()
    three = await store.entry("i00003")
    assert entries[3].entry == three
    last = entries[-1]
    assert [last.entry.image_id] == await found(store, last.features.astype("f4"), 1)
    assert not await store.entry("i00005")


@pytest.mark.parametrize("home", CLUSTERS, indirect=True)
async def test_entries_that_a_cluster_refuses_are_told(place: Place) -> None:
    store = await place.open()
    bad = replace(kept("bad"), features=kept("bad").features[:3])
    assert {"bad"} == set(await store.restore([bad, kept("good")]))
