"""The composition of what entries and jobs are kept in: embedded, or on a cluster that several processes share."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pydantic import SecretStr

from app.adapters.ledger.ledger import SqliteLedger
from app.adapters.ledger.mirrored import MirroredLedger
from app.adapters.media import Keep, MediaFolder
from app.adapters.stores.always import AlwaysHeld
from app.adapters.stores.elasticsearch.client import ClusterOptions, opened
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.jobs_mirror import JobSummaries
from app.adapters.stores.elasticsearch.lease import Lease
from app.adapters.stores.elasticsearch.mappings import IndexOptions, Names
from app.adapters.stores.elasticsearch.store import ElasticsearchStore, StoreOptions
from app.adapters.stores.embedded.store import EmbeddedStore
from app.config import Settings
from app.domain.imaging import Limits
from app.domain.ports import Leadership, Ledger, Media, Store
from app.domain.spaces import Space

EMBEDDED: Final = "embedded"
_SCRATCH: Final = "scratch"
_SCRATCH_READERS: Final = 2


@dataclass(frozen=True, slots=True)
class Kept:
    """Where everything is kept, open."""

    store: Store
    ledger: Ledger
    leadership: Leadership
    media: Media


async def open_kept(
    settings: Settings, folder: Path, space: Space, stack: AsyncExitStack, *, readers: int, limits: Limits
) -> Kept:
    """Open the store that the settings name, and what hangs on it. Raises DataFolderError, SetupError."""
    ledger = stack.enter_context(closing(SqliteLedger(folder / "jobs.sqlite3")))
    shared = settings.store != EMBEDDED
    media = MediaFolder(
        settings.media or folder / "media",
        limits,
        Keep(settings.keep),
        settings.min_free_bytes,
        sharer=ledger.ledger_id if settings.media else "",
        others_keep=shared and settings.media is None,
    )
    if shared:
        return await _open_shared(settings, ledger, media, space, stack)
    store = await EmbeddedStore.open(folder / "store", space, readers=readers)
    stack.push_async_callback(store.close)
    return Kept(store, ledger, AlwaysHeld(), media)


async def _open_shared(
    settings: Settings, own_ledger: SqliteLedger, media: Media, space: Space, stack: AsyncExitStack
) -> Kept:
    cluster = await stack.enter_async_context(opened(cluster_options(settings)))
    fence, names = Fence(), Names(settings.store_namespace)
    store = ElasticsearchStore(cluster, space, fence, store_options(settings))
    where = own_address(settings)
    lease = Lease(cluster, names, fence, store.found, store.begin, where=where, lasts_s=settings.store_lease_s)
    await store.check_if_there()
    await lease.open()
    stack.push_async_callback(lease.close)
    ledger = MirroredLedger(own_ledger, JobSummaries(cluster, names, fence), lease, where)
    return Kept(store, ledger, lease, media)


def scratch_in(folder: Path, space: Space) -> Callable[[], AbstractAsyncContextManager[Store]]:
    """What opens temporary stores in a data folder; those of a process that was killed are forgotten."""
    place = folder / _SCRATCH
    shutil.rmtree(place, ignore_errors=True)

    @asynccontextmanager
    async def scratch() -> AsyncIterator[Store]:
        place.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=place) as own:
            store = await EmbeddedStore.open(Path(own), space, readers=_SCRATCH_READERS)
            try:
                yield store
            finally:
                await store.close()

    return scratch


def own_address(settings: Settings) -> str:
    """Where other processes and callers reach this one."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.url or f"http://{host}:{settings.port}"


def cluster_options(settings: Settings) -> ClusterOptions:
    """Where the cluster is, and who asks."""
    scheme, _, hosts = settings.store.partition("://")
    protocol = "https" if scheme.endswith("+https") else "http"
    user, password = settings.store_user, _told(settings.store_password)
    return ClusterOptions(
        nodes=tuple(f"{protocol}://{_with_port(host)}" for host in hosts.rstrip("/").split(",")),
        api_key=_told(settings.store_api_key),
        user=(user, password) if user and password else None,
        ca_file=settings.store_ca_file,
        timeout_s=settings.store_timeout_s,
    )


def _told(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _with_port(host: str) -> str:
    return host if host.rpartition(":")[2].isdigit() else f"{host}:9200"


def store_options(settings: Settings) -> StoreOptions:
    """How indices are named, made and asked."""
    return StoreOptions(
        namespace=settings.store_namespace,
        alias_prefix=settings.alias_prefix,
        candidates=settings.store_candidates,
        index=IndexOptions(settings.store_vector_index, settings.store_shards, settings.store_replicas),
        known=bool(settings.store_api_key or settings.store_user),
    )
