"""What a server answers that no real one can be brought to say: each is a sentence of ours, soon."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from app.adapters.stores.elasticsearch.client import ClusterOptions
from app.adapters.stores.elasticsearch.store import ElasticsearchStore
from app.domain.errors import LookalikeError, SetupError, StoreUnavailableError
from tests.contract.joining import joined
from tests.contract.stores import new, query, unit_vector
from tests.unit.adapters.loopback import Answer, Call, Site, reply, serving

BOUND_S: Final = 20.0
KEY: Final = "a2V5LWlkOnRoZSBzZWNyZXQ="
PASSWORD: Final = "the password"  # noqa: S105 - of nobody
THEIR_WORDS: Final = "words of the other server's own"
ELASTIC: Final = ("X-Elastic-Product: Elasticsearch", "Content-Type: application/json")
VERSION: Final = json.dumps({"nodes": {"n": {"version": "8.19.21"}}}).encode()


def always(data: bytes) -> Answer:
    async def answer(call: Call) -> None:
        await call.reader.readexactly(int(call.headers.get("Content-Length", 0)))
        await call.send(data)

    return answer


def of_version(version: str) -> Answer:
    """A server that tells its version and has nothing."""
    told = reply(200, json.dumps({"nodes": {"n": {"version": version}}}).encode(), *ELASTIC)
    nothing = always(reply(404, b'{"error": {}}', *ELASTIC))

    async def answer(call: Call) -> None:
        await (call.send(told) if call.target.startswith("/_nodes/_local?") else nothing(call))

    return answer


async def check(store: ElasticsearchStore) -> None:
    await store.check()


async def ping(store: ElasticsearchStore) -> None:
    await store.ping()


async def search(store: ElasticsearchStore) -> None:
    await store.search(query(unit_vector(1)))


async def read(store: ElasticsearchStore) -> None:
    await store.entry("i1")


async def put(store: ElasticsearchStore) -> None:
    await store.put([new("i1", unit_vector(1))])


Ask = Callable[[ElasticsearchStore], Awaitable[None]]
ASKING: Final = (check, ping, search, read, put)


def at(*sites: Site, **options: Any) -> ClusterOptions:
    return ClusterOptions(tuple(site.url("") for site in sites), **options)


async def failure(answer: Answer, ask: Ask, **options: Any) -> LookalikeError:
    """What a store raises when it is asked, while a server answers so."""
    async with (
        asyncio.timeout(BOUND_S),
        serving(answer) as site,
        joined(at(site, timeout_s=0.3, **options), "somewhere") as store,
    ):
        with pytest.raises(LookalikeError) as caught:
            await ask(store)
    return caught.value


@pytest.mark.parametrize("version", ["7.17.29", "8.18.4", "10.0.0", "10.1.2-SNAPSHOT"])
async def test_a_version_that_is_not_supported_is_named_at_the_start(version: str) -> None:
    error = await failure(of_version(version), check)
    sentence = f"Elasticsearch {version} is not supported: the service works with 8.19 or later of 8, and with 9."
    assert (SetupError, sentence) == (type(error), str(error))


@pytest.mark.parametrize("version", ["8.19.0", "8.20.1", "9.0.0", "9.12.3-SNAPSHOT"])
async def test_a_version_that_is_supported_is_worked_with(version: str) -> None:
    async with serving(of_version(version)) as site, joined(at(site), "somewhere") as store:
        await store.check()
    assert 4 == len(site.all_calls)


async def test_a_version_that_is_not_supported_is_the_reason_why_the_store_is_not_ready() -> None:
    error = await failure(of_version("7.17.29"), ping)
    assert isinstance(error, StoreUnavailableError)
    assert "Elasticsearch 7.17.29 is not supported" in str(error)


OTHER_PROGRAMS: Final = {
    "a page": reply(200, b"<html>Welcome</html>", "Content-Type: text/html"),
    "JSON": reply(200, VERSION, "Content-Type: application/json"),
    "no such page": reply(404, b"<html>", "Content-Type: text/html"),
    "another method": reply(405, b"{}", "Content-Type: application/json"),
    "no node": reply(200, b"{}", *ELASTIC),
    "no version": reply(200, b'{"nodes": {"n": {"version": "<b>"}}}', *ELASTIC),
}


@pytest.mark.parametrize("kind", OTHER_PROGRAMS)
async def test_another_program_at_the_address_is_told_at_the_start(kind: str) -> None:
    error = await failure(always(OTHER_PROGRAMS[kind]), check)
    expected = "What answers at LOOKALIKE_STORE is no Elasticsearch."
    assert (SetupError, expected) == (type(error), str(error))


@pytest.mark.parametrize("ask", ASKING[1:])
async def test_another_program_at_the_address_is_told_whenever_it_is_asked(ask: Ask) -> None:
    error = await failure(always(OTHER_PROGRAMS["a page"]), ask)
    assert isinstance(error, StoreUnavailableError)
    assert "What answers at LOOKALIKE_STORE is no Elasticsearch." == str(error)


def half(data: bytes) -> Answer:
    """The beginning of a body, and the connection is closed."""

    async def answer(call: Call) -> None:
        await call.send(reply(200, data, f"Content-Length: {2 * len(data)}", *ELASTIC))
        call.writer.close()

    return answer


async def hang(call: Call) -> None:
    await call.reader.read()


async def reset(call: Call) -> None:
    call.reset()


def refusing(status: int) -> Answer:
    error = {"error": {"type": "some_exception", "reason": THEIR_WORDS, "root_cause": [{"reason": THEIR_WORDS}]}}
    return always(reply(status, json.dumps(error).encode(), *ELASTIC))


FAULTS: Final = {
    **{str(status): refusing(status) for status in (401, 403, 408, 429, 500, 502, 503, 504)},
    "a page in place of an error": always(reply(503, THEIR_WORDS.encode(), "Content-Type: text/html")),
    "no JSON": always(reply(200, THEIR_WORDS.encode(), *ELASTIC)),
    "text": always(reply(200, THEIR_WORDS.encode(), ELASTIC[0], "Content-Type: text/plain")),
    "bytes that are no text": always(reply(200, b"\xff\xfe\xff", *ELASTIC)),
    "bytes that are called text": always(reply(200, b"\xff\xfe\xff", ELASTIC[0], "Content-Type: text/plain")),
    "a list": always(reply(200, b"[1, 2]", *ELASTIC)),
    "a type that nobody knows": always(reply(200, b"{}", ELASTIC[0], "Content-Type: application/x-unknown")),
    "half a body": half(VERSION[:20]),
    "half a body that looks whole": half(VERSION),
    "no HTTP": always(THEIR_WORDS.encode() + b"\r\n\r\n"),
    "no answer": hang,
    "a reset": reset,
}


@pytest.mark.parametrize("ask", ASKING)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_told_in_our_own_words(fault: str, ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    error = await failure(FAULTS[fault], ask, api_key=KEY)
    let_in = fault not in {"401", "403"}
    assert isinstance(error, StoreUnavailableError if let_in or ask is not check else SetupError)
    assert str(error).startswith("Elasticsearch ")
    assert THEIR_WORDS not in str(error)
    for secret in (KEY, "127.0.1.1", "http:", "_nodes", "_search", "somewhere@"):
        assert secret not in str(error) + caplog.text


@pytest.mark.parametrize("ask", ASKING)
async def test_no_password_is_told(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    error = await failure(refusing(401), ask, user=("somebody", PASSWORD))
    assert "LOOKALIKE_STORE_PASSWORD" in str(error)
    assert PASSWORD not in str(error) + caplog.text


async def test_an_api_key_arrives_as_it_was_set() -> None:
    async with serving(of_version("8.19.21")) as site, joined(at(site, api_key=KEY), "somewhere") as store:
        await store.check()
    assert {f"ApiKey {KEY}"} == {call.headers["authorization"] for call in site.all_calls}


async def test_one_node_that_fails_is_made_up_for_by_another() -> None:
    async with (
        serving(refusing(503)) as bad,
        serving(of_version("8.19.21")) as good,
        joined(at(bad, good), "somewhere") as store,
    ):
        await store.check()
    assert bad.all_calls


async def test_a_server_that_recovers_is_worked_with_again() -> None:
    answers = [FAULTS["503"]] * 3 + [of_version("8.19.21")] * 4

    async def answer(call: Call) -> None:
        await answers.pop(0)(call)

    async with serving(answer) as site, joined(at(site), "somewhere") as store:
        with pytest.raises(StoreUnavailableError, match="cannot work now"):
            await store.check()
        await store.check()
    assert not answers
