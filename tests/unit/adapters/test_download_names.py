import asyncio
from dataclasses import replace

import pytest
from dnslib import RCODE

from app.adapters.downloading.downloads import open_downloads
from app.adapters.downloading.guard import Guard, GuardedResolver
from app.domain.downloads import Fetched, NotFetched
from app.domain.errors import Reason
from tests.unit.adapters.loopback import ALLOWED, PHOTO, fetched, naming, pages, reply, serving

PHOTOS = pages({"/a": reply(200, PHOTO), "/b": reply(200, PHOTO)})


@pytest.mark.parametrize("name", ["shop.test", "img_10.shop.test", "xn--bcher-kva.test", "a-b.c.d.e.test", "single"])
async def test_a_name_is_looked_up_at_the_given_server(name: str) -> None:
    async with (
        naming({name: [[ALLOWED]]}) as (_, options),
        open_downloads(options) as downloads,
        serving(PHOTOS) as site,
    ):
        assert Fetched(site.url("/a", name), PHOTO, 1) == await fetched(downloads, site.url("/a", name))
        assert {f"{name}:{site.port}"} == {call.headers["Host"] for call in site.all_calls}


async def test_a_name_is_looked_up_once_for_many_addresses() -> None:
    zone = {"shop.test": [[ALLOWED]]}
    async with naming(zone) as (names, options), open_downloads(options) as downloads, serving(PHOTOS) as site:
        urls = [site.url("/a", "shop.test"), site.url("/b", "shop.test")] * 10
        results = await asyncio.gather(*(fetched(downloads, url) for url in urls))
    assert [True] * len(urls) == [isinstance(each, Fetched) for each in results]
    assert ["shop.test"] == names.asked


async def test_a_name_that_does_not_exist_is_asked_for_once() -> None:
    async with naming({}) as (names, options), open_downloads(options) as downloads:
        url = "http://gone.test/a"
        assert NotFetched(url, Reason.DNS, 1) == await fetched(downloads, url)
    assert ["gone.test"] == names.asked


async def test_a_name_without_an_address_is_asked_for_again() -> None:
    """One of its two kinds may only have come too late."""
    async with naming({"empty.test": [[]]}) as (_, options), open_downloads(options) as downloads:
        url = "http://empty.test/a"
        assert NotFetched(url, Reason.DNS, 3) == await fetched(downloads, url)


@pytest.mark.parametrize("code", [RCODE.SERVFAIL, RCODE.REFUSED])
async def test_a_name_server_that_fails_is_asked_again(code: int) -> None:
    async with naming({"ill.test": [code]}) as (_, options), open_downloads(options) as downloads:
        url = "http://ill.test/a"
        assert NotFetched(url, Reason.DNS, 3) == await fetched(downloads, url)


async def test_a_name_server_that_recovers_is_no_failure() -> None:
    zone = {"ill.test": [*[RCODE.SERVFAIL] * 12, [ALLOWED]]}
    async with naming(zone) as (_, options), open_downloads(options) as downloads, serving(PHOTOS) as site:
        assert isinstance(await fetched(downloads, site.url("/a", "ill.test")), Fetched)


async def test_a_name_that_takes_its_server_longer_than_others_is_waited_for() -> None:
    """Two questions without an answer are what a name looks like that the server has to ask others for."""
    quick = {f"quick-{number}.test": [[ALLOWED]] for number in range(10)}
    async with naming({**quick, "slow.test": [None, None, [ALLOWED]]}) as (_, options):
        resolver = GuardedResolver(Guard(options.allowed_networks), options.nameservers, options.names_timeout_s)
        for name in quick:
            await resolver.resolve(name)
        assert [ALLOWED] == [found["host"] for found in await resolver.resolve("slow.test")]
        await resolver.close()


async def test_a_name_server_that_is_silent_is_given_up_in_time() -> None:
    async with naming({"silent.test": [None]}) as (_, options):
        slow = replace(options, names_timeout_s=0.2)
        async with open_downloads(slow) as downloads:
            url = "http://silent.test/a"
            assert NotFetched(url, Reason.DNS, 3) == await fetched(downloads, url)
