"""The embedded store's filters beside changes, over many entries, and after whatever history."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.attributes import AttributeType, AttributeValue
from app.domain.filters import Comparison, Exists, Filter, parse_filter
from app.domain.records import Description, NewEntry, Query
from tests.contract.large import LARGE_COUNT, clustered, large_entries, near_enough
from tests.contract.stores import SPACE, Floats, image_ids, new, plain_vectors, unit_vector
from tests.fakes import FakeStore
from tests.unit.domain.filter_samples import DECLARED, attribute_sets, filter_documents

NORTH = unit_vector(1)
IDS = st.sampled_from([f"i{number}" for number in range(6)])
entries = st.builds(
    lambda image_id, vector, label_id, attributes: new(image_id, vector, label_id, attributes=attributes),
    IDS,
    plain_vectors(),
    st.sampled_from("ab"),
    attribute_sets,
)
puts = st.lists(entries, min_size=1, max_size=5, unique_by=lambda each: each.entry.image_id)
sayings = st.dictionaries(IDS, attribute_sets, max_size=3)
histories = st.lists(puts | sayings | IDS | st.sampled_from("ab") | st.none(), min_size=1, max_size=12)


@settings(max_examples=60)
@given(history=histories, documents=st.lists(filter_documents, min_size=1, max_size=3), vector=plain_vectors())
async def test_after_any_history_a_filter_finds_what_brute_force_would(
    history: list[Any], documents: list[Any], vector: Floats
) -> None:
    queries = [Query(vector, k, filter=parse_filter(document, DECLARED)) for document in documents for k in (3, 9)]
    with tempfile.TemporaryDirectory() as folder:
        fake, real = FakeStore(SPACE), await opened(folder)
        try:
            for step in history:
                if step is None:
                    await real.close()
                    real = await opened(folder)
                else:
                    await asyncio.gather(change(real, step), change(fake, step))
                for query in queries:
                    assert await fake.search(query) == await real.search(query)
        finally:
            await real.close()


async def opened(folder: str) -> EmbeddedStore:
    return await EmbeddedStore.open(Path(folder), SPACE, readers=2)


async def change(store: Any, step: Any) -> None:
    match step:
        case list():
            await store.put(step)
        case dict():
            await store.describe({key: Description(key, None, attributes) for key, attributes in step.items()})
        case "a" | "b":
            await store.drop_label(step)
        case image_id:
            await store.delete(image_id)


@pytest.fixture
async def small(tmp_path: Path) -> Any:
    store = await EmbeddedStore.open(tmp_path / "store", SPACE, readers=2)
    yield store
    await store.close()


async def test_beside_replacements_a_filter_always_finds_an_entry_once(small: EmbeddedStore) -> None:
    names = [f"a{number}" for number in range(200)]
    attributes: dict[str, AttributeValue] = dict.fromkeys(names, 1.0)
    entry = new("a", NORTH, attributes=attributes)
    await small.put([entry, *(new(f"b{number}", NORTH) for number in range(50))])

    async def replace_often() -> None:
        for number in range(60):
            await small.put([NewEntry(replace(entry.entry, title=str(number)), entry.features)])

    replacing = asyncio.create_task(replace_often())
    counts: list[int] = []

    async def search(start: int) -> None:
        for name in names[start::4]:
            # An attribute that no filter looked at before: it is read in the middle of the changes.
            counts.append(len(await small.search(Query(NORTH, 10, filter=Exists(name)))))
            wanted = Comparison(name, AttributeType.NUMBER, "lte", 1.0)
            counts.append(len(await small.search(Query(NORTH, 10, filter=wanted))))

    await asyncio.gather(replacing, *(search(start) for start in range(4)))
    assert [1] * 400 == counts


async def test_beside_descriptions_no_older_value_is_found_after_a_newer_one(small: EmbeddedStore) -> None:
    await small.put([new("a", NORTH, attributes={"turn": 0.0})])
    said = 0

    async def describe() -> None:
        nonlocal said
        for number in range(1, 60):
            await small.describe({"a": Description("a", None, {"turn": float(number)})})
            said = number

    describing = asyncio.create_task(describe())

    async def search() -> None:
        while not describing.done():
            before = float(said)
            wanted = Comparison("turn", AttributeType.NUMBER, "gte", before)
            assert ["a"] == image_ids(await small.search(Query(NORTH, 10, filter=wanted)))

    await asyncio.gather(describing, *(search() for _ in range(4)))
    assert 59 == said


async def test_more_descriptions_than_are_remembered_are_seen_all_the_same(small: EmbeddedStore) -> None:
    count = 10_500
    vectors = np.tile(NORTH, (count, 1))
    await small.put([new(f"i{number:05}", vector) for number, vector in enumerate(vectors)])
    wanted = Comparison("turn", AttributeType.NUMBER, "eq", 1.0)
    assert not await small.search(Query(NORTH, 10, filter=wanted))
    for start in range(0, count, 3500):
        said = {f"i{number:05}": Description("p", None, {"turn": 1.0}) for number in range(start, start + 3500)}
        await small.describe(said)
    assert count == len(await small.search(Query(NORTH, count + 1, filter=wanted)))


async def test_an_entry_that_is_replaced_again_and_again_leaves_nothing_behind(small: EmbeddedStore) -> None:
    wanted = Comparison("turn", AttributeType.NUMBER, "gte", 0.0)
    for turn in range(60):
        put = [new(f"i{number:03}", NORTH, attributes={"turn": float(turn)}) for number in range(100)]
        await small.put(put)
        assert 100 == len(await small.search(Query(NORTH, 200, filter=wanted)))
    assert len(small._changing.live.searching._filtering._seqs) < 6000


def numbered(entries: list[NewEntry]) -> list[NewEntry]:
    return [
        replace(each, entry=replace(each.entry, attributes={"number": float(number), "even": number % 2 == 0}))
        for number, each in enumerate(entries)
    ]


@pytest.fixture
async def large(large_store: EmbeddedStore) -> tuple[EmbeddedStore, list[NewEntry]]:
    """Enough entries for codes, each with its number and whether that is even."""
    entries = numbered(large_entries(LARGE_COUNT))
    said = {each.entry.image_id: Description("p", None, each.entry.attributes) for each in entries}
    await large_store.describe(said)
    return large_store, entries


FEW = Comparison("number", AttributeType.NUMBER, "lt", 300.0)
MANY = Comparison("number", AttributeType.NUMBER, "gte", 1000.0)
ALL = Exists("number")


@pytest.mark.parametrize(("wanted", "count"), [(FEW, 300), (MANY, LARGE_COUNT - 1000), (ALL, LARGE_COUNT)])
@pytest.mark.parametrize("label_id", [None, "most"])
async def test_over_many_entries_a_filter_narrows_before_the_search(
    large: tuple[EmbeddedStore, list[NewEntry]], wanted: Filter, count: int, label_id: str | None
) -> None:
    store, entries = large
    left = [each for number, each in enumerate(entries) if LARGE_COUNT - count <= number or wanted is FEW]
    left = [each for each in left[:count] if label_id is None or label_id in each.entry.label_ids]
    labels = frozenset([label_id]) if label_id else None
    vectors = clustered(6, seed=99)
    for exact, least in ((True, 60), (False, 57)):
        answers = [image_ids(await store.search(Query(vector, 10, labels, exact, wanted))) for vector in vectors]
        met = sum(len(ids & {*answer}) for ids, answer in zip(near_enough(left, vectors), answers, strict=True))
        assert met >= least
        assert {10} == {len(answer) for answer in answers}
        assert {each.entry.image_id for each in left} >= {one for answer in answers for one in answer}
