"""The faulty proxy by itself: what a client sees of each fault, and what the node behind it does."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.faults.proxy import WORDS, Fault, Proxy, running_proxy
from tests.unit.adapters.loopback import Call, Site, reply, serving, until

NODE = "127.0.1.3"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n5\r\n more\r\n0\r\n\r\n"


async def node(call: Call) -> None:
    await call.send(CHUNKED if call.target == "/chunked" else reply(200, b"whole body", "X-Of: node"))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with serving(node, NODE) as site:
        yield site


@pytest.fixture
async def proxy(site: Site) -> AsyncIterator[Proxy]:
    with running_proxy(site.url(""), delay_s=0.01) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: Proxy) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://{proxy.host}", timeout=0.3, trust_env=False) as client:
        yield client


async def test_without_a_fault_requests_and_answers_pass_as_they_are(client: httpx.AsyncClient, proxy: Proxy) -> None:
    answers = [await client.get("/index/_search?k=1"), await client.get("/chunked")]
    assert [("whole body", "node"), ("four more", None)] == [(one.text, one.headers.get("X-Of")) for one in answers]
    assert {"_search": 1, "chunked": 1} == proxy.seen


@pytest.mark.parametrize(("fault", "status"), [(Fault.BUSY, 429), (Fault.UNAVAILABLE, 503)])
async def test_an_answer_of_its_own_is_given_on_a_connection_that_is_there_and_the_node_not_asked(
    client: httpx.AsyncClient, proxy: Proxy, site: Site, fault: Fault, status: int
) -> None:
    await client.get("/before")
    proxy.switch(fault)
    answer = await client.get("/during")
    assert (status, True) == (answer.status_code, WORDS in answer.text)
    proxy.switch(Fault.NONE)
    assert "whole body" == (await client.get("/after")).text
    assert ["/before", "/after"] == site.targets


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        (Fault.REFUSED, httpx.ConnectError, ["/after"]),
        (Fault.HANGING, httpx.ReadTimeout, ["/after"]),
        (Fault.UNANSWERED, httpx.ReadTimeout, ["/during", "/after"]),
        (Fault.HALF, httpx.RemoteProtocolError, ["/during", "/after"]),
    ],
)
async def test_no_answer_comes_and_the_node_has_done_it_or_not(
    client: httpx.AsyncClient, proxy: Proxy, site: Site, fault: Fault, error: type[Exception], done: list[str]
) -> None:
    proxy.switch(fault)
    with pytest.raises(error):
        await client.get("/during")
    proxy.switch(Fault.NONE)
    assert "whole body" == (await client.get("/after")).text
    assert done == site.targets


async def test_what_was_held_back_is_done_in_the_end_although_its_sender_went_away(
    client: httpx.AsyncClient, proxy: Proxy, site: Site
) -> None:
    proxy.switch(Fault.HELD)
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/during")
    assert ([], 1) == (site.targets, proxy.held)
    proxy.switch(Fault.NONE)
    await until(lambda: proxy.held == 0)
    assert ["/during"] == site.targets


async def test_what_is_connected_is_cut_off_when_it_refuses(client: httpx.AsyncClient, proxy: Proxy) -> None:
    await client.get("/before")
    proxy.switch(Fault.REFUSED)
    with pytest.raises(httpx.TransportError):
        await client.get("/during")


async def test_a_late_answer_is_the_whole_one(client: httpx.AsyncClient, proxy: Proxy) -> None:
    proxy.switch(Fault.LATE)
    assert "whole body" == (await client.get("/")).text


async def test_a_fault_of_some_requests_leaves_the_others_alone(client: httpx.AsyncClient, proxy: Proxy) -> None:
    proxy.switch(Fault.BUSY, "_bulk")
    answers = [await client.get("/_bulk"), await client.get("/index/_bulk?x=1"), await client.get("/index/_search")]
    assert [429, 429, 200] == [one.status_code for one in answers]
