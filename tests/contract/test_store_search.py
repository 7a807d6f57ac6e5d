import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.stores import (
    FLOAT16_TOLERANCE,
    ClosableStore,
    Floats,
    Home,
    Place,
    assert_nearest,
    brute_force,
    found,
    fresh_store,
    image_ids,
    label_sets,
    many,
    new,
    plain_vectors,
    put_all,
    query,
    random_vectors,
    unit_vector,
)

NORTH, EAST, SOUTH = unit_vector(1), unit_vector(0, 1), unit_vector(-1)
NORTH_EAST = unit_vector(1, 1)
SEARCHERS = 2
"""Enough to meet every moment of a change; more take the processor from it."""


async def test_an_empty_store_finds_nothing(store: ClosableStore) -> None:
    assert not await store.search(query(NORTH))
    assert not await store.search(query(NORTH, 10, "shoes", exact=True))


async def test_hits_come_by_falling_score(store: ClosableStore) -> None:
    await put_all(store, [new("far", SOUTH), new("near", NORTH), new("aside", EAST), new("between", NORTH_EAST)])
    hits = await store.search(query(NORTH))
    expected = [("near", 1.0), ("between", 0.5**0.5), ("aside", 0.0), ("far", -1.0)]
    assert [image_id for image_id, _ in expected] == image_ids(hits)
    assert [score for _, score in expected] == pytest.approx([hit.score for hit in hits], abs=1e-3)


async def test_hits_of_one_score_come_by_image_id(store: ClosableStore) -> None:
    names = [f"{letter}{number:02}" for letter in "zAa" for number in range(15)]
    shuffled = np.random.default_rng(3).permutation(names).tolist()
    await put_all(store, [new(name, NORTH_EAST) for name in shuffled[:20]])
    await put_all(store, [new("first", NORTH)])
    await put_all(store, [new(name, NORTH_EAST) for name in shuffled[20:]])
    assert ["first", *sorted(names)] == await found(store, NORTH, 100)
    assert ["first", *sorted(names)[:6]] == await found(store, NORTH, 7)
    assert sorted(names)[:3] == await found(store, EAST, 3)


async def test_the_same_search_twice_has_the_same_answer(store: ClosableStore) -> None:
    await put_all(store, many(random_vectors(50)))
    assert await store.search(query(NORTH)) == await store.search(query(NORTH))


async def test_the_score_is_the_cosine_with_the_kept_float16_vector(store: ClosableStore) -> None:
    entries = many(random_vectors(50))
    await put_all(store, entries)
    vector = random_vectors(1, seed=2)[0]
    scores = {hit.entry.image_id: hit.score for hit in await store.search(query(vector, 50))}
    assert dict(brute_force(entries, vector, 50)) == pytest.approx(scores, abs=FLOAT16_TOLERANCE)


async def test_a_score_is_never_outside_minus_one_to_one(store: ClosableStore) -> None:
    vectors = random_vectors(100)
    await put_all(store, many(vectors) + many(-vectors, start=100))
    for vector in vectors[:20]:
        scores = [hit.score for hit in await store.search(query(vector, 200))]
        assert max(scores) <= 1
        assert min(scores) >= -1
        assert abs(1 - scores[0]) < 1e-3


@pytest.mark.parametrize("exact", [False, True])
async def test_more_hits_than_entries_are_all_entries(store: ClosableStore, *, exact: bool) -> None:
    await put_all(store, many(random_vectors(7)))
    expected = 7
    assert expected == len(await found(store, NORTH, 100, exact=exact))
    assert expected == len(set(await found(store, NORTH, 100, "shoes", exact=exact)))


async def test_a_label_narrows_the_search_before_it_runs(store: ClosableStore) -> None:
    await put_all(store, [*many(np.tile(NORTH, (300, 1)), "shoes"), new("hat", SOUTH, "hats")])
    expected = ["hat"]
    assert expected == await found(store, NORTH, 10, "hats")
    assert expected == await found(store, NORTH, 1, "hats", exact=True)


async def test_several_labels_are_searched_together_and_an_entry_under_both_is_found_once(
    store: ClosableStore,
) -> None:
    await put_all(
        store,
        [
            new("both", NORTH, "hats", "shoes"),
            new("hat", NORTH_EAST, "hats"),
            new("shoe", EAST, "shoes"),
            new("bag", NORTH, "bags"),
        ],
    )
    expected = ["both", "hat", "shoe"]
    assert expected == await found(store, NORTH, 10, "hats", "shoes")
    assert expected == await found(store, NORTH, 10, "shoes", "hats", "unknown")
    assert expected[:2] == await found(store, NORTH, 10, "hats")


async def test_under_an_unknown_label_nothing_is_found(store: ClosableStore) -> None:
    await put_all(store, [new("a", NORTH, "shoes")])
    assert not await found(store, NORTH, 10, "unknown")
    assert not await found(store, NORTH, 10, "shoe")


async def test_a_hit_shows_the_entry_with_all_its_labels(store: ClosableStore) -> None:
    put = new("a", NORTH, "hats", "shoes", title="both")
    await put_all(store, [put])
    (hit,) = await store.search(query(NORTH, 10, "shoes"))
    assert put.entry == hit.entry


async def test_a_search_that_starts_after_a_put_returned_sees_it(store: ClosableStore) -> None:
    for number, vector in enumerate(random_vectors(40)):
        await put_all(store, [new(f"i{number}", vector)])
        expected = [f"i{number}"]
        assert expected == await found(store, vector, 1)


async def hits_meanwhile(store: ClosableStore, changing: Coroutine[Any, Any, None], k: int) -> list[int]:
    """How many hits each of many searches had while something went on."""
    counts: list[int] = []
    task = asyncio.create_task(changing)

    async def search() -> None:
        while not task.done():
            counts.append(len(set(await found(store, NORTH, k))))

    await asyncio.gather(task, *(search() for _ in range(SEARCHERS)))
    assert len(counts) > 50
    return counts


async def test_searches_while_an_entry_is_replaced_always_find_it_once(store: ClosableStore, home: Home) -> None:
    await put_all(store, [new("a", NORTH)])

    async def replace_often() -> None:
        for number in range(30 if home.url else 60):
            await put_all(store, [new("a", NORTH, title=str(number))])

    assert {1} >= {*await hits_meanwhile(store, replace_often(), 10)}


async def drop_all(store: ClosableStore, image_ids: Sequence[str]) -> None:
    assert len(image_ids) == len(await store.drop_label("passing"))


async def take_all_out(store: ClosableStore, image_ids: Sequence[str]) -> None:
    assert len(image_ids) == len(await store.take_out(image_ids, "passing"))


@pytest.mark.parametrize("leave", [drop_all, take_all_out])
async def test_searches_while_entries_leave_a_label_have_as_many_hits_as_asked_for(
    store: ClosableStore, leave: Callable[[ClosableStore, Sequence[str]], Coroutine[Any, Any, None]]
) -> None:
    directions = [*np.eye(8, dtype=np.float32), *-np.eye(8, dtype=np.float32)]
    passing = [new(f"x{number}", directions[number % 16], "passing") for number in range(480)]
    await put_all(store, many(random_vectors(20), "staying"))

    async def hits_soon(turn: int, vector: Floats) -> int:
        await asyncio.sleep(0.0005 * turn)
        return len(await found(store, vector, 20))

    for _ in range(12):
        await put_all(store, passing)
        searches = [hits_soon(turn, vector) for turn, vector in enumerate(directions)]
        _, *counts = await asyncio.gather(leave(store, [each.entry.image_id for each in passing]), *searches)
        assert {20} == {*counts}


async def test_searches_while_entries_are_deleted_have_as_many_hits_as_asked_for(
    store: ClosableStore, home: Home
) -> None:
    await put_all(store, many(random_vectors(120)))

    async def delete_the_nearest() -> None:
        for image_id in await found(store, NORTH, 30 if home.url else 80):
            await store.delete(image_id)
            assert image_id not in await found(store, NORTH, 20)

    assert {20} == {*await hits_meanwhile(store, delete_the_nearest(), 20)}


async def test_what_is_left_is_found_among_many_alike_that_were_deleted(store: ClosableStore) -> None:
    """A graph over vectors has parts then that no way leads to."""
    directions = [*np.eye(8, dtype=np.float32), *-np.eye(8, dtype=np.float32)]
    for _ in range(3):
        await put_all(store, [new(f"x{number}", directions[number % 16], "passing") for number in range(480)])
        await store.drop_label("passing")
    await put_all(store, many(random_vectors(120)))
    for image_id in await found(store, NORTH, 40):
        await store.delete(image_id)
        assert 20 == len(await found(store, NORTH, 20))
    await put_all(store, many(random_vectors(5), "few", start=900))
    assert 5 == len(await found(store, NORTH, 20, "few"))


async def test_a_search_sees_all_of_a_put_or_nothing_where_the_store_is_embedded(tmp_path: Path) -> None:
    store = await Place(Home("embedded"), tmp_path).open()
    counts: list[int] = []

    async def put_fives() -> None:
        for start in range(0, 150, 5):
            await put_all(store, many(random_vectors(5, seed=start), start=start))

    writing = asyncio.create_task(put_fives())
    while not writing.done():
        counts.append(len(await found(store, NORTH, 200)))
    await writing
    await store.close()
    assert counts == sorted(counts)
    assert not [count for count in counts if count % 5]


async def test_many_searches_at_once_have_their_own_answers(store: ClosableStore) -> None:
    vectors = random_vectors(64)
    await put_all(store, many(vectors))
    answers = await asyncio.gather(*(found(store, vector, 1) for vector in vectors))
    assert [[f"i{number:05}"] for number in range(64)] == answers


@settings(max_examples=25)
@given(
    rows=st.lists(st.tuples(plain_vectors(), label_sets), min_size=1, max_size=25),
    vector=plain_vectors(),
    k=st.integers(1, 30),
    labels=st.none() | label_sets,
    exact=st.booleans(),
)
async def test_any_search_has_the_answer_of_comparing_every_entry(
    home: Home, rows: list[tuple[Floats, set[str]]], vector: Floats, k: int, labels: set[str] | None, *, exact: bool
) -> None:
    entries = [new(f"{number * 7 % 26:02}", row, *sorted(under)) for number, (row, under) in enumerate(rows)]
    wanted = [each for each in entries if labels is None or labels & set(each.entry.label_ids)]
    async with fresh_store(home) as store:
        await put_all(store, entries)
        hits = await store.search(query(vector, k, *(labels or ()), exact=exact))
    assert brute_force(wanted, vector, k) == [(hit.entry.image_id, hit.score) for hit in hits]


@pytest.mark.parametrize("seed", range(5))
async def test_an_exact_search_finds_the_true_nearest(store: ClosableStore, seed: int) -> None:
    entries = many(random_vectors(400, seed=seed))
    await put_all(store, entries)
    vector = random_vectors(1, seed=100 + seed)[0]
    assert_nearest(await store.search(query(vector, 30, exact=True)), entries, vector, 30)
