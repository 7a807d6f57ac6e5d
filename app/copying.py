"""The composition root of `lookalike copy`: two stores, opened. What is open is closed backwards, as in `wiring`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from app.adapters.data_folder import owned
from app.adapters.stores.elasticsearch.client import Cluster, opened
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.lease import Lease
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.source import ClusterSource
from app.adapters.stores.elasticsearch.store import ElasticsearchStore
from app.adapters.stores.embedded.source import holds_store, opened_source
from app.adapters.stores.embedded.store import EmbeddedStore
from app.config import Settings
from app.domain.errors import ModelMismatchError, SetupError
from app.domain.ports import CopySource, CopyTarget
from app.domain.spaces import Space
from app.wiring_stores import EMBEDDED, cluster_options, store_options

_STORE: Final = "store"
_LEASES: Final = 2
"""So long is waited for the lease of a process that was killed to run out."""


@asynccontextmanager
async def opened_for_copying(
    source_settings: Settings, target_settings: Settings
) -> AsyncIterator[tuple[CopySource, CopyTarget]]:
    """What is copied from, and what to; a store that is not there yet is made.

    Raises DataFolderError (also for a folder in use), SetupError, ModelMismatchError when the stores' live spaces
    differ, StoreUnavailableError.
    """
    async with AsyncExitStack() as stack:
        source = await _source(source_settings, stack)
        space = await source.space()
        if space is None:
            raise SetupError("There is nothing to copy: no entry is in the store that --from names.")
        open_target = _embedded_target if target_settings.store == EMBEDDED else _cluster_target
        yield source, await open_target(target_settings, space, stack)


async def _source(settings: Settings, stack: AsyncExitStack) -> CopySource:
    if settings.store != EMBEDDED:
        return ClusterSource(await _cluster(settings, stack), Names(settings.store_namespace))
    store = settings.data_dir / _STORE
    if not holds_store(store):  # nothing is made in a folder that was named by mistake
        raise SetupError(f"There is no store in {settings.data_dir}: name a data folder of the service.")
    stack.enter_context(owned(settings.data_dir))
    return stack.enter_context(opened_source(store))


async def _embedded_target(settings: Settings, space: Space, stack: AsyncExitStack) -> CopyTarget:
    folder = stack.enter_context(owned(settings.data_dir)) / _STORE
    if holds_store(folder):
        with opened_source(folder) as present:
            _compare(space, await present.space())
    store = await EmbeddedStore.open(folder, space, readers=1)
    stack.push_async_callback(store.close)
    return store


async def _cluster_target(settings: Settings, space: Space, stack: AsyncExitStack) -> CopyTarget:
    cluster, names = await _cluster(settings, stack), Names(settings.store_namespace)
    live = await ClusterSource(cluster, names).space()
    _compare(space, live)
    fence = Fence()
    store = ElasticsearchStore(cluster, live or space, fence, store_options(settings))
    await store.found()
    lease = Lease(cluster, names, fence, store.found, store.begin, where="", lasts_s=settings.store_lease_s)
    await lease.open()
    stack.push_async_callback(lease.close)
    try:
        async with asyncio.timeout(_LEASES * settings.store_lease_s):
            await lease.acquired()
    except TimeoutError:
        at = f" ({fence.where})" if fence.where else ""
        raise SetupError(
            f"Another process makes the changes in the store that --to names{at}: stop it first."
        ) from None
    return store


def _compare(space: Space, other: Space | None) -> None:
    if other and (space.fingerprint, space.dimensions) != (other.fingerprint, other.dimensions):
        raise ModelMismatchError(
            "The two stores hold vectors of different models, which cannot be compared:"
            f" {_told(space)}, and {_told(other)}. Copy to an empty store."
        )


def _told(space: Space) -> str:
    return f"{space.dimensions} numbers of {space.fingerprint[:12]}"


async def _cluster(settings: Settings, stack: AsyncExitStack) -> Cluster:
    return await stack.enter_async_context(opened(cluster_options(settings)))
