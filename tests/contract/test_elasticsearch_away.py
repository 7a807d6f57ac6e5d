"""A cluster that is away, in whole or in part."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import pytest

from app.adapters.stores.elasticsearch.client import ClusterOptions
from app.adapters.stores.elasticsearch.mappings import IndexOptions, space_index
from app.domain.errors import StoreUnavailableError
from tests.contract.joining import Tenancy, joined, tenant, working
from tests.contract.stores import SPACE, found, new, put_all, unit_vector

NORTH: Final = unit_vector(1)


@pytest.fixture(params=["elasticsearch_8", "elasticsearch_9"])
def tenancy(request: pytest.FixtureRequest) -> Iterator[Tenancy]:
    with tenant(request.getfixturevalue(request.param)) as tenancy:
        yield tenancy


async def test_a_cluster_that_comes_later_is_worked_with_then(tenancy: Tenancy) -> None:
    async with _closed_door(tenancy.url) as door, joined(ClusterOptions((door.url,)), tenancy.namespace) as store:
        for call in (store.check, store.found, store.ping):
            with pytest.raises(StoreUnavailableError, match=r"Elasticsearch does not answer\."):
                await call()
        with pytest.raises(StoreUnavailableError):
            await found(store, NORTH)
        await door.open()
        await store.ping()
        await store.found()
        await store.begin()
        await put_all(store, [new("i1", NORTH)])
        assert ["i1"] == await found(store, NORTH)


class _Door:
    """An address that leads to a server once it is open; nobody listens there before."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self._server: asyncio.Server | None = None
        self.url = ""

    async def reserve(self) -> None:
        """Take a port and leave it closed."""
        server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        server.close()
        await server.wait_closed()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._lead, "127.0.0.1", self._port)

    async def close(self) -> None:
        if self._server:
            self._server.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, there = await asyncio.open_connection(self._to.hostname, self._to.port)
        await asyncio.gather(_copy(reader, there), _copy(back, writer))


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        to.write(data)
        await to.drain()
    to.close()


@asynccontextmanager
async def _closed_door(url: str) -> AsyncIterator[_Door]:
    door = _Door(url)
    await door.reserve()
    yield door
    await door.close()


async def test_a_part_that_is_away_makes_the_store_not_ready_until_it_is_back(tenancy: Tenancy) -> None:
    index = f"{tenancy.namespace}@{SPACE.space_id}"
    away = "index.routing.allocation.require._name"
    body = space_index(SPACE, IndexOptions(replicas="0"))
    body["settings"][away] = "a node that is not there"
    tenancy.put(f"/{index}", body, wait_for_active_shards="0")
    async with joined(tenancy.options, tenancy.namespace) as store:
        await store.found()
        with pytest.raises(StoreUnavailableError, match=r"A part of what is kept on Elasticsearch is away"):
            await store.ping()
        with pytest.raises(StoreUnavailableError, match=r"Elasticsearch answers, but cannot work now\."):
            await found(store, NORTH)
        tenancy.put(f"/{index}/_settings", {away: None})
        tenancy.somebody.get(f"/_cluster/health/{index}", params={"wait_for_status": "green"}).raise_for_status()
        await store.ping()
        assert not await found(store, NORTH)


async def test_changes_of_a_blocked_index_are_told_as_such(tenancy: Tenancy) -> None:
    block = f"/{tenancy.namespace}@*/_settings"
    async with working(tenancy) as store:
        tenancy.put(block, {"index.blocks.write": True})
        with pytest.raises(StoreUnavailableError, match=r"Elasticsearch takes no changes now: an index of ours"):
            await store.put([new("i1", NORTH)])
        assert await store.entry("i1") is None
        tenancy.put(block, {"index.blocks.write": None})
        await put_all(store, [new("i1", NORTH)])
