"""What learned spaces leave in the folder of an embedded store."""

import asyncio
from pathlib import Path

from app.adapters.stores.embedded.store import EmbeddedStore
from tests.contract.spaces import found_in, in_space, learned
from tests.contract.stores import SPACE, assert_nearest, many, random_vectors

ONE, OTHER = learned("one-learned", 1), learned("other-learned", 2)
FEATURES = random_vectors(60)
ENTRIES = many(FEATURES, "all")


async def opened(folder: Path) -> EmbeddedStore:
    return await EmbeddedStore.open(folder, SPACE, readers=2)


async def test_the_caches_of_other_spaces_are_cleared_away(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.put(ENTRIES)
    for each in (ONE, OTHER):
        await store.keep_space(each)
        await store.activate(each.space.space_id)
    await store.close()
    assert ["cache-other-learned"] == await asyncio.to_thread(lambda: [path.name for path in tmp_path.glob("cache*")])


async def test_a_cache_that_a_kill_left_of_another_space_is_cleared_away_and_made_anew(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    await store.put(ENTRIES)
    await store.keep_space(ONE)
    await store.close()
    left = tmp_path / f"cache-{ONE.space.space_id}"
    await asyncio.to_thread(left.mkdir)
    await asyncio.to_thread((left / "half").write_bytes, b"a vector")
    store = await opened(tmp_path)
    assert not await asyncio.to_thread(left.exists)
    await store.activate(ONE.space.space_id)
    hits = await found_in(store, ONE.space, FEATURES[0])
    assert_nearest(hits, in_space(ONE.space, ENTRIES), ONE.space.query(FEATURES[0]), 10)
    await store.close()
