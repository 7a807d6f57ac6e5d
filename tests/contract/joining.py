"""Stores on a cluster as a process of the service opens them, and what somebody else has there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx

from app.adapters.stores.elasticsearch.client import ClusterOptions, opened
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.mappings import IndexOptions
from app.adapters.stores.elasticsearch.store import ElasticsearchStore, StoreOptions
from app.domain.records import Space
from tests.contract.stores import SPACE


def new_namespace() -> str:
    """One that nobody has."""
    return f"t{uuid4().hex[:12]}"


def prefix(namespace: str) -> str:
    """What the names of aliases begin with for stores that are joined here."""
    return f"{namespace}-"


@asynccontextmanager
async def joined(
    options: ClusterOptions, namespace: str, *, space: Space = SPACE, vector_index: str = "int8_hnsw"
) -> AsyncIterator[ElasticsearchStore]:
    """A store that may change things; nothing is asked of the cluster yet."""
    fence = Fence()
    fence.raise_to(1)
    known = options.api_key is not None or options.user is not None
    store_options = StoreOptions(namespace, prefix(namespace), index=IndexOptions(vector_index), known=known)
    async with opened(options) as cluster:
        yield ElasticsearchStore(cluster, space, fence, store_options)


def everything(client: httpx.Client, name: str) -> list[Any]:
    """All of an index or of what an alias leads to: mappings, settings, aliases, documents."""
    client.post(f"/{name}/_refresh").raise_for_status()
    return [client.get(f"/{name}{path}").raise_for_status().json() for path in ("", "/_search?filter_path=hits.hits")]


def remove(client: httpx.Client, namespace: str) -> None:
    """Delete every index whose name begins so."""
    there = client.get(f"/_resolve/index/{namespace}*").raise_for_status().json()["indices"]
    if there:
        client.delete("/" + ",".join(index["name"] for index in there)).raise_for_status()
