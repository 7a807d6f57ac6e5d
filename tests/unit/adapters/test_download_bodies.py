import asyncio
import gzip
import random
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from app.adapters.downloading.bodies import SMALL_BYTES
from app.adapters.downloading.downloads import WebDownloads, open_downloads
from app.domain.downloads import Fetched, NotFetched
from app.domain.errors import Reason
from tests.unit.adapters.loopback import PHOTO, QUICK, Call, fetched, pages, reply, serving, until

MAX_BYTES = 2_000_000
OPTIONS = replace(QUICK, max_bytes=MAX_BYTES, memory_bytes=2 * MAX_BYTES)
WHOLE = random.Random(1).randbytes(MAX_BYTES)
LARGE = WHOLE[: SMALL_BYTES + 1]


def chunked(body: bytes, *headers: str) -> bytes:
    pieces = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
    lines = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    return reply(200, lines, "Transfer-Encoding: chunked", *headers)


def bare(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


@pytest.fixture
async def downloads() -> AsyncIterator[WebDownloads]:
    async with open_downloads(OPTIONS) as downloads:
        yield downloads


@pytest.mark.parametrize("size", [1, 30_000, SMALL_BYTES, SMALL_BYTES + 1, MAX_BYTES])
async def test_bodies_up_to_the_limit_arrive_whole(downloads: WebDownloads, size: int) -> None:
    body = WHOLE[:size]
    async with serving(pages({"/known": reply(200, body), "/chunked": chunked(body)})) as site:
        for target in ("/known", "/chunked"):
            result = await fetched(downloads, site.url(target))
            assert isinstance(result, Fetched)
            assert body == result.data


async def test_a_body_until_the_connection_ends_arrives_whole(downloads: WebDownloads) -> None:
    async def answer(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\n\r\n" + LARGE)
        call.writer.close()

    async with serving(answer) as site:
        assert LARGE == getattr(await fetched(downloads, site.url("/a")), "data", None)


async def test_a_body_that_says_it_is_too_large_is_not_read(downloads: WebDownloads) -> None:
    async def answer(call: Call) -> None:
        await call.send(
            reply(404) if call.target == "/robots.txt" else reply(200, b"", f"Content-Length: {MAX_BYTES + 1}")
        )

    async with serving(answer) as site:
        assert NotFetched(site.url("/a"), Reason.TOO_LARGE, 1) == await fetched(downloads, site.url("/a"))


async def test_an_endless_body_is_cut_and_its_connection_closed() -> None:
    sent = 0

    async def answer(call: Call) -> None:
        nonlocal sent
        await call.send(reply(200, b"", "Transfer-Encoding: chunked"))
        while True:
            await call.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            sent += 0x10000

    async with open_downloads(replace(OPTIONS, obey_robots=False)) as downloads, serving(answer) as site:
        assert NotFetched(site.url("/a"), Reason.TOO_LARGE, 1) == await fetched(downloads, site.url("/a"))
        before = sent
        await asyncio.sleep(0.05)
        assert before == sent


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(LARGE)),
        ("x-gzip", gzip.compress(LARGE)),
        (" GZip", gzip.compress(LARGE)),
        ("deflate", zlib.compress(LARGE)),
        ("deflate", bare(LARGE)),
        ("identity", LARGE),
        ("", LARGE),
    ],
)
async def test_a_body_that_comes_compressed_all_the_same_is_decoded(
    downloads: WebDownloads, encoding: str, body: bytes
) -> None:
    header = f"Content-Encoding: {encoding}"
    async with serving(pages({"/known": reply(200, body, header), "/chunked": chunked(body, header)})) as site:
        for target in ("/known", "/chunked"):
            assert LARGE == getattr(await fetched(downloads, site.url(target)), "data", None)


@pytest.mark.parametrize(
    ("encoding", "body", "reason", "attempts"),
    [
        ("gzip", gzip.compress(bytes(100 * MAX_BYTES), 1), Reason.TOO_LARGE, 1),
        ("deflate", zlib.compress(bytes(MAX_BYTES + 1)), Reason.TOO_LARGE, 1),
        ("gzip", gzip.compress(PHOTO)[:-9], Reason.INCOMPLETE_BODY, 3),
        ("gzip", PHOTO, Reason.INCOMPLETE_BODY, 3),
        ("gzip", gzip.compress(b""), Reason.INCOMPLETE_BODY, 3),
        ("br", PHOTO, Reason.NOT_AN_IMAGE, 1),
        ("gzip, gzip", gzip.compress(gzip.compress(PHOTO)), Reason.NOT_AN_IMAGE, 1),
    ],
    ids=["bomb", "a byte too much", "cut", "not compressed", "nothing", "unknown", "twice"],
)
async def test_a_compressed_body_that_is_no_photo_has_its_reason(
    downloads: WebDownloads, encoding: str, body: bytes, reason: Reason, attempts: int
) -> None:
    async with serving(pages({"/a": reply(200, body, f"Content-Encoding: {encoding}")})) as site:
        assert NotFetched(site.url("/a"), reason, attempts) == await fetched(downloads, site.url("/a"))


@pytest.mark.parametrize(
    ("body", "answer", "fit"),
    [(WHOLE, reply, 2), (LARGE, reply, 7), (LARGE, chunked, 4)],
    ids=["as large as may be", "less", "of unknown size: as much as it may be, until it is there"],
)
async def test_only_so_many_bytes_of_large_bodies_are_in_memory_until_they_are_done_with(
    downloads: WebDownloads, body: bytes, answer: Callable[..., bytes], fit: int
) -> None:
    large = answer(body) if answer is chunked else answer(200, body)
    async with serving(pages({"/large": large, "/small": reply(200, PHOTO)})) as site:
        async with AsyncExitStack() as held:
            for _ in range(fit):
                assert isinstance(await held.enter_async_context(downloads.fetch(site.url("/large"))), Fetched)
            one_more = asyncio.create_task(fetched(downloads, site.url("/large")))
            await until(lambda: site.targets.count("/large") > fit)
            assert isinstance(await fetched(downloads, site.url("/small")), Fetched)
            await asyncio.sleep(0.05)
            assert not one_more.done()
        assert isinstance(await one_more, Fetched)


async def test_a_large_body_that_is_given_up_while_it_waits_holds_nobody_up(downloads: WebDownloads) -> None:
    async with serving(pages({"/whole": reply(200, WHOLE), "/large": reply(200, LARGE)})) as site:
        async with AsyncExitStack() as held:
            await held.enter_async_context(downloads.fetch(site.url("/whole")))
            await held.enter_async_context(downloads.fetch(site.url("/large")))
            first = asyncio.create_task(fetched(downloads, site.url("/whole")))
            await until(lambda: site.targets.count("/whole") == 2)
            await asyncio.sleep(0.05)
            behind = asyncio.create_task(fetched(downloads, site.url("/large")))
            await until(lambda: site.targets.count("/large") == 2)
            await asyncio.sleep(0.05)
            assert not behind.done()
            first.cancel()
            assert isinstance(await behind, Fetched)
        both = await asyncio.gather(*(fetched(downloads, site.url("/whole")) for _ in range(2)))
        assert all(isinstance(each, Fetched) for each in both)


async def test_no_timeout_runs_while_a_body_waits_for_its_turn() -> None:
    options = replace(OPTIONS, memory_bytes=1, read_timeout_s=0.2, total_timeout_s=0.4, attempts=1)
    async with open_downloads(options) as downloads, serving(pages({"/a": reply(200, WHOLE)})) as site:
        async with downloads.fetch(site.url("/a")) as first:
            waiting = asyncio.create_task(fetched(downloads, site.url("/a")))
            await asyncio.sleep(0.8)
            assert not waiting.done()
        assert isinstance(first, Fetched)
        assert isinstance(await waiting, Fetched)


async def test_a_large_body_that_fails_gives_its_memory_back() -> None:
    async def answer(call: Call) -> None:
        await call.send(reply(200, LARGE, f"Content-Length: {len(LARGE) + 1}"))
        call.writer.close()

    options = replace(OPTIONS, memory_bytes=1, obey_robots=False)
    whole = pages({"/a": reply(200, WHOLE)})
    async with open_downloads(options) as downloads, serving(answer) as broken, serving(whole) as site:
        expected = NotFetched(broken.url("/a"), Reason.INCOMPLETE_BODY, 3)
        assert expected == await fetched(downloads, broken.url("/a"))
        assert isinstance(await fetched(downloads, site.url("/a")), Fetched)


async def test_many_large_bodies_with_little_memory_and_few_slots_all_arrive() -> None:
    options = replace(OPTIONS, memory_bytes=1, at_once=3, per_owner=3, total_timeout_s=60.0)
    answers = {f"/{n}": [reply(200, WHOLE[:-1], f"Content-Length: {MAX_BYTES}", "Connection: close"), reply(200, WHOLE)]
               for n in range(0, 12, 3)} | {f"/{n}": [reply(200, WHOLE)] for n in range(12) if n % 3}  # fmt: skip
    options = replace(options, read_timeout_s=0.3)
    async with open_downloads(options) as downloads, serving(pages(answers)) as site:
        results = await asyncio.gather(*(fetched(downloads, site.url(f"/{n}")) for n in range(12)))
    assert [True] * 12 == [isinstance(each, Fetched) for each in results]


async def test_nothing_more_is_asked_for_while_so_many_bodies_are_held() -> None:
    async with (
        serving(pages({"/photo": reply(200, PHOTO)})) as site,
        open_downloads(replace(QUICK, obey_robots=False, in_memory=3)) as downloads,
        AsyncExitStack() as held,
    ):
        for _ in range(2):
            await held.enter_async_context(downloads.fetch(site.url("/photo")))
        last = downloads.fetch(site.url("/photo"))
        await last.__aenter__()
        fourth = asyncio.create_task(fetched(downloads, site.url("/photo")))
        await asyncio.sleep(0.1)
        assert 3 == site.targets.count("/photo")
        await last.__aexit__(None, None, None)
        assert isinstance(await fourth, Fetched)


async def test_what_fails_or_is_given_up_leaves_its_place() -> None:
    async with (
        serving(pages({"/photo": reply(200, PHOTO)})) as site,
        open_downloads(replace(QUICK, obey_robots=False, in_memory=1)) as downloads,
    ):
        for _ in range(3):
            assert isinstance(await fetched(downloads, site.url("/missing")), NotFetched)
        async with downloads.fetch(site.url("/photo")):
            waits = asyncio.create_task(fetched(downloads, site.url("/photo")))
            await asyncio.sleep(0.05)
            waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        assert isinstance(await fetched(downloads, site.url("/photo")), Fetched)
