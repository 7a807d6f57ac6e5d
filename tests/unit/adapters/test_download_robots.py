import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.adapters.downloading.downloads import WebDownloads, open_downloads
from app.domain.downloads import Fetched, NotFetched
from app.domain.errors import Reason
from tests.unit.adapters.loopback import (
    ALLOWED,
    ALSO_ALLOWED,
    PHOTO,
    QUICK,
    Call,
    fetched,
    naming,
    pages,
    reply,
    serving,
    until,
)

NOTHING = b"User-agent: *\nDisallow: /\n"
PARTS = b"User-agent: *\nDisallow: /private\nAllow: /private/shown\nDisallow: /*.gif$\n"
NOT_US = b"User-agent: Lookalike\nDisallow: /\n\nUser-agent: *\nDisallow:\n"
ONLY_US = b"User-agent: *\nDisallow: /\n\nUser-agent: lookalike\nAllow: /\n"
PHOTO_PAGE = reply(200, PHOTO)


@pytest.fixture
async def downloads() -> AsyncIterator[WebDownloads]:
    async with open_downloads(QUICK) as downloads:
        yield downloads


def site_with(robots: bytes, **more: bytes) -> dict[str, bytes]:
    targets = ["/a", "/private/a", "/private/shown/a", "/b.gif", "/b.gif?x"]
    return {**dict.fromkeys(targets, PHOTO_PAGE), "/robots.txt": robots, **more}


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        (reply(200, NOTHING), []),
        (reply(200, PARTS), ["/a", "/private/shown/a", "/b.gif?x"]),
        (reply(200, NOT_US), []),
        (reply(200, ONLY_US), ["/a", "/private/a", "/private/shown/a", "/b.gif", "/b.gif?x"]),
        (reply(200, b"\xef\xbb\xbf" + NOTHING), []),
        (reply(200, gzip.compress(NOTHING), "Content-Encoding: gzip"), []),
    ],
)
async def test_what_robots_txt_forbids_is_not_asked_for(
    downloads: WebDownloads, robots: bytes, allowed: list[str]
) -> None:
    found = site_with(robots)
    async with serving(pages(found)) as site:
        results = {target: await fetched(downloads, site.url(target)) for target in found if target != "/robots.txt"}
        assert allowed == site.targets
        assert 1 == site.robots_asked
    refused = [each for each in results.values() if not isinstance(each, Fetched)]
    assert [NotFetched(each.url, Reason.ROBOTS, 0) for each in refused] == refused
    assert len(allowed) == len(results) - len(refused)


@pytest.mark.parametrize(
    "robots",
    [reply(404), reply(403), reply(401), reply(410), reply(204), reply(200), reply(200, b"<html>not here</html>"),
     reply(302, b"", "Location: /robots.txt"), reply(302, b"", "Location: ftp://h/"), reply(304),
     reply(302, b"", "Location: http://127.0.2.1/"), reply(200, bytes(range(256)))],
)  # fmt: skip
async def test_without_rules_everything_is_allowed(downloads: WebDownloads, robots: bytes) -> None:
    async with serving(pages(site_with(robots))) as site:
        assert isinstance(await fetched(downloads, site.url("/a")), Fetched)
        assert isinstance(await fetched(downloads, site.url("/private/a")), Fetched)
        assert 1 == site.robots_asked


async def test_a_server_that_fails_is_asked_three_times_and_then_allows_nothing(downloads: WebDownloads) -> None:
    async with serving(pages(site_with(reply(500)))) as site:
        for target in ("/a", "/b.gif"):
            assert NotFetched(site.url(target), Reason.ROBOTS, 0) == await fetched(downloads, site.url(target))
        assert (3, []) == (site.robots_asked, site.targets)


async def test_a_server_that_recovers_has_its_rules_read(downloads: WebDownloads) -> None:
    found: dict[str, bytes | list[bytes]] = {**site_with(b"")}
    found["/robots.txt"] = [reply(500), reply(503), reply(200, PARTS)]
    async with serving(pages(found)) as site:
        assert isinstance(await fetched(downloads, site.url("/a")), Fetched)
        assert Reason.ROBOTS == getattr(await fetched(downloads, site.url("/private/a")), "reason", None)
        assert 3 == site.robots_asked


async def test_robots_txt_is_followed_to_where_it_was_moved(downloads: WebDownloads) -> None:
    async with serving(pages({"/4": reply(200, NOTHING)}), ALSO_ALLOWED) as other:
        moved = {f"/{n}": reply(301, b"", f"Location: /{n + 1}") for n in range(1, 4)}
        moved["/3"] = reply(301, b"", f"Location: {other.url('/4')}")
        moved["/robots.txt"] = reply(301, b"", "Location: /1")
        async with serving(pages({**moved, "/a": PHOTO_PAGE})) as site:
            assert Reason.ROBOTS == getattr(await fetched(downloads, site.url("/a")), "reason", None)


async def test_robots_txt_is_asked_for_once_however_many_wait_for_it(downloads: WebDownloads) -> None:
    async def answer(call: Call) -> None:
        if call.target == "/robots.txt":
            await asyncio.sleep(0.05)
            await call.send(reply(404))
        else:
            await call.send(PHOTO_PAGE)

    async with serving(answer) as site:
        results = await asyncio.gather(*(fetched(downloads, site.url(f"/{n}")) for n in range(50)))
        assert [True] * 50 == [isinstance(each, Fetched) for each in results]
        assert 1 == site.robots_asked


async def test_whoever_asks_for_robots_txt_may_be_cancelled_and_another_one_asks(downloads: WebDownloads) -> None:
    gate = asyncio.Event()

    async def answer(call: Call) -> None:
        await gate.wait()
        await call.send(reply(404) if call.target == "/robots.txt" else PHOTO_PAGE)

    async with serving(answer) as site:
        asking = asyncio.create_task(fetched(downloads, site.url("/0")))
        waiting = asyncio.create_task(fetched(downloads, site.url("/1")))
        await until(lambda: site.robots_asked)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        gate.set()
        assert isinstance(await waiting, Fetched)
        assert 2 == site.robots_asked


async def test_each_site_has_its_own_rules(downloads: WebDownloads) -> None:
    async with (
        serving(pages(site_with(reply(200, NOTHING)))) as closed,
        serving(pages(site_with(reply(404)))) as open_one,
    ):
        assert isinstance(await fetched(downloads, open_one.url("/a")), Fetched)
        assert Reason.ROBOTS == getattr(await fetched(downloads, closed.url("/a")), "reason", None)


async def test_the_rules_of_where_a_redirect_leads_hold_too(downloads: WebDownloads) -> None:
    async with serving(pages(site_with(reply(200, NOTHING))), ALSO_ALLOWED) as closed:
        moved = {"/moved": reply(302, b"", f"Location: {closed.url('/a')}")}
        async with serving(pages(moved)) as site:
            expected = NotFetched(site.url("/moved"), Reason.ROBOTS, 1)
            assert expected == await fetched(downloads, site.url("/moved"))
        assert [] == closed.targets


async def test_only_the_beginning_of_a_huge_robots_txt_counts(downloads: WebDownloads) -> None:
    filler = b"# nothing\n" * 52_000
    beginning, end = b"User-agent: *\nDisallow: /private\n", b"\nDisallow: /\n"
    huge = beginning + filler + b"#" * (600_000 - len(filler)) + end
    async with serving(pages(site_with(reply(200, huge)))) as site:
        assert isinstance(await fetched(downloads, site.url("/a")), Fetched)
        assert Reason.ROBOTS == getattr(await fetched(downloads, site.url("/private/a")), "reason", None)


async def test_where_nobody_answers_the_reason_is_not_robots() -> None:
    async with naming({}) as (_, options), open_downloads(options) as downloads:
        assert Reason.DNS == getattr(await fetched(downloads, "http://gone.test/a"), "reason", None)
    async with serving(pages({})) as site:
        url = site.url("/a")
    async with open_downloads(QUICK) as downloads:
        assert NotFetched(url, Reason.CONNECT, 3) == await fetched(downloads, url)


@pytest.mark.parametrize(
    ("tag", "kept"),
    [("noindex", False), ("lookalike: noimageindex", False), ("nofollow, noai", False), ("otherbot: noindex", True),
     ("nofollow", True)],
)  # fmt: skip
async def test_an_image_that_is_marked_is_not_kept(downloads: WebDownloads, tag: str, *, kept: bool) -> None:
    async with serving(pages({"/a": reply(200, PHOTO, f"X-Robots-Tag: {tag}")})) as site:
        result = await fetched(downloads, site.url("/a"))
    expected = Fetched(result.url, PHOTO, 1) if kept else NotFetched(result.url, Reason.ROBOTS, 1)
    assert expected == result


async def test_all_tags_of_an_image_are_looked_at(downloads: WebDownloads) -> None:
    marked = reply(200, PHOTO, "X-Robots-Tag: otherbot: nofollow", "X-Robots-Tag: none")
    async with serving(pages({"/a": marked})) as site:
        assert Reason.ROBOTS == getattr(await fetched(downloads, site.url("/a")), "reason", None)


async def test_one_option_turns_all_of_it_off() -> None:
    found = site_with(reply(200, NOTHING)) | {"/marked": reply(200, PHOTO, "X-Robots-Tag: none")}
    async with open_downloads(replace(QUICK, obey_robots=False)) as downloads, serving(pages(found)) as site:
        for target in ("/a", "/marked"):
            assert isinstance(await fetched(downloads, site.url(target)), Fetched)
        assert 0 == site.robots_asked


async def test_a_host_that_is_asked_on_two_ports_is_two_sites(downloads: WebDownloads) -> None:
    async with (
        serving(pages(site_with(reply(404))), ALLOWED) as one,
        serving(pages(site_with(reply(404))), ALLOWED) as two,
    ):
        await fetched(downloads, one.url("/a"))
        await fetched(downloads, two.url("/a"))
        assert (1, 1) == (one.robots_asked, two.robots_asked)
