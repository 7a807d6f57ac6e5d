import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.records import NewEntry, Query
from tests.contract.large import (
    LARGE_COUNT,
    LEAST_RECALL,
    K,
    assert_complete,
    clustered,
    copied,
    large_entries,
    opened,
    recall,
    under,
)
from tests.contract.stores import FLOAT16_TOLERANCE, assert_nearest, brute_force, image_ids, new

BASE = large_entries(LARGE_COUNT)


async def test_a_small_store_compares_every_entry_and_a_large_one_has_codes(
    tmp_path: Path, large_store: EmbeddedStore
) -> None:
    async with opened(tmp_path / "small") as small:
        await small.put(BASE[:2048])
        methods = [small.method]
        await small.put(BASE[2048:2049])
        methods += [small.method, large_store.method]
    expected = ["exact", "rabitq", "rabitq"]
    assert expected == methods


@pytest.mark.parametrize("label_id", [None, "most", "few"])
async def test_a_search_by_codes_finds_nearly_all_of_the_true_nearest(
    large_store: EmbeddedStore, label_id: str | None
) -> None:
    assert await recall(large_store, BASE, label_id=label_id, exact=False) >= LEAST_RECALL
    assert len(under(BASE, "most")) > 2048 > len(under(BASE, "few"))


@pytest.mark.parametrize("label_id", [None, "most", "few"])
async def test_an_exact_search_finds_what_brute_force_finds(large_store: EmbeddedStore, label_id: str | None) -> None:
    label_ids = frozenset([label_id]) if label_id else None
    for vector in clustered(5, seed=5):
        hits = await large_store.search(Query(vector, 50, label_ids, exact=True))
        assert_nearest(hits, under(BASE, label_id), vector, 50)


async def test_the_scores_of_a_search_by_codes_are_exact_and_falling(large_store: EmbeddedStore) -> None:
    vector = clustered(1, seed=6)[0]
    hits = await large_store.search(Query(vector, 100))
    scores_of = dict(brute_force(BASE, vector, LARGE_COUNT))
    found = [hit.score for hit in hits]
    expected = [scores_of[image_id] for image_id in image_ids(hits)]
    assert expected == pytest.approx(found, abs=FLOAT16_TOLERANCE)
    assert sorted(found, reverse=True) == found
    assert len(range(100)) == len(set(image_ids(hits)))


async def test_hits_of_one_score_come_by_image_id_in_a_large_store_too(large_store: EmbeddedStore) -> None:
    vector = clustered(1, seed=7)[0]
    names = [f"{letter}{number:02}" for letter in "zAa" for number in range(15)]
    await large_store.put([new(name, vector, "all") for name in names])
    for exact in (False, True):
        assert sorted(names)[:K] == image_ids(await large_store.search(Query(vector, K, None, exact)))


async def test_rows_without_codes_are_found_with_those_that_have_them(large_store: EmbeddedStore) -> None:
    more = large_entries(900, start=LARGE_COUNT, seed=2)
    await large_store.put(more)
    snapshot = large_store._changing.live.cache.snapshot
    assert (LARGE_COUNT, LARGE_COUNT + 900) == (snapshot.coded, len(snapshot.seqs))
    await assert_complete(large_store, [*BASE, *more])


async def test_codes_are_extended_when_many_rows_are_without(large_store: EmbeddedStore) -> None:
    more = large_entries(1500, start=LARGE_COUNT, seed=2)
    for start in range(0, len(more), 300):
        await large_store.put(more[start : start + 300])
    codes = large_store._changing.live.cache.snapshot.codes
    assert codes is not None
    assert codes.count > LARGE_COUNT == codes.trained_on
    await assert_complete(large_store, [*BASE, *more])


async def test_codes_are_made_anew_when_the_store_has_grown_fourfold(tmp_path: Path) -> None:
    entries = large_entries(8400)
    async with opened(tmp_path / "growing") as store:
        for start, end in ((0, 2050), (2050, 5000), (5000, 8400)):
            await store.put(entries[start:end])
        codes = store._changing.live.cache.snapshot.codes
        assert codes is not None
        assert len(entries) == codes.trained_on
        await assert_complete(store, entries)


async def test_after_a_few_are_gone_the_others_are_found(large_store: EmbeddedStore) -> None:
    few = {each.entry.image_id for each in under(BASE, "few")}
    vector = clustered(1, seed=8)[0]
    await large_store.put([new(image_id, vector, "gone") for image_id in few])
    gone = await large_store.drop_label("gone")
    assert few == {entry.image_id for entry in gone}
    snapshot = large_store._changing.live.cache.snapshot
    assert len(snapshot.seqs) > snapshot.alive.sum()
    left = [each for each in BASE if each.entry.image_id not in few]
    hits = await large_store.search(Query(vector, 100))
    assert few.isdisjoint(image_ids(hits))
    assert await recall(large_store, left, label_id=None, exact=False) >= LEAST_RECALL
    assert await recall(large_store, left, label_id="most", exact=True) == 1


def replaced(entries: list[NewEntry], seed: int) -> list[NewEntry]:
    vectors = clustered(len(entries), seed)
    return [replace(each, features=row.astype(np.float16)) for each, row in zip(entries, vectors, strict=True)]


async def test_rows_of_replaced_entries_are_cleared_away_and_searches_stay_right(large: Path, tmp_path: Path) -> None:
    folder = copied(large, tmp_path / "store")
    again = replaced(BASE[:4200], seed=3)
    async with opened(folder) as store:
        await store.put(again)
        assert LARGE_COUNT == len(store._changing.live.cache.snapshot.seqs)
        await assert_complete(store, [*again, *BASE[4200:]])
    async with opened(folder) as store:
        await assert_complete(store, [*again, *BASE[4200:]])


async def test_searches_while_rows_come_and_go_are_full_and_without_what_is_gone(large_store: EmbeddedStore) -> None:
    vectors = clustered(12, seed=10)

    async def come_and_go() -> None:
        for turn in range(4):
            await large_store.put(replaced(BASE[turn * 1100 : (turn + 1) * 1100], seed=20 + turn))
            await large_store.put([new(f"x{number}", vectors[0], "passing") for number in range(50)])
            await large_store.drop_label("passing")
            assert not await large_store.search(Query(vectors[0], K, frozenset(["passing"])))

    changing = asyncio.create_task(come_and_go())
    searches = 0
    while not changing.done():
        hits = await large_store.search(Query(vectors[searches % len(vectors)], K))
        assert len(range(K)) == len(set(image_ids(hits)))
        searches += 1
    await changing
    assert searches > len(vectors)
