"""The composition root: the one place that names adapters. Closing is building backwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.adapters.allocator import give_memory_back
from app.adapters.catalogs.opening import opened_catalogue, opened_catalogues
from app.adapters.data_folder import owned
from app.adapters.downloading.downloads import open_downloads
from app.adapters.downloading.options import DownloadOptions
from app.adapters.embedding import OnnxEmbedder
from app.adapters.workers import ThreadWorkers, usable_cores
from app.config import Settings
from app.domain.answering.deciding import Thresholds
from app.domain.evaluating.plan import QUERIES
from app.domain.evaluating.summing import Judge
from app.domain.imaging import Limits
from app.domain.jobs import JobKind
from app.domain.learning.reducing import WHOLE, Reduction
from app.domain.ports import Catalogue, Downloads, Embedder, Workers
from app.domain.records import ProductFrom
from app.domain.spaces import Space
from app.flows.adapting import Adapting
from app.flows.answering import Answering
from app.flows.batching import Batching
from app.flows.bringing import Bringing
from app.flows.browsing import Browsing
from app.flows.calibrating import Calibrating
from app.flows.comparing import Comparing
from app.flows.duplicates import Duplicates
from app.flows.editing import Editing
from app.flows.evaluating import Evaluating
from app.flows.evaluations import Evaluations
from app.flows.growing import Growing, ThenChanged
from app.flows.indexing import Indexing
from app.flows.jobs import Jobs
from app.flows.leading import Leading
from app.flows.meeting import Meeting
from app.flows.photos import Photos
from app.flows.pictures import Pictures
from app.flows.querying import Querying
from app.flows.questions import Questions
from app.flows.recent import RecentSearches
from app.flows.recording import Recorder
from app.flows.removing import Removing
from app.flows.rounds import Rounds, Scratch
from app.flows.running import Runner, Work
from app.flows.search_batches import SearchBatches
from app.flows.searching import Searching
from app.flows.services import Services
from app.flows.spaces import Spaces
from app.flows.sweeping import Sweeping
from app.flows.uploading import Uploading
from app.flows.waiting import Waiting
from app.flows.watching import Watching
from app.flows.working import Working
from app.wiring_stores import EMBEDDED, Kept, open_kept, scratch_in

_INDEXING_NICENESS: Final = 10
"""Searches outrank indexing."""
_ON_A_CLUSTER: Final = Reduction(384, from_photos=100_000)
"""Few photos are searched as quickly whole; of many, whole vectors take five times the disk and memory."""
_UNBOUNDED: Final = 1_000_000
"""Indexing bounds itself, by how many batches are under way."""
_BODIES_TIMES: Final = 2
"""Photos in memory for each request in flight: one is read, others wait for their batch."""
_UNDER_WAY_TIMES: Final = 16
"""Images under way for each request in flight: most of them wait, for a busy owner or for a host that is away."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """The adapters, open."""

    embedder: Embedder
    kept: Kept
    catalogue: Catalogue
    queries: Catalogue
    scratch: Scratch
    limits: Limits
    downloads: Downloads
    search_workers: Workers
    index_workers: Workers
    search_threads: int
    index_threads: int


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Build everything; on leaving, close it in reverse. Raises ModelError, DataFolderError, CatalogueError."""
    give_memory_back()
    async with AsyncExitStack() as stack:
        parts = await _open_parts(settings, stack)
        browsing = Browsing(parts.catalogue, parts.kept.store, parts.kept.media, parts.kept.ledger)
        changed = asyncio.Event()
        recent = RecentSearches()
        runner = _runner(settings, parts, browsing, changed, recent)
        leading = _leading(settings, parts, runner, changed)
        await leading.open()
        stack.push_async_callback(leading.close)
        jobs = Jobs(parts.kept.ledger, runner, browsing, parts.kept.store, leading)
        querying = Querying(parts.embedder, parts.search_workers, parts.kept.store, parts.downloads)
        answering = Answering(parts.kept.store, _thresholds(settings), recent, prior_unknown=settings.prior_unknown)
        searching = Searching(querying, answering, parts.kept.store, parts.catalogue)
        at_once = max(1, parts.search_threads - 1)
        yield Services(
            searching=searching,
            search_batches=SearchBatches(searching, parts.downloads, at_once=at_once),
            comparing=Comparing(querying, parts.kept.store),
            duplicates=Duplicates(browsing, parts.kept.store, at_once=at_once),
            browsing=browsing,
            uploading=Uploading(
                parts.embedder,
                parts.search_workers,
                parts.kept.store,
                parts.kept.media,
                ProductFrom(settings.product_from),
                changed=changed,
            ),
            editing=Editing(parts.kept.store, parts.kept.media),
            jobs=jobs,
            leading=leading,
            watching=Watching(parts.kept.ledger, jobs),
            removing=Removing(jobs, parts.kept.store, parts.kept.media),
            spaces=Spaces(runner, parts.kept.store),
            evaluations=Evaluations(
                parts.kept.ledger, runner, parts.kept.store, browsing, has_queries=settings.queries is not None
            ),
            embedder=parts.embedder,
            store=parts.kept.store,
            ledger=parts.kept.ledger,
            max_upload_bytes=settings.max_image_bytes,
        )


@asynccontextmanager
async def open_queries(settings: Settings, cache_folder: Path) -> AsyncIterator[tuple[Catalogue, Photos]]:
    """The catalogue of queries alone, and what reads its photos. Raises CatalogueError."""
    async with AsyncExitStack() as stack:
        queries = await stack.enter_async_context(opened_catalogue(settings.queries, cache_folder, name=QUERIES))
        downloads = await stack.enter_async_context(open_downloads(_download_options(settings)))
        workers = stack.enter_context(closing(ThreadWorkers("queries", 1, _UNBOUNDED)))
        yield queries, Photos(queries, downloads, workers, settings.max_image_bytes)


async def _open_parts(settings: Settings, stack: AsyncExitStack) -> _Parts:
    limits = Limits(settings.max_image_bytes, settings.max_image_pixels, settings.min_image_side)
    cores = usable_cores()
    search_threads, index_threads = settings.workers or cores, settings.index_workers or cores
    folder = stack.enter_context(owned(settings.data_dir))
    embedder = await asyncio.to_thread(
        OnnxEmbedder, settings.model, views=settings.views, colour_weight=settings.colour_weight, limits=limits
    )
    space = Space.raw(embedder.card.fingerprint, embedder.card.dimensions)
    kept = await open_kept(settings, folder, space, stack, readers=search_threads + 1, limits=limits)
    return _Parts(
        embedder=embedder,
        kept=kept,
        catalogue=await stack.enter_async_context(_catalogue(settings, folder / "catalogues")),
        queries=await stack.enter_async_context(
            opened_catalogue(settings.queries, folder / "catalogues" / QUERIES, name=QUERIES)
        ),
        scratch=scratch_in(folder, space),
        limits=limits,
        downloads=await stack.enter_async_context(open_downloads(_download_options(settings))),
        search_workers=stack.enter_context(closing(ThreadWorkers("search", search_threads, settings.search_queue))),
        index_workers=stack.enter_context(
            closing(ThreadWorkers("index", index_threads, _UNBOUNDED, niceness=_INDEXING_NICENESS))
        ),
        search_threads=search_threads,
        index_threads=index_threads,
    )


def _leading(settings: Settings, parts: _Parts, runner: Runner, changed: asyncio.Event) -> Leading:
    kept = parts.kept
    growing = Growing(kept.ledger, kept.store, runner, changed)
    return Leading(kept.leadership, kept.ledger, runner, (growing,) if settings.adapt == "auto" else ())


def _runner(
    settings: Settings, parts: _Parts, browsing: Browsing, changed: asyncio.Event, recent: RecentSearches
) -> Runner:
    product_from = ProductFrom(settings.product_from)
    waiting = Waiting(parts.kept.media)
    indexing = Indexing(
        embedder=parts.embedder,
        workers=parts.index_workers,
        store=parts.kept.store,
        catalogue=parts.catalogue,
        media=parts.kept.media,
        product_from=product_from,
    )
    stage = Batching(indexing.take, waiting, size=settings.index_batch, at_once=parts.index_threads + 1)
    recorder = Recorder(parts.kept.ledger, waiting)
    working = Working(
        ledger=parts.kept.ledger,
        store=parts.kept.store,
        browsing=browsing,
        downloads=parts.downloads,
        meeting=Meeting(parts.kept.store, product_from),
        bringing=Bringing(parts.downloads, stage, parts.kept.store),
        recorder=recorder,
        sweeping=Sweeping(parts.kept.ledger, parts.kept.store, parts.catalogue, parts.kept.media),
        waiting=waiting,
        under_way=_UNDER_WAY_TIMES * settings.downloads,
    )
    learning = parts.kept.ledger, parts.kept.store, parts.index_workers
    calibrating = Calibrating(*learning, recent, prior_unknown=settings.prior_unknown)
    adapting = Adapting(*learning, calibrating, _reduction(settings))
    works: dict[JobKind, Work] = {
        JobKind.INDEX: ThenChanged(working, changed),
        JobKind.ADAPT: adapting,
        JobKind.ACTIVATE: adapting,
        JobKind.CALIBRATE: calibrating,
        JobKind.EVALUATE: _evaluating(settings, parts, browsing),
    }
    return Runner(parts.kept.ledger, works, waiting, jobs_at_once=settings.jobs_at_once, parts=(stage, recorder))


def _evaluating(settings: Settings, parts: _Parts, browsing: Browsing) -> Evaluating:
    judge = Judge(parts.embedder.card.name, _thresholds(settings), settings.prior_unknown)
    kept, workers = parts.kept, parts.index_workers
    photos = Photos(parts.queries, parts.downloads, workers, parts.limits.max_bytes)
    return Evaluating(
        ledger=kept.ledger,
        store=kept.store,
        questions=Questions(parts.queries, photos, parts.embedder, workers, ProductFrom(settings.product_from)),
        rounds=Rounds(
            ledger=kept.ledger,
            store=kept.store,
            workers=workers,
            scratch=parts.scratch,
            judge=judge,
            reduction=_reduction(settings),
            named_ids=settings.catalogs is not None,
        ),
        pictures=Pictures(browsing, photos, workers, parts.limits),
        judge=judge,
    )


def _reduction(settings: Settings) -> Reduction:
    if settings.space_dimensions is None:
        return WHOLE if settings.store == EMBEDDED else _ON_A_CLUSTER
    return Reduction(settings.space_dimensions or None)


def _thresholds(settings: Settings) -> Thresholds:
    return Thresholds(settings.match_threshold, settings.no_match_threshold)


def _catalogue(settings: Settings, cache_folder: Path) -> AbstractAsyncContextManager[Catalogue]:
    if settings.catalogs:
        return opened_catalogues(settings.catalogs, cache_folder)
    return opened_catalogue(settings.catalog, cache_folder, name="catalogue")


def _download_options(settings: Settings) -> DownloadOptions:
    return DownloadOptions(
        at_once=settings.downloads,
        per_owner=settings.downloads_per_owner,
        in_memory=_BODIES_TIMES * settings.downloads,
        attempts=settings.download_attempts,
        connect_timeout_s=settings.download_connect_timeout_s,
        read_timeout_s=settings.download_read_timeout_s,
        total_timeout_s=settings.download_timeout_s,
        query_timeout_s=settings.query_url_timeout_s,
        max_bytes=settings.max_image_bytes,
        obey_robots=settings.robots == "obey",
        contact=settings.contact,
        allowed_networks=settings.allow_networks,
        nameservers=settings.nameservers,
    )
