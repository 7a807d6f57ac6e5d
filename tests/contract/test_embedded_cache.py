import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.errors import DataFolderError
from app.domain.records import Query
from app.domain.spaces import Space
from tests.contract.large import (
    LARGE_COUNT,
    LARGE_SPACE,
    assert_complete,
    assert_right,
    clustered,
    copied,
    everything,
    large_entries,
    opened,
    recall,
    under,
)
from tests.contract.stores import new

BASE = large_entries(LARGE_COUNT)
MORE = large_entries(700, start=LARGE_COUNT, seed=2)
FILES = ["saved.json", "seqs-*.npy", "codes-*.faiss", "vectors-*.f16"]


def the_file(folder: Path, pattern: str) -> Path:
    (path,) = (folder / "cache").glob(pattern)
    return path


def emptied(data: bytes) -> bytes:
    return data[:0]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def of_noise(data: bytes) -> bytes:
    return np.random.default_rng(1).bytes(len(data))


def with_a_lost_end(data: bytes) -> bytes:
    """The second half zeros, as blocks are that never reached the disk."""
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)


async def test_a_store_that_is_opened_again_uses_what_it_saved(large: Path, tmp_path: Path) -> None:
    folder = copied(large, tmp_path / "store")
    before = the_file(folder, "vectors-*").stat().st_ino
    async with opened(folder) as store:
        assert LARGE_COUNT == store._changing.live.cache._saved_rows
        await assert_complete(store, BASE)
    assert before == the_file(folder, "vectors-*").stat().st_ino


async def test_without_the_cache_the_answers_are_the_same(large: Path, tmp_path: Path) -> None:
    folder = copied(large, tmp_path / "store")
    shutil.rmtree(folder / "cache")
    async with opened(folder) as store:
        await assert_complete(store, BASE)


@pytest.mark.parametrize("pattern", FILES)
async def test_without_one_file_of_the_cache_the_answers_are_the_same(
    large: Path, tmp_path: Path, pattern: str
) -> None:
    folder = copied(large, tmp_path / "store")
    the_file(folder, pattern).unlink()
    async with opened(folder) as store:
        await assert_right(store, BASE)


@pytest.mark.parametrize("pattern", FILES)
@pytest.mark.parametrize("damaged", [emptied, cut, of_noise, with_a_lost_end])
async def test_with_a_damaged_file_of_the_cache_the_answers_are_the_same(
    large: Path, tmp_path: Path, pattern: str, damaged: Callable[[bytes], bytes]
) -> None:
    folder = copied(large, tmp_path / "store")
    path = the_file(folder, pattern)
    path.write_bytes(damaged(path.read_bytes()))
    async with opened(folder) as store:
        await assert_right(store, BASE)
        await store.put(MORE[:1])
        assert len(BASE) + 1 == len(await everything(store))


@pytest.mark.parametrize("words", ["[]", "null", "{}", "7", '{"token": [], "fingerprint": null}', "\ufeff{}"])
async def test_whatever_the_saved_words_are_the_store_opens(tmp_path: Path, words: str) -> None:
    folder = tmp_path / "store"
    async with opened(folder) as store:
        await store.put(BASE[:60])
    the_file(folder, "saved.json").write_text(words, "utf-8")
    async with opened(folder) as store:
        await assert_complete(store, BASE[:60])


async def test_the_cache_of_a_later_moment_does_not_serve_an_older_copy(large: Path, tmp_path: Path) -> None:
    older, later = copied(large, tmp_path / "older"), copied(large, tmp_path / "later")
    async with opened(later) as store:
        await store.drop_label("few")
        await store.put(large_entries(LARGE_COUNT, seed=4))
    shutil.rmtree(older / "cache")
    shutil.copytree(later / "cache", older / "cache")
    async with opened(older) as store:
        await assert_complete(store, BASE)


async def test_the_cache_of_an_older_copy_serves_a_later_moment(large: Path, tmp_path: Path) -> None:
    folder = copied(large, tmp_path / "store")
    async with opened(folder) as store:
        await store.put(MORE)
    shutil.rmtree(folder / "cache")
    shutil.copytree(large / "cache", folder / "cache")
    async with opened(folder) as store:
        await assert_complete(store, [*BASE, *MORE])


async def test_the_cache_of_another_history_of_the_same_copy_is_not_mistaken(large: Path, tmp_path: Path) -> None:
    one, other = copied(large, tmp_path / "one"), copied(large, tmp_path / "other")
    rivals = large_entries(700, start=LARGE_COUNT, seed=3)
    async with opened(one) as store:
        await store.put(MORE)
        killed = copied(one, tmp_path / "killed")
    async with opened(other) as store:
        await store.put(rivals)
    for cache in (killed / "cache", one / "cache"):
        shutil.rmtree(other / "cache")
        shutil.copytree(cache, other / "cache")
        async with opened(other) as store:
            await assert_complete(store, [*BASE, *rivals])


async def test_a_store_that_was_killed_after_clearing_rows_away_is_right(large: Path, tmp_path: Path) -> None:
    folder, killed = copied(large, tmp_path / "store"), tmp_path / "killed"
    kept = [each for each in BASE if "most" not in each.entry.label_ids]
    elsewhere = clustered(1, seed=8)[0]
    async with opened(folder) as store:
        await store.put([new(each.entry.image_id, elsewhere, "gone") for each in under(BASE, "most")])
        await store.drop_label("gone")
        assert len(kept) == len(store._changing.live.cache.snapshot.seqs)
        copied(folder, killed)
    for _ in range(2):
        async with opened(killed) as store:
            assert sorted(each.entry.image_id for each in kept) == await everything(store)
            assert await recall(store, kept, label_id="all", exact=False) == 1


async def test_entries_that_moved_or_went_one_by_one_have_done_so_after_a_kill_too(large: Path, tmp_path: Path) -> None:
    folder, killed = copied(large, tmp_path / "store"), tmp_path / "killed"
    ids = [each.entry.image_id for each in BASE]
    few = [each.entry.image_id for each in under(BASE, "few")]
    async with opened(folder) as store:
        for batch in (ids[1000:1500], ids[3500:1200:-1]):
            await store.add_label(batch, "more")
        assert not await store.take_out(few[::-2], "few")
        await store.take_out(ids[2000:3000], "more")
        await store.delete(ids[1501])
        expected = [ids[1000:1501] + ids[1502:2000] + ids[3000:3501], few[1::2], ids[:1501] + ids[1502:]]
        assert expected == [await everything(store, each) for each in ("more", "few", "all")]
        copied(folder, killed)
    for place in (folder, killed):
        async with opened(place) as store:
            await store.put(BASE[1501:1502])
            assert expected == [await everything(store, each) for each in ("more", "few", "all")]
            counts = await store.counts()
            assert [len(each) for each in expected] == [counts[each] for each in ("more", "few", "all")]


async def test_a_folder_of_the_version_before_deletions_and_counts_opens_and_works(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    async with opened(folder) as store:
        await store.put(BASE[:60])
    with closing(sqlite3.connect(folder / "store.sqlite3")) as db:
        db.executescript(
            "DROP TRIGGER label_grows; DROP TRIGGER label_shrinks; DROP TABLE label_sizes; DROP TABLE deletions"
        )
    for opening in range(3):
        async with opened(folder) as store:
            ids = [f"i{number:06}" for number in range(opening, 60)]
            assert ids == await everything(store) == [member.image_id for member in await store.members("all", "", 99)]
            assert {"all": len(ids), "few": 3 - bool(opening), "most": 42 - opening} == await store.counts()
            assert await store.delete(ids[0])
            await store.put(BASE[:60])


async def test_a_saved_cache_of_another_space_is_not_used(large: Path, tmp_path: Path) -> None:
    folder = copied(large, tmp_path / "store")
    store = await EmbeddedStore.open(folder, Space("raw-new", "new", LARGE_SPACE.dimensions), readers=1)
    assert not await store.search(Query(clustered(1, seed=5)[0], 10))
    await store.close()
    async with opened(folder) as again:
        await assert_right(again, BASE)


async def test_a_database_that_is_none_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite3").write_bytes(b"This is no database. " * 100)
    with pytest.raises(DataFolderError, match=r"store\.sqlite3"):
        await EmbeddedStore.open(tmp_path, LARGE_SPACE, readers=1)
