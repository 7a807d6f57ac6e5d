"""Forbidden addresses are loopback ones outside the allowed network, with a witness that must see no connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from ipaddress import ip_network

import aiohttp
import pytest
import uvloop

from app.adapters.downloading.downloads import WebDownloads, open_downloads
from app.adapters.downloading.guard import BlockedError, Guard, GuardedResolver
from app.domain.downloads import Fetched, NotFetched
from app.domain.errors import InvalidRequestError, Reason
from tests.unit.adapters.loopback import (
    ALLOWED,
    FORBIDDEN,
    PHOTO,
    QUICK,
    Call,
    Site,
    fetched,
    naming,
    pages,
    reply,
    serving,
)


async def serves_photos(call: Call) -> None:
    await call.send(reply(200, PHOTO))


@pytest.fixture
async def witness() -> AsyncIterator[Site]:
    """Listens where nothing may ever arrive, on IPv4 and, where the machine has it, IPv6."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(serving(serves_photos, FORBIDDEN))
        try:
            v6 = await stack.enter_async_context(serving(serves_photos, "::1", site.port))
        except OSError:
            yield site
        else:
            yield site
            assert 0 == v6.connections
        assert 0 == site.connections


@pytest.fixture
async def downloads() -> AsyncIterator[WebDownloads]:
    async with open_downloads(QUICK) as downloads:
        yield downloads


HOSTS = [
    "127.0.2.1",
    "127.0.2.1.",
    "2130706945",
    "0177.0.02.01",
    "0x7f.0.2.1",
    "0x7f000201",
    "127.513",
    "127.0.513",
    "017700001001",
    "①②⑦.0.2.1",
    "127。0。2。1",
    "localhost",
    "localhost.",
    "foo.localhost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.2.1]",
    "[::ffff:7f00:201]",
    "[::127.0.2.1]",
    "[64:ff9b::127.0.2.1]",
    "[64:ff9b:1::127.0.2.1]",
    "[2002:7f00:201::]",
    "[::]",
    "0.0.0.0",  # noqa: S104
]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_forbidden_host_is_blocked_however_it_is_written(
    downloads: WebDownloads, witness: Site, host: str
) -> None:
    result = await fetched(downloads, witness.url("/a.jpg", host))
    assert isinstance(result, NotFetched)
    assert Reason.BLOCKED_ADDRESS is result.reason


@pytest.mark.parametrize("host", HOSTS)
async def test_a_redirect_to_a_forbidden_host_is_blocked(downloads: WebDownloads, witness: Site, host: str) -> None:
    found = {"/a": reply(302, b"", f"Location: {witness.url('/b', host)}")}
    async with serving(pages(found)) as site:
        expected = NotFetched(site.url("/a"), Reason.BLOCKED_ADDRESS, 1)
        assert expected == await fetched(downloads, site.url("/a"))


@pytest.mark.parametrize("user", ["u@", "u:p@", "127.0.1.1@", "127.0.1.1:80@", "@"])
async def test_an_address_with_user_info_is_never_asked_for(downloads: WebDownloads, witness: Site, user: str) -> None:
    url = witness.url("/a.jpg", f"{user}{FORBIDDEN}")
    assert NotFetched(url, Reason.BAD_URL, 0) == await fetched(downloads, url)


async def test_a_name_of_a_forbidden_address_is_blocked(witness: Site) -> None:
    zone = {"inside.test": [[FORBIDDEN]], "v6.test": [["::1"]], "mapped.test": [["::ffff:7f00:201"]]}
    async with naming(zone) as (_, options), open_downloads(options) as downloads:
        results = [await fetched(downloads, witness.url("/a", name)) for name in zone]
    assert [Reason.BLOCKED_ADDRESS] * len(zone) == [each.reason for each in results if isinstance(each, NotFetched)]


async def test_of_a_names_addresses_only_allowed_ones_are_connected_to(witness: Site) -> None:
    zone = {"both.test": [[FORBIDDEN, ALLOWED, "::1"]]}
    photos = pages({"/a": reply(200, PHOTO)})
    async with (
        serving(photos, ALLOWED, witness.port) as site,
        naming(zone) as (_, options),
        open_downloads(options) as downloads,
    ):
        assert isinstance(await fetched(downloads, site.url("/a", "both.test")), Fetched)


async def test_a_name_that_changes_its_address_does_not_lead_inside(witness: Site) -> None:
    """Rebinding: the first answer is allowed, those after it are not, and none may be kept."""
    zone = {"rebinding.test": [[ALLOWED], [FORBIDDEN]]}
    once = reply(200, PHOTO, "Connection: close")
    async with (
        serving(pages({"/a": once}), ALLOWED, witness.port) as site,
        naming(zone) as (names, options),
        open_downloads(replace(options, names_kept_s=0, obey_robots=False)) as downloads,
    ):
        results = [await fetched(downloads, site.url("/a", "rebinding.test")) for _ in range(3)]
    assert isinstance(results[0], Fetched)
    assert [Reason.BLOCKED_ADDRESS] * 2 == [each.reason for each in results if isinstance(each, NotFetched)]
    assert 3 == len(names.asked)


async def test_a_name_that_changes_between_redirects_does_not_lead_inside(witness: Site) -> None:
    zone = {"rebinding.test": [[ALLOWED], [FORBIDDEN]]}
    async with naming(zone) as (_, options), open_downloads(replace(options, obey_robots=False)) as downloads:
        location = witness.url("/b", "rebinding.test")
        async with serving(pages({"/a": reply(302, b"", f"Location: {location}")})) as site:
            result = await fetched(downloads, site.url("/a", "rebinding.test"))
    assert isinstance(result, NotFetched)
    assert Reason.BLOCKED_ADDRESS is result.reason


async def test_a_searchers_address_passes_the_same_guard(downloads: WebDownloads, witness: Site) -> None:
    found = {"/a": reply(302, b"", f"Location: {witness.url('/b')}")}
    async with serving(pages(found)) as site:
        for url in [*(witness.url("/a", host) for host in HOSTS), site.url("/a")]:
            with pytest.raises(InvalidRequestError):
                await downloads.query_photo(url)


async def test_the_guard_stands_also_where_no_name_was_looked_up(witness: Site) -> None:
    """The socket alone: a resolver that lies, as if the first check were not there."""

    class Lying(GuardedResolver):
        async def _look_up(self, host: str, family: int) -> list[str]:
            del host, family
            return [FORBIDDEN]

    wide, narrow = Guard([ip_network("127.0.0.0/8")]), Guard(QUICK.allowed_networks)
    resolver = Lying(wide, [], 1.0)
    connector = aiohttp.TCPConnector(resolver=resolver, socket_factory=narrow.make_socket)
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get(witness.url("/a", "lying.test"))
    await resolver.close()
    assert isinstance(caught.value.os_error, BlockedError)


def test_the_guard_stands_on_uvloop_too() -> None:
    async def run() -> list[Reason]:
        zone = {"inside.test": [[FORBIDDEN]], "outside.test": [[ALLOWED]]}
        async with serving(serves_photos, FORBIDDEN) as witness, naming(zone) as (_, options):
            async with open_downloads(options) as downloads, serving(pages({"/a": reply(200, PHOTO)})) as site:
                assert isinstance(await fetched(downloads, site.url("/a", "outside.test")), Fetched)
                results = [
                    await fetched(downloads, witness.url("/a", host)) for host in (FORBIDDEN, "inside.test", "[::1]")
                ]
            assert 0 == witness.connections
        return [each.reason for each in results if isinstance(each, NotFetched)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert [Reason.BLOCKED_ADDRESS] * 3 == runner.run(run())
