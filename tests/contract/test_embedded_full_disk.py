import resource
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.errors import StoreUnavailableError
from app.domain.records import Query
from tests.contract.large import (
    LARGE_COUNT,
    LARGE_SPACE,
    assert_complete,
    clustered,
    copied,
    everything,
    large_entries,
    opened,
)

BASE = large_entries(LARGE_COUNT)
MORE = large_entries(40, start=LARGE_COUNT, seed=2)


@contextmanager
def files_of_at_most(max_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond: to those who write it, a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_when_the_vectors_have_no_room_the_put_fails_and_works_later(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as store:
        with files_of_at_most(400_000), pytest.raises(StoreUnavailableError):
            await store.put(MORE)
        await store.put(MORE)
        await assert_complete(store, MORE)
        await store.drop_label("most")


async def test_while_there_is_no_room_every_put_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as store:
        with files_of_at_most(400_000):
            for start in range(0, 30, 10):
                with pytest.raises(StoreUnavailableError):
                    await store.put(MORE[start : start + 10])
        await store.put(MORE)
        await assert_complete(store, MORE)


async def test_when_the_database_has_no_room_nothing_of_the_put_is_there(large: Path, tmp_path: Path) -> None:
    async with opened(copied(large, tmp_path / "store")) as store:
        with files_of_at_most(200_000):
            with pytest.raises(StoreUnavailableError):
                await store.put(large_entries(2000, start=LARGE_COUNT, seed=2))
            assert await store.entry(MORE[0].entry.image_id) is None
            assert await store.search(Query(clustered(1, seed=5)[0], 10))
        await assert_complete(store, BASE)
        await store.put(MORE)
        await assert_complete(store, [*BASE, *MORE])


async def take_some_out(store: EmbeddedStore) -> None:
    assert len(BASE[:20]) == len(await store.take_out([each.entry.image_id for each in BASE[:20]], "only"))


async def drop(store: EmbeddedStore) -> None:
    assert len(BASE[:20]) == len(await store.drop_label("only"))


async def delete_them(store: EmbeddedStore) -> None:
    for each in BASE[:20]:
        assert await store.delete(each.entry.image_id)


@pytest.mark.parametrize("remove", [take_some_out, drop, delete_them])
async def test_when_there_is_no_room_nothing_is_removed_and_the_same_call_works_later(
    large: Path, tmp_path: Path, remove: Callable[[EmbeddedStore], Awaitable[None]]
) -> None:
    async with opened(copied(large, tmp_path / "store")) as store:
        only = [replace(each, entry=replace(each.entry, label_ids=("only",))) for each in BASE[:20]]
        await store.put(only)
        with files_of_at_most(4096), pytest.raises(StoreUnavailableError):
            await remove(store)
        assert [each.entry.image_id for each in only] == await everything(store, "only")
        await remove(store)
        assert not await everything(store, "only")
        await assert_complete(store, BASE[20:])


async def test_after_a_put_that_had_no_room_another_one_finds_everything_that_is_there(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as store:
        with files_of_at_most(400_000), pytest.raises(StoreUnavailableError):
            await store.put(MORE[:20])
        await store.put(MORE[20:])
        there = await store.existing([each.entry.image_id for each in MORE])
        await assert_complete(store, [each for each in MORE if each.entry.image_id in there])
        assert {each.entry.image_id for each in MORE[20:]} <= there.keys()


async def test_a_store_that_could_not_save_its_cache_can_be_opened_again(large: Path, tmp_path: Path) -> None:
    folder = copied(large, tmp_path / "store")
    store = await EmbeddedStore.open(folder, LARGE_SPACE, readers=1)
    await store.put(MORE)
    with files_of_at_most(20_000), suppress(StoreUnavailableError):
        await store.close()
    store._file.close()
    async with opened(folder) as again:
        await assert_complete(again, [*BASE, *MORE])
