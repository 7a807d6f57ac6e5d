import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

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

OPTIONS = replace(QUICK, obey_robots=False)


class Counter:
    """Answers after a moment, and remembers how many calls it had at once."""

    def __init__(self, wait_s: float = 0.02) -> None:
        self.now = 0
        self.most = 0
        self._wait_s = wait_s

    async def answer(self, call: Call) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self._wait_s)
        self.now -= 1
        await call.send(reply(200, PHOTO))


async def all_of(downloads: WebDownloads, urls: Sequence[str]) -> list[Fetched | NotFetched]:
    return await asyncio.gather(*(fetched(downloads, url) for url in urls))


def photos(results: Sequence[Fetched | NotFetched]) -> int:
    return sum(isinstance(each, Fetched) for each in results)


async def test_so_many_requests_are_under_way_at_once_and_no_more() -> None:
    zone = {f"h.shop{n}.test": [[ALLOWED]] for n in range(40)}
    counter = Counter()
    async with (
        naming(zone) as (_, options),
        serving(counter.answer) as site,
        open_downloads(replace(options, obey_robots=False, at_once=5, per_owner=2)) as downloads,
    ):
        results = await all_of(downloads, [site.url(f"/{n}", name) for name in zone for n in range(3)])
    assert 120 == photos(results)
    assert 5 == counter.most


async def test_the_hosts_of_one_owner_share_its_slots() -> None:
    zone = {f"img{n}.360buyimg.test": [[ALLOWED]] for n in range(10, 15)}
    counter = Counter()
    async with (
        naming(zone) as (_, options),
        serving(counter.answer) as site,
        open_downloads(replace(options, obey_robots=False, per_owner=3)) as downloads,
    ):
        results = await all_of(downloads, [site.url(f"/{n}", name) for name in zone for n in range(6)])
    assert 30 == photos(results)
    assert 3 == counter.most


async def test_hosts_under_a_public_suffix_and_bare_addresses_are_owners_of_their_own() -> None:
    zone = {"one.co.uk": [[ALLOWED]], "two.co.uk": [[ALLOWED]]}
    counter = Counter(0.05)
    async with (
        naming(zone) as (_, options),
        serving(counter.answer) as site,
        serving(counter.answer, ALSO_ALLOWED, site.port),
        open_downloads(replace(options, obey_robots=False, per_owner=1)) as downloads,
    ):
        hosts = [*zone, ALLOWED, ALSO_ALLOWED]
        await all_of(downloads, [site.url(f"/{n}", host) for n in range(3) for host in hosts])
    assert 4 == counter.most


async def test_a_slow_owner_is_in_nobody_elses_way() -> None:
    gate = asyncio.Event()

    async def slow(call: Call) -> None:
        await gate.wait()
        await call.send(reply(200, PHOTO))

    async with (
        serving(slow) as stuck,
        serving(pages({"/a": reply(200, PHOTO)}), ALSO_ALLOWED) as site,
        open_downloads(replace(OPTIONS, at_once=4, per_owner=2)) as downloads,
    ):
        waiting = asyncio.create_task(all_of(downloads, [stuck.url(f"/{n}") for n in range(100)]))
        await asyncio.sleep(0.05)
        assert 20 == photos(await all_of(downloads, [site.url("/a")] * 20))
        assert not waiting.done()
        gate.set()
        assert 100 == photos(await waiting)


async def test_whoever_came_first_is_served_first() -> None:
    async with serving(pages({f"/{n}": reply(200, PHOTO) for n in range(30)})) as site:
        async with open_downloads(replace(OPTIONS, per_owner=1)) as downloads:
            await all_of(downloads, [site.url(f"/{n}") for n in range(30)])
        assert [f"/{n}" for n in range(30)] == site.targets


async def test_no_slot_is_held_while_another_attempt_is_waited_for() -> None:
    options = replace(OPTIONS, at_once=1, backoff_s=30.0, longest_backoff_s=30.0)
    async with (
        serving(pages({"/ill": reply(500), "/a": reply(200, PHOTO)})) as site,
        open_downloads(options) as downloads,
    ):
        waiting = [asyncio.create_task(fetched(downloads, site.url("/ill"))) for _ in range(10)]
        await until(lambda: len(site.targets) >= len(waiting))
        assert isinstance(await fetched(downloads, site.url("/a")), Fetched)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_host_that_asks_for_a_wait_is_called_by_nobody_before_it_is_over(status: int) -> None:
    times: list[float] = []
    busy = [True]

    async def answer(call: Call) -> None:
        times.append(time.monotonic())
        if busy and busy.pop():
            await call.send(reply(status, b"", "Retry-After: 1"))
        else:
            await call.send(reply(200, PHOTO))

    async with serving(answer) as site, open_downloads(OPTIONS) as downloads:
        first = asyncio.create_task(fetched(downloads, site.url("/0")))
        await until(lambda: times)
        await asyncio.sleep(0.05)
        results = await all_of(downloads, [site.url(f"/{n}") for n in range(1, 20)])
        assert Fetched(site.url("/0"), PHOTO, 2) == await first
    assert 19 == photos(results)
    assert times[1] - times[0] >= 0.95


async def test_a_wait_until_a_date_is_kept_too() -> None:
    due = datetime.now(UTC) + timedelta(seconds=2)
    answers = [reply(429, b"", f"Retry-After: {format_datetime(due, usegmt=True)}"), reply(200, PHOTO)]
    async with serving(pages({"/a": answers})) as site, open_downloads(OPTIONS) as downloads:
        assert Fetched(site.url("/a"), PHOTO, 2) == await fetched(downloads, site.url("/a"))
    assert datetime.now(UTC) >= due.replace(microsecond=0)


@pytest.mark.parametrize(("status", "reason"), [(429, Reason.HTTP_429), (503, Reason.HTTP_5XX)])
async def test_a_host_that_asks_for_too_long_a_wait_is_given_up_at_once_by_all(status: int, reason: Reason) -> None:
    async with serving(pages({"/a": reply(status, b"", "Retry-After: 3600")})) as site:
        async with open_downloads(OPTIONS) as downloads:
            assert NotFetched(site.url("/a"), reason, 1) == await fetched(downloads, site.url("/a"))
            assert NotFetched(site.url("/b"), reason, 0) == await fetched(downloads, site.url("/b"))
        assert ["/a"] == site.targets


async def test_patience_with_a_host_that_always_asks_for_a_wait_ends() -> None:
    options = replace(OPTIONS, patience_s=0.3, attempts=100)
    async with serving(pages({"/a": reply(429, b"", "Retry-After: 1")})) as site, open_downloads(options) as downloads:
        assert NotFetched(site.url("/a"), Reason.HTTP_429, 1) == await fetched(downloads, site.url("/a"))


async def test_a_dead_host_costs_few_connections_however_many_addresses_it_has() -> None:
    connections = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, ALLOWED, 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_downloads(QUICK) as downloads:
        urls = [f"http://{ALLOWED}:{port}/{n}" for n in range(200)]
        results = await all_of(downloads, urls)
        late = await fetched(downloads, urls[0])
    assert {Reason.CONNECT} == {each.reason for each in results if isinstance(each, NotFetched)}
    assert len(urls) == len(results) - photos(results)
    assert NotFetched(urls[0], Reason.CONNECT, 0) == late
    assert 5 + 3 == connections
    assert 5 + 3 == sum(each.attempts for each in results)


async def test_the_reason_of_a_host_that_is_given_up_is_what_opened_its_breaker() -> None:
    async with naming({}) as (names, options), open_downloads(options) as downloads:
        results = await all_of(downloads, [f"http://gone.test/{n}" for n in range(50)])
    assert {Reason.DNS} == {each.reason for each in results if isinstance(each, NotFetched)}
    assert 5 + 3 == len(names.asked)


async def test_a_host_that_comes_back_is_found_by_a_probe_and_everything_is_fetched() -> None:
    probes = 0

    async def answer(call: Call) -> None:
        nonlocal probes
        probes += 1
        if probes <= 6:
            call.reset()
        else:
            await call.send(reply(200, PHOTO))

    options = replace(OPTIONS, cool_downs_s=(0.1, 0.2, 5.0))
    async with serving(answer) as site, open_downloads(options) as downloads:
        results = await all_of(downloads, [site.url(f"/{n}") for n in range(40)])
        assert 40 == photos(results)
        assert 40 + 6 == len(site.targets)


async def test_only_one_probe_is_under_way() -> None:
    async with serving(pages({})) as site:
        port = site.port
    options = replace(OPTIONS, per_owner=20, cool_downs_s=(0.2, 5.0))
    counter = Counter(0.2)
    async with open_downloads(options) as downloads:
        urls = [f"http://{ALLOWED}:{port}/{n}" for n in range(20)]
        waiting = asyncio.create_task(all_of(downloads, urls))
        await asyncio.sleep(0.1)
        async with serving(counter.answer, ALLOWED, port):
            await asyncio.sleep(0.2)
            assert (1, 1) == (counter.now, counter.most)
            assert 20 == photos(await waiting)


async def test_a_cancelled_probe_lets_another_one_go() -> None:
    async with serving(pages({})) as site:
        port = site.port
    options = replace(OPTIONS, attempts=1, cool_downs_s=(0.1, 5.0))
    gate = asyncio.Event()

    async def answer(call: Call) -> None:
        await gate.wait()
        await call.send(reply(200, PHOTO))

    async with open_downloads(options) as downloads:
        urls = [f"http://{ALLOWED}:{port}/{n}" for n in range(5)]
        assert 0 == photos(await all_of(downloads, urls))
        tasks = {f"/{n}": asyncio.create_task(fetched(downloads, urls[n])) for n in range(2)}
        async with serving(answer, ALLOWED, port) as back:
            await until(lambda: back.targets)
            tasks.pop(back.targets[0]).cancel()
            gate.set()
            assert [True] == [isinstance(await other, Fetched) for other in tasks.values()]


async def test_a_host_that_was_given_up_is_tried_again_later() -> None:
    async with serving(pages({})) as site:
        port = site.port
    url = f"http://{ALLOWED}:{port}/a"
    async with open_downloads(OPTIONS) as downloads:
        assert 0 == photos(await all_of(downloads, [url] * 10))
        assert NotFetched(url, Reason.CONNECT, 0) == await fetched(downloads, url)
        async with serving(pages({"/a": reply(200, PHOTO)}), ALLOWED, port):
            await asyncio.sleep(OPTIONS.given_up_s)
            assert isinstance(await fetched(downloads, url), Fetched)
            assert 10 == photos(await all_of(downloads, [url] * 10))


async def test_a_dead_host_holds_no_slot_while_it_is_left_alone() -> None:
    async with serving(pages({})) as site:
        dead = site.url("/a")
    options = replace(OPTIONS, at_once=1, cool_downs_s=(30.0,))
    async with serving(pages({"/a": reply(200, PHOTO)}), ALSO_ALLOWED) as site, open_downloads(options) as downloads:
        waiting = [asyncio.create_task(fetched(downloads, dead)) for _ in range(20)]
        await asyncio.sleep(0.2)
        assert 20 == photos(await all_of(downloads, [site.url("/a")] * 20))
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_patience_with_a_dead_host_ends() -> None:
    async with serving(pages({})) as site:
        dead = site.url("/a")
    async with open_downloads(replace(OPTIONS, cool_downs_s=(30.0,), patience_s=0.2)) as downloads:
        results = await all_of(downloads, [dead] * 20)
    assert {Reason.CONNECT} == {each.reason for each in results if isinstance(each, NotFetched)}
