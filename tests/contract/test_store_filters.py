"""A filter narrows a search before it runs, and means the same on every store: what `matches` says."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.attributes import AttributeValue
from app.domain.filters import matches, parse_filter
from app.domain.records import Description, NewEntry, Query
from tests.contract.stores import ClosableStore, Floats, image_ids, many, new, put_all, random_vectors, unit_vector
from tests.unit.domain.filter_samples import DECLARED, attribute_sets, filter_documents

NORTH, EAST, SOUTH = unit_vector(1), unit_vector(0, 1), unit_vector(-1)
RED, BLUE = {"eq": {"colour": "red"}}, {"eq": {"colour": "blue"}}


async def filtered(
    store: ClosableStore, document: Any, vector: Floats = NORTH, k: int = 10, *label_ids: str, exact: bool = False
) -> list[str]:
    wanted = parse_filter(document, DECLARED)
    return image_ids(await store.search(Query(vector, k, frozenset(label_ids) or None, exact, wanted)))


def coloured(image_id: str, vector: Floats, colour: AttributeValue, *label_ids: str) -> NewEntry:
    return new(image_id, vector, *label_ids, attributes={"colour": colour})


@pytest.mark.parametrize("exact", [False, True])
async def test_a_filter_narrows_the_search_before_it_runs(store: ClosableStore, *, exact: bool) -> None:
    near = [coloured(f"n{number:03}", NORTH, "blue") for number in range(300)]
    await put_all(store, [*near, coloured("far", SOUTH, "red"), coloured("aside", EAST, "red")])
    assert ["aside", "far"] == await filtered(store, RED, exact=exact)
    assert ["aside"] == await filtered(store, RED, NORTH, 1, exact=exact)
    assert 300 == len(await filtered(store, {"not": RED}, NORTH, 400, exact=exact))


async def test_a_filter_and_labels_narrow_together(store: ClosableStore) -> None:
    entries = [coloured(f"{label}-{colour}", NORTH, colour, label) for label in "abc" for colour in ("red", "blue")]
    await put_all(store, [*entries, coloured("ab", EAST, "red", "a", "b")])
    assert ["a-red", "ab"] == await filtered(store, RED, NORTH, 10, "a")
    assert ["a-red", "b-red", "ab"] == await filtered(store, RED, NORTH, 10, "a", "b")
    assert ["a-red", "b-red", "c-red", "ab"] == await filtered(store, RED)
    assert not await filtered(store, RED, NORTH, 10, "none")


async def test_a_filter_that_nothing_matches_finds_nothing_and_one_that_everything_does_finds_all(
    store: ClosableStore,
) -> None:
    await put_all(store, many(random_vectors(40)))
    assert not await filtered(store, RED)
    assert not await filtered(store, {"or": []})
    assert 40 == len(await filtered(store, {"and": []}, NORTH, 100))
    assert 40 == len(await filtered(store, {"not": {"exists": "colour"}}, NORTH, 100))


async def test_an_empty_store_finds_nothing_under_a_filter(store: ClosableStore) -> None:
    assert not await filtered(store, RED)
    await put_all(store, [coloured("a", NORTH, "red")])
    assert ["a"] == await filtered(store, RED)


async def test_a_filter_sees_what_was_put_replaced_and_deleted_since_the_last(store: ClosableStore) -> None:
    await put_all(store, [coloured("a", NORTH, "red"), coloured("b", EAST, "red")])
    assert ["a", "b"] == await filtered(store, RED)
    await put_all(store, [coloured("a", NORTH, "blue"), coloured("c", SOUTH, "red")])
    assert ["b", "c"] == await filtered(store, RED)
    assert ["a"] == await filtered(store, BLUE)
    await store.delete("b")
    assert ["c"] == await filtered(store, RED)


async def test_a_filter_sees_what_an_entry_was_described_as_last(store: ClosableStore) -> None:
    await put_all(store, [coloured("a", NORTH, "red"), coloured("b", EAST, "red")])
    assert ["a", "b"] == await filtered(store, RED)
    for colour, expected in (("blue", ["b"]), ("red", ["a", "b"]), ("green", ["b"])):
        await store.describe({"a": Description("a", None, {"colour": colour}), "none": Description("x", None, {})})
        await store.refresh()
        assert expected == await filtered(store, RED)
    await store.describe({"a": Description("a", None, {"price": 3.5})})
    await store.refresh()
    assert ["a"] == await filtered(store, {"eq": {"price": 3.5}})
    assert ["a"] == await filtered(store, {"not": {"exists": "colour"}})


async def test_a_filter_goes_on_after_a_label_was_added_and_dropped(store: ClosableStore) -> None:
    await put_all(store, [coloured("a", NORTH, "red", "one"), coloured("b", EAST, "red", "two")])
    await store.add_label(["a"], "two")
    await store.refresh()
    assert ["a", "b"] == await filtered(store, RED, NORTH, 10, "two")
    await store.drop_label("one")
    assert ["a", "b"] == await filtered(store, RED)
    await store.take_out(["a"], "two")
    assert ["b"] == await filtered(store, RED)


async def test_dates_compare_as_instants_and_strings_by_code_points(store: ClosableStore) -> None:
    said: dict[str, dict[str, AttributeValue]] = {
        "day": {"since": "2024-05-01", "colour": "Zebra"},
        "east": {"since": "2024-05-01T01:00:00+02:00", "colour": "apple"},
        "late": {"since": "2024-05-01T00:00:00.5Z", "colour": "\uffee"},
        "none": {"since": "soon", "colour": "\U0001f45f"},
    }
    await put_all(store, [new(image_id, NORTH, attributes=attributes) for image_id, attributes in said.items()])
    assert ["day"] == await filtered(store, {"eq": {"since": "2024-05-01T00:00:00Z"}})
    assert ["east"] == await filtered(store, {"lt": {"since": "2024-05-01"}})
    assert ["late"] == await filtered(store, {"gt": {"since": "2024-05-01"}})
    assert ["none"] == await filtered(store, {"not": {"gte": {"since": "0001-01-01"}}})
    assert ["day", "east"] == await filtered(store, {"lte": {"colour": "apple"}})
    assert ["none"] == await filtered(store, {"gt": {"colour": "\uffee"}})


async def test_true_one_and_the_text_of_them_are_different_values(store: ClosableStore) -> None:
    values: dict[str, AttributeValue] = {"number": 1.0, "text": "1", "truth": True, "word": "true", "zero": 0.0}
    names = ("colour", "price", "new")
    entries = [new(key, NORTH, attributes=dict.fromkeys(names, value)) for key, value in values.items()]
    await put_all(store, entries)
    assert ["text"] == await filtered(store, {"eq": {"colour": "1"}})
    assert ["number"] == await filtered(store, {"eq": {"price": 1}})
    assert ["truth"] == await filtered(store, {"in": {"new": [True, False]}})
    assert sorted(values) == await filtered(store, {"exists": "new"})


async def test_names_may_have_any_characters(store: ClosableStore) -> None:
    size = "größe.in cm"
    await put_all(store, [new("a", NORTH, attributes={size: 42.0}), new("b", NORTH, attributes={"größe": 42.0})])
    assert ["a"] == await filtered(store, {"eq": {size: 42}})
    assert ["a"] == await filtered(store, {"exists": size})


@pytest.fixture
async def varied(store: ClosableStore) -> tuple[ClosableStore, list[NewEntry]]:
    """A store of entries with attributes of every kind, and these."""
    sets = json.loads(json.dumps(examples(60)))
    rows = random_vectors(len(sets), seed=7)
    entries = [
        new(f"i{number:03}", row, *"ab"[: 1 + number % 2], attributes=attributes)
        for number, (row, attributes) in enumerate(zip(rows, sets, strict=True))
    ]
    await put_all(store, entries)
    return store, entries


def examples(count: int) -> list[dict[str, AttributeValue]]:
    """Sets of attributes, always the same."""
    found: list[dict[str, AttributeValue]] = []

    @settings(max_examples=count, derandomize=True, database=None)
    @given(attribute_sets)
    def collect(attributes: dict[str, AttributeValue]) -> None:
        found.append(attributes)

    collect()
    return found


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=filter_documents, labels=st.sampled_from([(), ("a",), ("b",), ("a", "b")]), exact=st.booleans())
async def test_any_filter_finds_what_it_means(
    varied: tuple[ClosableStore, list[NewEntry]], document: Any, labels: tuple[str, ...], *, exact: bool
) -> None:
    store, entries = varied
    wanted = parse_filter(document, DECLARED)
    expected = {
        new.entry.image_id
        for new in entries
        if matches(wanted, new.entry.attributes) and (not labels or {*labels} & {*new.entry.label_ids})
    }
    found = await filtered(store, document, NORTH, 100, *labels, exact=exact)
    assert expected == set(found)
    assert len(expected) == len(found)


async def test_under_a_filter_the_nearest_come_first(store: ClosableStore) -> None:
    rows = random_vectors(200, seed=3)
    entries = [new(f"i{number:03}", row, attributes={"price": number}) for number, row in enumerate(rows)]
    await put_all(store, entries)
    scores = np.array([each.features for each in entries[:50]], np.float32) @ NORTH
    expected = [f"i{number:03}" for number in np.argsort(-scores)[:10].tolist()]
    assert expected == await filtered(store, {"lt": {"price": 50}}, NORTH, 10, exact=True)
