import asyncio
from dataclasses import replace

import pytest

from app.domain.attributes import AttributeValue
from app.domain.records import Description
from tests.contract.stores import ClosableStore, Place, found, new, put_all, query, unit_vector

NORTH, EAST = unit_vector(1), unit_vector(0, 1)
ATTRIBUTES: dict[str, AttributeValue] = {"colour": "rot", "price": 49.9, "stock": 7, "new": True, "": "leer \0"}
SAID = Description("Größe 42", "Roter Schuh \U0001f45f", ATTRIBUTES)


async def test_an_entry_is_described_and_all_else_of_it_stays(store: ClosableStore) -> None:
    put = new("a", NORTH, "hats", "shoes", title="old", attributes={"old": 1.0}, job_id="one")
    other = new("b", EAST)
    await put_all(store, [put, other])
    features = await store.features("a")
    await store.describe({"a": SAID, "none": SAID})
    await store.refresh()
    described = replace(put.entry, product_id=SAID.product_id, title=SAID.title, attributes=SAID.attributes)
    assert described == await store.entry("a")
    assert other.entry == await store.entry("b")
    assert await store.entry("none") is None
    after = await store.features("a")
    assert features is not None
    assert after is not None
    assert features.tobytes() == after.tobytes()


async def test_types_of_attributes_stay(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH)])
    await store.describe({"a": SAID})
    await store.refresh()
    kept = await store.entry("a")
    assert kept is not None
    assert [str, float, int, bool] == [type(kept.attributes[name]) for name in ("colour", "price", "stock", "new")]


async def test_a_title_and_attributes_can_be_taken_away(store: ClosableStore) -> None:
    put = new("a", NORTH, title="old", attributes={"old": True})
    await put_all(store, [put])
    await store.describe({"a": Description("a", None, {})})
    await store.refresh()
    assert replace(put.entry, title=None, attributes={}) == await store.entry("a")


async def test_a_search_shows_what_is_said_at_once_and_after_the_store_is_opened_again(place: Place) -> None:
    store = await place.open()
    await put_all(store, [new("a", NORTH)])
    for number in range(20):
        await store.search(query(NORTH))
        await store.describe({"a": Description("P", str(number), {"turn": number})})
        await store.refresh()
        (hit,) = await store.search(query(NORTH))
        assert ("P", str(number), {"turn": number}) == (hit.entry.product_id, hit.entry.title, hit.entry.attributes)
    (hit,) = await (await place.open()).search(query(NORTH))
    assert "19" == hit.entry.title


async def test_beside_searches_no_older_word_is_shown_after_a_newer_one(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, title="0")])
    said = 0

    async def describe() -> None:
        nonlocal said
        for number in range(1, 40):
            await store.describe({"a": Description("a", str(number), {})})
            await store.refresh()
            said = number

    async def search() -> None:
        while not describing.done():
            before = said
            (hit,) = await store.search(query(NORTH))
            assert int(hit.entry.title or "") >= before

    describing = asyncio.create_task(describe())
    await asyncio.gather(describing, search(), search())
    assert len(range(1, 40)) == said


async def test_products_of_a_label_are_counted_by_what_was_said_last(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH), new("b", NORTH), new("c", NORTH)])
    built = await store.label("shoes")
    await store.describe({"a": Description("P", None, {}), "b": Description("P", None, {})})
    await store.refresh()
    label = await store.label("shoes")
    assert built is not None
    assert replace(built, product_count=2) == label


async def test_an_entry_that_is_put_again_says_what_it_says_itself(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH)])
    await store.describe({"a": SAID})
    await store.refresh()
    again = new("a", NORTH, title="new")
    await put_all(store, [again])
    assert again.entry == await store.entry("a")


async def test_nothing_said_changes_nothing(store: ClosableStore) -> None:
    put = new("a", NORTH, title="old")
    await put_all(store, [put])
    await store.describe({})
    await store.refresh()
    assert put.entry == await store.entry("a")
    assert list("a") == await found(store, NORTH)


async def test_of_descriptions_that_fail_none_is_there(store: ClosableStore) -> None:
    put = [new("a", NORTH), new("b", NORTH)]
    await put_all(store, put)
    broken = Description("P", "broken", None)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        await store.describe({"a": SAID, "b": broken})
    assert [each.entry for each in put] == [await store.entry(image_id) for image_id in "ab"]
