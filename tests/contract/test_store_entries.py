import asyncio
import string
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.records import NewEntry, Origin, Standing, StoredFeatures
from tests.contract.stores import (
    SPACE,
    ClosableStore,
    Home,
    Place,
    brute_force,
    found,
    fresh_store,
    many,
    new,
    put_all,
    query,
    random_vectors,
    unit_vector,
)
from tests.unit.domain.samples import entry

NORTH, EAST = unit_vector(1), unit_vector(0, 1)
ALLOWED = string.ascii_letters + string.digits + "._:-"
WITHOUT_FEATURES = NewEntry(entry("broken"), cast("StoredFeatures", None))


async def test_an_entry_comes_back_as_it_was_put(store: ClosableStore) -> None:
    put = new(
        "own:1",
        NORTH,
        "sale",
        "shoes",
        name="Sommer\u2028Schuh \U0001f45f.jpg",
        product_id="Größe 42 / rot",
        title="Roter Schuh",
        attributes={"colour": "rot", "price": 49.9, "stock": 7, "new": True, "": "empty", "note": "a\nb\0c"},
        origin=Origin.UPLOAD,
        locator="",
        perceptual_hash=b"\0\xff\0\xff\0\xff\0\xff",
        job_id="job",
    )
    await put_all(store, [put])
    assert put.entry == await store.entry("own:1")
    kept = await store.entry("own:1")
    assert kept is not None
    assert [bool, int] == [type(kept.attributes[name]) for name in ("new", "stock")]


async def test_what_was_not_said_stays_unsaid(store: ClosableStore) -> None:
    put = new("plain", NORTH, title=None, attributes={}, job_id=None, perceptual_hash=b"")
    await put_all(store, [put])
    assert put.entry == await store.entry("plain")


@pytest.mark.parametrize(
    "title",
    ["", "x" * 4096, "\U0001f45f" * 1024, "日本語 العربية \u200f e\u0301", "'; DROP TABLE entries; --"],
    ids=["empty", "long", "shoes", "scripts", "sql"],
)
async def test_any_title_comes_back(store: ClosableStore, title: str) -> None:
    await put_all(store, [new("a", NORTH, title=title)])
    kept = await store.entry("a")
    assert kept is not None
    assert title == kept.title


@pytest.mark.parametrize("image_id", [ALLOWED, ALLOWED[::-1], ".", "-", ":", "A" * 128, "a", "0"])
async def test_every_allowed_id_names_its_own_entry(store: ClosableStore, image_id: str) -> None:
    other = image_id.swapcase() if image_id.swapcase() != image_id else "other"
    await put_all(store, [new(image_id, NORTH), new(other[:128], EAST)])
    expected = [image_id]
    assert expected == await found(store, NORTH, 1)
    assert expected == list(await store.existing([image_id]))


async def test_a_locator_that_is_no_text_comes_back(store: ClosableStore) -> None:
    locator = b"shoes/caf\xe9 \xff.jpg".decode("utf-8", "surrogateescape")
    await put_all(store, [new("a", NORTH, locator=locator)])
    kept = await store.entry("a")
    assert kept is not None
    assert locator == kept.locator


async def test_features_come_back_bit_by_bit(store: ClosableStore) -> None:
    put = new("a", random_vectors(1)[0])
    await put_all(store, [put])
    kept = await store.features("a")
    assert kept is not None
    assert (put.features.dtype, put.features.tobytes()) == (kept.dtype, kept.tobytes())


async def test_what_is_not_there_is_none(store: ClosableStore) -> None:
    assert await store.entry("a") is None
    assert await store.features("a") is None


async def test_an_entry_that_is_put_again_is_replaced_whole(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "shoes", title="old", attributes={"colour": "red"}, job_id="first")])
    again = new("a", EAST, "hats", job_id="second")
    await put_all(store, [again])
    (hit,) = await store.search(query(EAST))
    assert again.entry == hit.entry == await store.entry("a")
    assert abs(1 - hit.score) < 1e-3
    assert not await found(store, NORTH, 10, "shoes")
    expected = {"a": Standing("second", ("hats",), again.entry.origin, again.entry.locator)}
    assert expected == await store.existing(["a"])


async def test_however_often_an_entry_is_put_it_is_there_once(store: ClosableStore) -> None:
    for _ in range(5):
        await put_all(store, [new("a", NORTH), new("b", EAST)])
    expected = ["a", "b"]
    assert expected == await found(store, NORTH)
    label = await store.label("shoes")
    assert label is not None
    assert len(expected) == label.image_count


async def test_of_an_image_twice_in_one_call_the_later_stays(store: ClosableStore) -> None:
    later = new("a", EAST, "hats")
    await put_all(store, [new("a", NORTH, "shoes"), later])
    assert later.entry == await store.entry("a")
    expected = ["a"]
    assert expected == await found(store, EAST)
    assert await store.label("shoes") is None


async def test_putting_nothing_changes_nothing(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH)])
    await put_all(store, [])
    expected = ["a"]
    assert expected == await found(store, NORTH)


async def test_of_a_call_that_fails_nothing_is_there_and_what_was_stays(store: ClosableStore) -> None:
    before = new("a", NORTH, "shoes")
    await put_all(store, [before])
    with pytest.raises(AttributeError):
        await put_all(store, [new("a", EAST, "hats"), new("b", EAST, "hats"), WITHOUT_FEATURES])
    assert before.entry == await store.entry("a")
    assert await store.entry("b") is None
    expected = ["a"]
    assert expected == await found(store, EAST)
    assert await store.label("hats") is None


async def test_after_a_call_that_failed_the_same_call_works(store: ClosableStore) -> None:
    entries = many(random_vectors(5))
    with pytest.raises(AttributeError):
        await put_all(store, [*entries, WITHOUT_FEATURES])
    await put_all(store, entries)
    assert {each.entry.image_id for each in entries} == set(await found(store, NORTH))


async def test_many_puts_at_once_are_all_there(store: ClosableStore) -> None:
    entries = many(random_vectors(60))
    await asyncio.gather(*(store.put(entries[start : start + 3]) for start in range(0, 60, 3)))
    await store.refresh()
    assert {each.entry.image_id for each in entries} == set(await found(store, NORTH, 100))


async def test_of_puts_of_one_image_at_once_one_is_there_whole(store: ClosableStore) -> None:
    rivals = [new("a", vector, f"label{number}", title=str(number)) for number, vector in enumerate(random_vectors(8))]
    await asyncio.gather(*(store.put([rival]) for rival in rivals))
    await store.refresh()
    kept, features = await store.entry("a"), await store.features("a")
    assert kept is not None
    assert features is not None
    (winner,) = [rival for rival in rivals if rival.entry == kept]
    assert winner.features.tobytes() == features.tobytes()
    expected = [winner.entry.label_ids]
    assert expected == [(label.label_id,) for label in await store.labels()]


async def test_a_put_whose_caller_goes_away_is_there_whole_or_not_at_all(store: ClosableStore) -> None:
    entries = many(random_vectors(40))
    for start in range(0, 40, 4):
        task = asyncio.create_task(store.put(entries[start : start + 4]))
        await asyncio.sleep(0.0005 * (start // 4))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await put_all(store, [new("last", NORTH)])
    there = await store.existing([each.entry.image_id for each in entries])
    assert set(there) == set(await found(store, NORTH, 100)) - {"last"}
    assert {0, 4} >= {len(there.keys() & {f"i{number:05}" for number in range(at, at + 4)}) for at in range(0, 40, 4)}


async def test_what_was_put_is_there_when_the_store_is_opened_again(place: Place) -> None:
    entries = many(random_vectors(20), "hats", "shoes")
    await put_all(await place.open(), entries)
    store = await place.open()
    assert [each.entry for each in entries] == [await store.entry(each.entry.image_id) for each in entries]
    expected = [image_id for image_id, _ in brute_force(entries, NORTH, 20)]
    assert expected == await found(store, NORTH, 20, "hats")


async def test_a_store_that_answers_says_so(store: ClosableStore) -> None:
    await store.ping()
    assert store.space is SPACE


attributes = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**53), 2**53)
    | st.booleans(),
    max_size=4,
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=20)
@given(
    title=st.none() | texts, name=texts, product_id=st.text("aZ é/:%", min_size=1, max_size=9), attributes=attributes
)
async def test_whatever_an_entry_says_comes_back(
    home: Home, title: str | None, name: str, product_id: str, attributes: dict[str, str | float | bool]
) -> None:
    put = new("a", NORTH, title=title, name=name, product_id=product_id, attributes=attributes)
    async with fresh_store(home) as store:
        await put_all(store, [put])
        assert put.entry == await store.entry("a")
