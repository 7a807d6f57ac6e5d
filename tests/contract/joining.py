"""Stores on a cluster as a process of the service opens them, and what somebody else has there."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final
from uuid import uuid4

import httpx

from app.adapters.stores.elasticsearch.client import ClusterOptions, opened
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.mappings import IndexOptions
from app.adapters.stores.elasticsearch.store import ElasticsearchStore, StoreOptions
from app.domain.spaces import Space
from tests.contract.stores import SPACE

_LEASES: Final = count(1)


def new_namespace() -> str:
    """One that nobody has."""
    return f"t{uuid4().hex[:12]}"


def prefix(namespace: str) -> str:
    """What the names of aliases begin with for stores that are joined here."""
    return f"{namespace}-"


@asynccontextmanager
async def joined(
    options: ClusterOptions,
    namespace: str,
    *,
    space: Space = SPACE,
    vector_index: str = "int8_hnsw",
    indexer: bool = True,
) -> AsyncIterator[ElasticsearchStore]:
    """A store that may change things, or only searches; nothing is asked of the cluster yet."""
    fence = Fence()
    if indexer:
        fence.raise_to(next(_LEASES))
    known = options.api_key is not None or options.user is not None
    store_options = StoreOptions(namespace, prefix(namespace), index=IndexOptions(vector_index), known=known)
    async with opened(options) as cluster:
        yield ElasticsearchStore(cluster, space, fence, store_options)


@dataclass(frozen=True)
class Tenancy:
    """A namespace on a real cluster, and somebody else who works there too."""

    url: str
    namespace: str
    somebody: httpx.Client

    @property
    def options(self) -> ClusterOptions:
        return ClusterOptions((self.url,))

    @property
    def theirs(self) -> str:
        """The name of an index of somebody else's."""
        return f"{self.namespace}-theirs"

    def put(self, path: str, body: object, **params: str) -> None:
        self.somebody.put(path, json=body, params=params).raise_for_status()

    def make_theirs(self, name: str) -> None:
        """An index of somebody else's, with a document."""
        self.put(f"/{name}", {"mappings": {"properties": {"colour": {"type": "keyword"}}}})
        self.put(f"/{name}/_doc/1", {"colour": "red"})

    def alias(self, index: str, name: str, **fields: Any) -> None:
        self.put(f"/{index}/_alias/{name}", fields)

    def indices(self) -> list[str]:
        """The names of all, ours and theirs."""
        there = self.somebody.get(f"/_resolve/index/{self.namespace}*").raise_for_status().json()
        return [index["name"] for index in there["indices"]]

    def aliases(self, index: str) -> dict[str, Any]:
        answer = self.somebody.get(f"/{index}/_alias").raise_for_status().json()
        aliases: dict[str, Any] = answer[index]["aliases"]
        return aliases


@contextmanager
def tenant(url: str) -> Iterator[Tenancy]:
    """A new namespace; what is in it is removed at the end."""
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as somebody:
        tenancy = Tenancy(url, new_namespace(), somebody)
        yield tenancy
        remove(somebody, tenancy.namespace)


@asynccontextmanager
async def working(tenancy: Tenancy) -> AsyncIterator[ElasticsearchStore]:
    """A store that is ready for changes."""
    async with joined(tenancy.options, tenancy.namespace) as store:
        await store.found()
        await store.begin()
        yield store


def everything(client: httpx.Client, name: str) -> list[Any]:
    """All of an index or of what an alias leads to: mappings, settings, aliases, documents."""
    client.post(f"/{name}/_refresh").raise_for_status()
    return [client.get(f"/{name}{path}").raise_for_status().json() for path in ("", "/_search?filter_path=hits.hits")]


def remove(client: httpx.Client, namespace: str) -> None:
    """Delete every index whose name begins so."""
    there = client.get(f"/_resolve/index/{namespace}*").raise_for_status().json()["indices"]
    if there:
        client.delete("/" + ",".join(index["name"] for index in there)).raise_for_status()
