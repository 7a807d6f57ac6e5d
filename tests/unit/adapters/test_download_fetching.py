import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app import __version__
from app.adapters.downloading.downloads import WebDownloads, open_downloads
from app.domain.downloads import Fetched, NotFetched
from app.domain.errors import Reason
from tests.unit.adapters.loopback import (
    ALLOWED,
    ALSO_ALLOWED,
    PHOTO,
    QUICK,
    Answer,
    Call,
    fetched,
    pages,
    reply,
    serving,
    until,
)


@pytest.fixture
async def downloads() -> AsyncIterator[WebDownloads]:
    async with open_downloads(QUICK) as downloads:
        yield downloads


async def test_an_address_gives_its_bytes(downloads: WebDownloads) -> None:
    async with serving(pages({"/a.jpg": reply(200, PHOTO)})) as site:
        assert Fetched(site.url("/a.jpg"), PHOTO, 1) == await fetched(downloads, site.url("/a.jpg"))
        assert ["/a.jpg"] == site.targets


@pytest.mark.parametrize(
    "target",
    [
        "/a/!q80.jpg!500",
        "/a%2Cb%21.jpg",
        "/x/../y/./z.jpg",
        "//double//slash.jpg",
        "/pic.php?url=http://other/x.jpg&w=1&&e=",
        "/%E4%B8%AD%e6%96%87.jpg",
        "/100%.jpg?%zz",
        "/" + "long/" * 100 + "a.jpg?" + "q" * 400,
        "/a|b'(c)[d]{e}.jpg;v=1",
        "/?only=query",
    ],
)
async def test_addresses_are_sent_as_they_are(downloads: WebDownloads, target: str) -> None:
    async with serving(pages({target: reply(200, PHOTO)})) as site:
        assert isinstance(await fetched(downloads, site.url(target)), Fetched)
        assert [target] == site.targets


async def test_only_what_is_illegal_on_the_wire_is_encoded_and_a_fragment_stays_at_home(
    downloads: WebDownloads,
) -> None:
    async with serving(pages({"/a%20b/%C3%A9?q=%C3%A9": reply(200, PHOTO)})) as site:
        result = await fetched(downloads, f" {site.url('/a b/é?q=é#part')} \r\n")
        assert isinstance(result, Fetched)


async def test_servers_are_told_who_asks_and_nothing_else(downloads: WebDownloads) -> None:
    async with serving(pages({"/a": reply(200, PHOTO, "Set-Cookie: a=b; Path=/")})) as site:
        await fetched(downloads, site.url("/a"))
        await fetched(downloads, site.url("/a"))
        expected = {
            "Host": f"{ALLOWED}:{site.port}",
            "User-Agent": f"Lookalike/{__version__} (+mailto:us@example.org)",
            "Accept": "image/*, */*;q=0.8",
            "Accept-Encoding": "identity",
        }
        assert [expected] * len(site.all_calls) == [call.headers for call in site.all_calls]


async def test_a_connection_is_used_again(downloads: WebDownloads) -> None:
    async with serving(pages({"/a": reply(200, PHOTO)})) as site:
        for _ in range(5):
            await fetched(downloads, site.url("/a"))
        assert 1 == site.connections


@pytest.mark.parametrize(
    ("status", "reason", "requests"),
    [
        (403, Reason.HTTP_403, 1),
        (404, Reason.HTTP_404, 1),
        (410, Reason.HTTP_410, 1),
        (400, Reason.HTTP_4XX, 1),
        (451, Reason.HTTP_4XX, 1),
        (501, Reason.HTTP_5XX, 1),
        (204, Reason.NOT_AN_IMAGE, 1),
        (206, Reason.NOT_AN_IMAGE, 1),
        (304, Reason.NOT_AN_IMAGE, 1),
        (302, Reason.NOT_AN_IMAGE, 1),
        (408, Reason.HTTP_4XX, 3),
        (425, Reason.HTTP_4XX, 3),
        (429, Reason.HTTP_429, 3),
        (500, Reason.HTTP_5XX, 3),
        (502, Reason.HTTP_5XX, 3),
        (503, Reason.HTTP_5XX, 3),
        (504, Reason.HTTP_5XX, 3),
    ],
)
async def test_a_status_has_its_reason_and_is_tried_again_only_where_that_can_help(
    downloads: WebDownloads, status: int, reason: Reason, requests: int
) -> None:
    async with serving(pages({"/a": reply(status)})) as site:
        assert NotFetched(site.url("/a"), reason, requests) == await fetched(downloads, site.url("/a"))
        assert requests == len(site.targets)


async def test_an_error_that_passes_is_no_failure(downloads: WebDownloads) -> None:
    async with serving(pages({"/a": [reply(500), reply(503), reply(200, PHOTO)]})) as site:
        assert Fetched(site.url("/a"), PHOTO, 3) == await fetched(downloads, site.url("/a"))


async def hangs_up(call: Call) -> None:
    call.reset()


async def ends_without_a_word(call: Call) -> None:
    call.writer.close()


async def ends_early(call: Call) -> None:
    await call.send(reply(200, PHOTO, f"Content-Length: {len(PHOTO) + 1}"))
    call.writer.close()


async def hangs_up_early(call: Call) -> None:
    await call.send(reply(200, PHOTO, f"Content-Length: {len(PHOTO) + 1}"))
    await asyncio.sleep(0.02)
    call.reset()


async def ends_a_chunked_body_early(call: Call) -> None:
    await call.send(reply(200, b"5\r\nphoto\r\n", "Transfer-Encoding: chunked"))
    call.writer.close()


async def breaks_a_chunked_body(call: Call) -> None:
    await call.send(reply(200, b"5\r\nphoto\r\nzz\r\n", "Transfer-Encoding: chunked"))


async def speaks_no_http(call: Call) -> None:
    await call.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


async def sends_a_huge_head(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")


async def sends_nothing(call: Call) -> None:
    await call.send(reply(200))


@pytest.mark.parametrize(
    ("answer", "reason", "requests"),
    [
        (hangs_up, Reason.CONNECT, 3),
        (ends_without_a_word, Reason.CONNECT, 3),
        (ends_early, Reason.INCOMPLETE_BODY, 3),
        (hangs_up_early, Reason.INCOMPLETE_BODY, 3),
        (ends_a_chunked_body_early, Reason.INCOMPLETE_BODY, 3),
        (breaks_a_chunked_body, Reason.INCOMPLETE_BODY, 3),
        (sends_nothing, Reason.INCOMPLETE_BODY, 3),
        (speaks_no_http, Reason.INCOMPLETE_BODY, 3),
        (sends_a_huge_head, Reason.INCOMPLETE_BODY, 3),
    ],
)
async def test_a_broken_answer_has_its_reason_and_each_attempt_is_one_request(
    answer: Answer, reason: Reason, requests: int
) -> None:
    async with open_downloads(replace(QUICK, obey_robots=False)) as downloads, serving(answer) as site:
        assert NotFetched(site.url("/a"), reason, requests) == await fetched(downloads, site.url("/a"))
        assert requests == len(site.targets)


async def test_where_nobody_listens_there_is_no_connection(downloads: WebDownloads) -> None:
    async with serving(pages({})) as site:
        url = site.url("/a")
    assert NotFetched(url, Reason.CONNECT, 3) == await fetched(downloads, url)


async def never_answers(_: Call) -> None:
    await asyncio.sleep(10)


async def stops_in_the_middle(call: Call) -> None:
    await call.send(reply(200, PHOTO, "Content-Length: 1000"))
    await asyncio.sleep(10)


async def trickles(call: Call) -> None:
    await call.send(reply(200, b"", "Content-Length: 100000"))
    for _ in range(1000):
        await call.send(b"x")
        await asyncio.sleep(0.01)


async def sends_its_head_slowly(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(1000):
        await call.send(f"X-{number}: x\r\n".encode())
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("answer", [never_answers, stops_in_the_middle, trickles, sends_its_head_slowly])
async def test_what_takes_too_long_is_given_up(answer: Answer) -> None:
    options = replace(QUICK, obey_robots=False, read_timeout_s=0.1, total_timeout_s=0.3, attempts=2)
    async with open_downloads(options) as downloads, serving(answer) as site:
        assert NotFetched(site.url("/a"), Reason.TIMEOUT, 2) == await fetched(downloads, site.url("/a"))


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://h/a", "file:///etc/passwd", "data:image/png;base64,AA", "http://", "http:///a", "http://u:p@h/",
     "http://h:0/", "http://h:65536/", "http://h:x/", "http://a..b/", "http://h/a\nb", "http://h\\@i/", "http://[::1/"],
)  # fmt: skip
async def test_what_is_no_address_is_never_asked_for(downloads: WebDownloads, url: str) -> None:
    assert NotFetched(url, Reason.BAD_URL, 0) == await fetched(downloads, url)


async def test_redirects_are_followed_however_they_are_written(downloads: WebDownloads) -> None:
    async with serving(pages({"/5": reply(200, PHOTO)}), ALSO_ALLOWED) as other:
        steps = {
            "/a/1": reply(301, b"", "Location: 2?x=%2C"),
            "/a/2?x=%2C": reply(302, b"moved", "Location: /b/../3!"),
            "/b/../3!": reply(303, b"", "Location: ?4"),
            "/b/../3!?4": reply(307, b"", f"Location: //{other.host}:{other.port}/5"),
        }
        async with serving(pages(steps)) as site:
            assert Fetched(site.url("/a/1"), PHOTO, 1) == await fetched(downloads, site.url("/a/1"))
            assert [*steps] == site.targets
        assert ["/5"] == other.targets


async def test_ten_redirects_are_followed_and_eleven_are_too_many(downloads: WebDownloads) -> None:
    chain = {f"/{n}": reply(302, b"", f"Location: /{n - 1}") for n in range(1, 12)} | {"/0": reply(200, PHOTO)}
    async with serving(pages(chain)) as site:
        assert Fetched(site.url("/10"), PHOTO, 1) == await fetched(downloads, site.url("/10"))
        expected = NotFetched(site.url("/11"), Reason.TOO_MANY_REDIRECTS, 1)
        assert expected == await fetched(downloads, site.url("/11"))


async def test_a_redirect_in_a_circle_is_followed_once(downloads: WebDownloads) -> None:
    circle = {"/a": reply(302, b"", "Location: /b"), "/b": reply(302, b"", "Location: /a")}
    async with serving(pages(circle)) as site:
        expected = NotFetched(site.url("/a"), Reason.TOO_MANY_REDIRECTS, 1)
        assert expected == await fetched(downloads, site.url("/a"))
        assert ["/a", "/b"] == site.targets


@pytest.mark.parametrize("location", ["ftp://h/a", "javascript:alert(1)", "file:///etc/passwd", "http://u@h/"])
async def test_a_redirect_to_what_is_no_address_is_a_bad_url(downloads: WebDownloads, location: str) -> None:
    async with serving(pages({"/a": reply(302, b"", f"Location: {location}")})) as site:
        assert NotFetched(site.url("/a"), Reason.BAD_URL, 1) == await fetched(downloads, site.url("/a"))


async def test_a_location_of_raw_bytes_leads_to_those_bytes(downloads: WebDownloads) -> None:
    found = {"/a": reply(302, b"", "Location: /\udce9"), "/%E9": reply(200, PHOTO)}
    async with serving(pages(found)) as site:
        assert isinstance(await fetched(downloads, site.url("/a")), Fetched)


async def test_a_cancelled_fetch_ends_and_gives_its_slot_back() -> None:
    async with (
        serving(never_answers) as slow,
        serving(pages({"/a": reply(200, PHOTO)})) as site,
        open_downloads(replace(QUICK, at_once=1, obey_robots=False)) as downloads,
    ):
        task = asyncio.create_task(fetched(downloads, slow.url("/a")))
        await until(lambda: slow.all_calls)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert isinstance(await fetched(downloads, site.url("/a")), Fetched)


async def test_jobs_are_told_what_a_reader_should_know() -> None:
    async with open_downloads(QUICK) as downloads:
        assert [] == [*downloads.remarks]
    async with open_downloads(replace(QUICK, contact=None, obey_robots=False)) as downloads:
        robots, contact = downloads.remarks
    assert "LOOKALIKE_ROBOTS" in robots
    assert "LOOKALIKE_CONTACT" in contact
