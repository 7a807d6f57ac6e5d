import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.adapters.downloading.bodies import SMALL_BYTES
from app.adapters.downloading.downloads import WebDownloads, open_downloads
from app.domain.errors import InvalidRequestError
from tests.unit.adapters.loopback import PHOTO, QUICK, Call, naming, pages, reply, serving

LARGE = bytes(SMALL_BYTES + 1)
OPTIONS = replace(QUICK, query_timeout_s=0.3, queries_at_once=3, max_bytes=1_000_000, memory_bytes=1)


@pytest.fixture
async def downloads() -> AsyncIterator[WebDownloads]:
    async with open_downloads(OPTIONS) as downloads:
        yield downloads


async def test_a_searchers_address_gives_its_bytes_over_redirects_and_without_asking_robots_txt(
    downloads: WebDownloads,
) -> None:
    found = {
        "/a": reply(302, b"", "Location: /b"),
        "/b": reply(200, PHOTO, "X-Robots-Tag: noindex"),
        "/robots.txt": reply(200, b"User-agent: *\nDisallow: /\n"),
    }
    async with serving(pages(found)) as site:
        assert PHOTO == await downloads.query_photo(site.url("/a"))
        assert ["/a", "/b"] == [call.target for call in site.all_calls]


async def never_answers(_: Call) -> None:
    await asyncio.sleep(10)


async def test_whatever_is_not_to_be_had_has_one_code_and_one_sentence(downloads: WebDownloads) -> None:
    async with serving(pages({})) as site:
        nobody = site.url("/a")
    found = {
        "/500": reply(500),
        "/empty": reply(200),
        "/large": reply(200, bytes(1_000_001)),
        "/circle": reply(302, b"", "Location: /circle"),
        "/inside": reply(302, b"", "Location: http://127.0.2.1/"),
    }
    async with serving(pages(found)) as site, serving(never_answers) as silent:
        urls = ["", "x", "ftp://h/a", "http://u:p@h/a", nobody, "http://127.0.2.1/a", "http://2130706433/",
                site.url("/404"), *map(site.url, found), silent.url("/a"), "http://[::1]/"]  # fmt: skip
        said = set()
        for url in urls:
            with pytest.raises(InvalidRequestError) as caught:
                await downloads.query_photo(url)
            said.add((caught.value.code, str(caught.value)))
        assert 1 == len(said)
        assert 1 == site.targets.count("/500")
    assert "url_not_fetchable" == said.pop()[0]


async def test_a_name_that_does_not_exist_has_that_code_too() -> None:
    async with naming({}) as (_, options), open_downloads(options) as downloads:
        with pytest.raises(InvalidRequestError, match="cannot be fetched"):
            await downloads.query_photo("http://gone.test/a")


async def test_so_many_searchers_are_served_at_once_and_others_wait_within_their_time(
    downloads: WebDownloads,
) -> None:
    now = most = 0

    async def answer(call: Call) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        await call.send(reply(200, PHOTO))

    async with serving(answer) as site:
        photos = await asyncio.gather(*(downloads.query_photo(site.url("/a")) for _ in range(12)))
    assert [PHOTO] * 12 == photos
    assert 3 == most


async def test_searchers_do_not_wait_for_jobs(downloads: WebDownloads) -> None:
    found = {"/large": reply(200, LARGE), "/ill": reply(503, b"", "Retry-After: 3600")}
    async with (
        serving(pages(found)) as site,
        downloads.fetch(site.url("/large")),
        downloads.fetch(site.url("/ill")),
    ):
        for _ in range(5):
            assert LARGE == await downloads.query_photo(site.url("/large"))
