"""The composition root: the one place that names adapters. Closing is building backwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing

from app.adapters.catalogs.empty import EmptyCatalogue
from app.adapters.catalogs.folder import FolderCatalogue
from app.adapters.data_folder import owned
from app.adapters.embedding import OnnxEmbedder
from app.adapters.ledger import SqliteLedger
from app.adapters.media import MediaFolder
from app.adapters.stores.embedded.store import EmbeddedStore
from app.adapters.workers import ThreadWorkers, usable_cores
from app.config import Settings
from app.domain.imaging import Limits
from app.domain.records import ModelCard, ProductFrom, Space
from app.flows.browsing import Browsing
from app.flows.indexing import Indexing
from app.flows.jobs import Jobs
from app.flows.removing import Removing
from app.flows.running import Runner
from app.flows.searching import Searching
from app.flows.services import Services
from app.flows.uploading import Uploading

_INDEXING_NICENESS = 10
"""Searches outrank indexing."""
_UNBOUNDED = 1_000_000
"""Indexing bounds itself, by how many batches are under way."""


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Build everything; on leaving, close it in reverse. Raises ModelError, DataFolderError."""
    limits = Limits(settings.max_image_bytes, settings.max_image_pixels, settings.min_image_side)
    product_from = ProductFrom(settings.product_from)
    cores = usable_cores()
    search_threads, index_threads = settings.workers or cores, settings.index_workers or cores
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(owned(settings.data_dir))
        embedder = await asyncio.to_thread(
            OnnxEmbedder, settings.model, views=settings.views, colour_weight=settings.colour_weight, limits=limits
        )
        store = await EmbeddedStore.open(folder / "store", _raw_space(embedder.card), readers=search_threads + 1)
        stack.push_async_callback(store.close)
        ledger = stack.enter_context(closing(SqliteLedger(folder / "jobs.sqlite3")))
        media = MediaFolder(folder / "media", limits)
        catalogue = FolderCatalogue(settings.catalog) if settings.catalog else EmptyCatalogue()
        search_workers = stack.enter_context(closing(ThreadWorkers("search", search_threads, settings.search_queue)))
        index_workers = stack.enter_context(
            closing(ThreadWorkers("index", index_threads, _UNBOUNDED, niceness=_INDEXING_NICENESS))
        )
        browsing = Browsing(catalogue, store, media)
        indexing = Indexing(embedder, index_workers, store, catalogue, product_from)
        runner = Runner(ledger, indexing, browsing, batch_size=settings.index_batch, batches_at_once=index_threads + 1)
        await runner.open()
        stack.push_async_callback(runner.close)
        jobs = Jobs(ledger, runner, browsing, store)
        yield Services(
            searching=Searching(embedder, search_workers, store, catalogue),
            browsing=browsing,
            uploading=Uploading(embedder, search_workers, store, media, product_from),
            jobs=jobs,
            removing=Removing(jobs, store, media),
            embedder=embedder,
            store=store,
            ledger=ledger,
            max_upload_bytes=settings.max_image_bytes,
        )


def _raw_space(card: ModelCard) -> Space:
    """The space of a model's own features, nothing learned on top."""
    return Space(f"raw-{card.fingerprint[:12]}", card.fingerprint, card.dimensions)
