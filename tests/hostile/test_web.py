"""The hostile web does what it says: its own kinds are tried with a client that believes everything."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from ipaddress import IPv6Address

import aiohttp
import dnslib
import pytest

from tests.hostile.addresses import BROKEN_TLS, REFUSING, RESETTING, SILENT, WITNESSES, address_of
from tests.hostile.behaviours import PLAYS
from tests.hostile.kinds import BY_NAME, INDEXED, KINDS, Place
from tests.hostile.names import Zone
from tests.hostile.plan import Planned, by_address, planned
from tests.hostile.web import Web, running_web

JPEG = b"\xff\xd8\xff"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with running_web(tmp_path_factory.mktemp("web") / "log.jsonl") as running:
        yield running


async def get(web: Web, target: str, host: str = "img.shop-3.example") -> tuple[int, bytes]:
    """A page as the client understands it, redirects not followed."""
    url = f"http://127.0.1.9:{web.port}{target}"
    timeout = aiohttp.ClientTimeout(total=3)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        headers = {"Host": f"{host}:{web.port}"}
        async with session.get(url, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.read()


def asked(web: Web, name: str, kind: str = "A") -> dnslib.DNSRecord:
    """What the name server says over TCP."""
    reply = dnslib.DNSRecord.question(name, kind).send("127.0.0.1", web.names_port, tcp=True, timeout=3)
    return dnslib.DNSRecord.parse(reply)


async def test_a_good_address_serves_a_photo_on_every_address_of_the_network(web: Web) -> None:
    async with aiohttp.ClientSession() as session:
        for url in by_address(200, web.port):
            async with session.get(url) as answer:
                body = await answer.read()
                assert (200, JPEG) == (answer.status, body[:3])


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [("403", [403, 403]), ("429", [429, 429]), ("429-then-good", [429, 200]), ("500-then-good", [500, 200])],
)
async def test_a_server_says_no_for_ever_or_once(web: Web, kind: str, statuses: list[int]) -> None:
    assert statuses == [(await get(web, f"/{kind}/1/photo.jpg"))[0] for _ in statuses]


@pytest.mark.parametrize("kind", ["reset-in-body", "wrong-length", "cut-chunks"])
async def test_a_body_that_does_not_come_to_its_end_is_an_error_to_the_client(web: Web, kind: str) -> None:
    with pytest.raises(aiohttp.ClientError):
        await get(web, f"/{kind}/1/photo.jpg")


async def drained(reader: asyncio.StreamReader) -> None:
    while await reader.read(1_000_000):
        pass


@pytest.mark.parametrize("kind", ["silent", "trickle", "endless", "endless-chunks"])
async def test_some_answers_never_end(web: Web, kind: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.1.9", web.port)
    writer.write(f"GET /{kind}/1/photo.jpg HTTP/1.1\r\nHost: img.shop-3.example\r\n\r\n".encode())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(drained(reader), 0.3)
    writer.close()


async def test_what_is_written_in_an_address_counts_to_the_letter(web: Web) -> None:
    addresses = [one.url for one in planned(10_000, web.port) if one.kind.name == "as-written"]
    for url in addresses[:12]:
        reader, writer = await asyncio.open_connection("127.0.1.9", web.port)
        host, slash, target = url.removeprefix("http://").partition("/")
        writer.write(f"GET {slash}{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert b"HTTP/1.1 200 OK" == await reader.readuntil(b"OK")
        writer.close()
    changed = next(url for url in addresses if "!!" in url).replace("!!", "!")
    assert 400 == (await get(web, "/" + changed.split("/", 3)[3]))[0]


async def test_a_bomb_is_small_until_it_is_unpacked(web: Web) -> None:
    status, packed = await get(web, "/bomb/1/photo.jpg")
    assert (200, b"\x1f\x8b", True) == (status, packed[:2], len(packed) < 1_000_000)


async def test_a_host_without_tls_says_so_in_http(web: Web) -> None:
    with pytest.raises(ssl.SSLError):
        await asyncio.open_connection("127.0.1.9", web.port, ssl=ssl.create_default_context())


async def test_robots_differ_by_host(web: Web) -> None:
    hosts = ("img.disallowed-1.example", "img.robots-500-1.example", "img.shop-3.example", "img.shop-7.example")
    answers = [await get(web, "/robots.txt", host) for host in hosts]
    assert [200, 500, 404, 200] == [status for status, _ in answers]
    assert b"Disallow: /\n" in answers[0][1]


def connected_and_read(address: str, port: int, timeout_s: float) -> bytes:
    with socket.create_connection((address, port), timeout_s) as connection:
        return connection.recv(1)


@pytest.mark.parametrize(
    ("address", "error"),
    [(RESETTING, ConnectionResetError), (REFUSING, ConnectionRefusedError), (SILENT, TimeoutError)],
)
def test_a_dead_host_resets_refuses_or_keeps_silent(web: Web, address: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        connected_and_read(address, web.port, 0.3)


def test_the_names_of_dead_hosts_lead_to_dead_addresses() -> None:
    dead = {"connect-timeout": SILENT, "reset": RESETTING, "refused": REFUSING, "tls-eof": BROKEN_TLS}
    assert dead == {kind: address_of(f"img.{kind}-3.example") for kind in dead}


@pytest.mark.parametrize("address", [one for one in WITNESSES if ":" not in one])
def test_a_witness_writes_down_who_comes(web: Web, address: str) -> None:
    with socket.create_connection((address, web.port), timeout=3) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"" == connection.recv(1)
    assert [address] == [one.address for one in web.witnessed() if one.address == address]


async def test_the_log_holds_each_request_with_its_host_and_its_target(web: Web) -> None:
    await get(web, "/good/77/photo.jpg?a=b", "pic_1.shop-5.example")
    seen = [one for one in web.seen() if one.target == "/good/77/photo.jpg?a=b"]
    assert [("127.0.1.9", "pic_1.shop-5.example", "good")] == [(one.address, one.host, one.answered) for one in seen]


def test_names_lead_into_the_network_or_nowhere(web: Web) -> None:
    good = asked(web, "img10.shop-0.example")
    assert [address_of("img10.shop-0.example")] == [str(record.rdata) for record in good.rr]
    assert [] == asked(web, "img10.shop-0.example", "AAAA").rr
    inside = asked(web, "img.inside-v6-name-1.example", "AAAA")
    assert [IPv6Address("::1"), IPv6Address("::ffff:127.0.2.1")] == [
        IPv6Address(bytes(record.rdata.data)) for record in inside.rr
    ]
    assert dnslib.RCODE.NXDOMAIN == asked(web, "img.dead-name-1.example").header.rcode
    assert dnslib.RCODE.SERVFAIL == asked(web, "img.servfail-1.example").header.rcode
    assert dnslib.RCODE.NXDOMAIN == asked(web, "2130706945").header.rcode


def test_a_rebinding_name_is_inside_every_other_time(web: Web) -> None:
    name = "img.rebinding-1.example"
    answers = [asked(web, name).rr[0] for _ in range(4)]
    assert [address_of(name), "127.0.2.1"] * 2 == [str(one.rdata) for one in answers]
    assert {0} == {one.ttl for one in answers}


def test_a_silent_name_gets_no_answer() -> None:
    question = dnslib.DNSRecord.question("img.silent-name-1.example").pack()
    assert None is Zone().reply(question)


@pytest.mark.parametrize("count", [200, 10_000])
def test_a_plan_has_every_kind_and_no_address_twice(count: int) -> None:
    plan = planned(count, 8000)
    assert count == len(plan) == len({one.url for one in plan})
    assert set(BY_NAME) == {one.kind.name for one in plan}
    assert plan == planned(count, 8000)


def test_the_dead_die_in_the_proportions_of_the_real_data() -> None:
    plan = planned(10_000, 8000)
    hosts = {one.url.split("/")[2] for one in plan}
    failing = [one for one in plan if INDEXED not in one.outcomes]
    assert (189, True, True) == (_count(plan, "connect-timeout"), len(hosts) > 400, 1_000 < len(failing) < 1_500)


def _count(plan: list[Planned], kind: str) -> int:
    return sum(one.kind.name == kind for one in plan)


def test_every_kind_that_gets_a_request_has_an_answer() -> None:
    unheard = {"connect-timeout", "reset", "dead-name", "servfail", "silent-name", "tls-eof", "tls-plain", "refused"}
    inside = {"inside", "inside-name", "inside-v6-name"}
    assert set(PLAYS) == {kind.name for kind in KINDS} - unheard - inside | {"good"}
    assert {"inside", "by-address"} == {kind.name for kind in KINDS if kind.place is Place.ADDRESS}
