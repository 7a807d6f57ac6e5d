"""Read once, and again when a file changed; a kill or a failure leaves the old catalogue or none."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from app.adapters.catalogs.files import FileCatalogue
from app.adapters.catalogs.source_files import Source, SourceFiles
from app.domain.errors import CatalogueError
from tests.unit.adapters.catalogues import counts_of, ids_of, images_of, reading, report_of, write

TABLE = "label_id,image_id,url\nx,1,http://a.example/1\n"


async def read_at(folder: Path) -> datetime | None:
    async with reading(folder) as catalogue:
        return (await report_of(catalogue)).read_at


def cached(folder: Path) -> list[Path]:
    return sorted((folder.parent / "cache").iterdir())


async def test_a_second_start_does_not_read_again(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE})
    first = await read_at(folder)
    (cache,) = cached(folder)
    before = cache.stat()
    assert first == await read_at(folder)
    after = cache.stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


async def test_a_file_that_was_only_touched_or_copied_is_not_read_again(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE})
    first = await read_at(folder)
    os.utime(folder / "t.csv", ns=(1, 1))
    assert first == await read_at(folder)
    (folder / "copy").write_bytes((folder / "t.csv").read_bytes())
    (folder / "copy").replace(folder / "t.csv")
    assert first == await read_at(folder)
    (cache,) = cached(folder)
    kept = cache.stat().st_mtime_ns
    assert first == await read_at(folder)
    assert kept == cache.stat().st_mtime_ns  # the new stat was written down: nothing is left to look into


def changed(folder: Path) -> None:
    (folder / "t.csv").write_text(TABLE + "y,2,http://a.example/2\n")


def changed_in_place(folder: Path) -> None:
    (folder / "t.csv").write_text(TABLE.replace("x,1", "y,1"))
    os.utime(folder / "t.csv", ns=(1, 1))


def added(folder: Path) -> None:
    (folder / "u.csv").write_text("label_id,image_id,url\ny,2,http://a.example/2\n")


def renamed(folder: Path) -> None:
    (folder / "t.csv").rename(folder / "other.csv")


def declared(folder: Path) -> None:
    (folder / "t.toml").write_text('[attributes]\ncolour = "string"\n')


BOTH = {"x": 1, "y": 1}


@pytest.mark.parametrize(
    ("change", "expected"),
    [(changed, BOTH), (changed_in_place, {"y": 1}), (added, BOTH), (renamed, {"x": 1}), (declared, {"x": 1})],
)
@pytest.mark.parametrize("restarted", [False, True])
async def test_whatever_changed_is_read_before_the_next_call_is_answered(
    tmp_path: Path, change: Callable[[Path], None], expected: dict[str, int], *, restarted: bool
) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE})
    async with reading(folder) as catalogue:
        assert {"x": 1} == await counts_of(catalogue)
        first = (await report_of(catalogue)).read_at
        change(folder)
        if not restarted:
            assert first != (await report_of(catalogue)).read_at
    if restarted:
        assert first != await read_at(folder)
    async with reading(folder) as catalogue:
        after = await counts_of(catalogue)
    assert expected == after


async def test_a_file_that_is_gone_or_broken_is_said_until_it_is_back(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE})
    async with reading(folder, "t.csv") as catalogue:
        await catalogue.labels()
        (folder / "t.csv").unlink()
        with pytest.raises(CatalogueError, match=r"^The catalogue's file t\.csv cannot be read"):
            await catalogue.labels()
        (folder / "t.csv").write_text('label_id,url\nx,"http')
        calls = [catalogue.label("x"), catalogue.hosts("x", 5), catalogue.reports(), images_of(catalogue, "x")]
        for call in [*calls, catalogue.bad_records("shop", 0, 10)]:
            with pytest.raises(CatalogueError, match=r"^t\.csv is no complete CSV"):
                await call
        (folder / "t.csv").write_text(TABLE)
        assert {"x": 1} == await counts_of(catalogue)


async def test_a_broken_file_leaves_nothing_aside(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"t.json": '{"images": [{"id": 1, "url": "u", "class": 1}'})
    async with reading(folder) as catalogue:
        with pytest.raises(CatalogueError):
            await catalogue.labels()
    assert [] == cached(folder)


async def test_what_a_kill_left_aside_is_ignored_and_cleaned(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE})
    first = await read_at(folder)
    (cache,) = cached(folder)
    aside = cache.with_suffix(".building")
    aside.write_bytes(b"half of a catalogue")
    assert first == await read_at(folder)
    assert [cache] == cached(folder)


@pytest.mark.parametrize("damage", [b"", b"no database" * 1_000])
async def test_a_damaged_catalogue_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE})
    await read_at(folder)
    (cache,) = cached(folder)
    cache.write_bytes(damage)
    async with reading(folder) as catalogue:
        assert ["1"] == await ids_of(catalogue, "x")


async def test_images_that_are_being_walked_are_those_of_one_reading(tmp_path: Path) -> None:
    def rows(word: str) -> str:
        return "label_id,image_id,url\n" + "".join(f"x,{word}{one},http://a.example/{one}\n" for one in range(600))

    folder = write(tmp_path / "data", {"t.csv": rows("a")})
    async with reading(folder) as catalogue:
        blocks = catalogue.images("x")
        ids = [image.image_id for image in await anext(blocks)]
        (folder / "t.csv").write_text(rows("b"))
        assert "b0" == (await ids_of(catalogue, "x"))[0]
        ids += [image.image_id async for block in blocks for image in block]
    assert [f"a{one}" for one in range(600)] == ids


async def test_a_walk_may_be_left(tmp_path: Path) -> None:
    rows = "label_id,url\n" + "".join(f"x,http://a.example/{one}\n" for one in range(600))
    async with reading(write(tmp_path / "data", {"t.csv": rows})) as catalogue:
        blocks = catalogue.images("x")
        await anext(blocks)
        await blocks.aclose()
        assert 600 == len(await ids_of(catalogue, "x"))
        assert not await ids_of(catalogue, "unknown")
        assert not await catalogue.hosts("unknown", 5)
        assert await catalogue.label("unknown") is None


@asynccontextmanager
async def piped(folder: Path) -> AsyncIterator[tuple[FileCatalogue, threading.Event]]:
    """A catalogue whose file is served through the look of its stamp: reading begins, and waits until it may go on."""
    may_go_on = threading.Event()

    class Waiting(SourceFiles):
        def sources(self) -> list[Source]:
            may_go_on.wait(timeout=10)
            return super().sources()

    catalogue = FileCatalogue(Waiting(folder), folder.parent / "cache", name="shop")
    catalogue.start()
    try:
        yield catalogue, may_go_on
    finally:
        may_go_on.set()
        await catalogue.close()


async def test_calls_wait_for_the_reading_and_giving_up_does_not_stop_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE})
    async with piped(folder) as (catalogue, may_go_on):
        calls = [asyncio.create_task(counts_of(catalogue)) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert not any(call.done() for call in calls)
        calls[0].cancel()
        may_go_on.set()
        assert [{"x": 1}] * 2 == await asyncio.gather(*calls[1:])
        assert calls[0].cancelled()


async def test_closing_ends_a_reading_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE})
    async with piped(folder) as (catalogue, may_go_on):
        call = asyncio.create_task(counts_of(catalogue))
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(catalogue.close())
        await asyncio.sleep(0.05)
        may_go_on.set()
        await closing
        with pytest.raises(CatalogueError, match="closing"):
            await call
        with pytest.raises(CatalogueError, match="closing"):
            await catalogue.labels()
    assert [] == cached(folder)
