"""The lease on a real server."""

import asyncio
from uuid import uuid4

from app.adapters.stores.elasticsearch.client import Cluster, ClusterOptions, opened
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.lease import Lease
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.store import ElasticsearchStore, StoreOptions
from tests.contract.stores import SPACE

LASTS_S = 4.0
WAIT_S = 60.0


async def test_to_begin_may_take_longer_than_a_lease_and_nobody_else_takes_it_meanwhile(elasticsearch_8: str) -> None:
    namespace = f"t{uuid4().hex[:12]}"
    async with opened(ClusterOptions((elasticsearch_8,))) as cluster:
        began, begun = list[str](), asyncio.Event()
        first = lease(cluster, namespace, "http://first", began, begun, begin_s=3 * LASTS_S)
        second = lease(cluster, namespace, "http://second", began, begun, begin_s=0.0)
        opening = asyncio.create_task(first.open())
        async with asyncio.timeout(WAIT_S):
            await begun.wait()  # a busy machine is slow to make the indices
        await second.open()
        await opening
        held = [first.held, second.held]
        await second.close()
        await first.close()
        for index in ("entries", "state", "jobs"):
            await cluster.request("DELETE", f"/{namespace}@{index}")
    assert [True, False] == held
    assert ["http://first"] == began


def lease(
    cluster: Cluster, namespace: str, where: str, began: list[str], begun: asyncio.Event, begin_s: float
) -> Lease:
    fence = Fence()
    store = ElasticsearchStore(cluster, SPACE, fence, StoreOptions(namespace, f"{namespace}-"))

    async def begin() -> None:
        began.append(where)
        begun.set()
        await asyncio.sleep(begin_s)

    return Lease(cluster, Names(namespace), fence, store.found, begin, where=where, lasts_s=LASTS_S)
