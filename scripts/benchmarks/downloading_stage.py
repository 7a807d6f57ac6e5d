"""The service's downloading stage as wiring builds it, with its ledger and its files, and nothing behind it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

from app.adapters.downloading.downloads import open_downloads
from app.adapters.downloading.options import DownloadOptions
from app.adapters.ledger.ledger import SqliteLedger
from app.adapters.media import MediaFolder
from app.adapters.workers import ThreadWorkers
from app.domain.errors import Reason
from app.domain.imaging import Limits, media_type
from app.domain.jobs import JobRequest
from app.domain.ports import Ledger, Media, Store, Workers
from app.domain.records import CatalogueImage, ProductFrom, Standing
from app.flows.batching import Arrived, Batching, Rejected, Taken
from app.flows.bringing import Bringing
from app.flows.meeting import Meeting
from app.flows.recording import Recorder
from app.flows.run import Run
from app.flows.sweeping import Sweeping
from app.flows.waiting import Waiting
from app.flows.working import Working

_LABEL = "photos"
_BATCH = 32
_BATCHES_AT_ONCE = 1
_HEAD_BYTES = 64


class _EmptyStore:
    """Nothing is indexed, and nothing will be."""

    async def existing(self, image_ids: Sequence[str]) -> Mapping[str, Standing]:  # noqa: ARG002
        """None."""
        return {}

    async def deleted(self, image_ids: Sequence[str]) -> Collection[str]:  # noqa: ARG002
        """None."""
        return ()

    async def add_label(self, image_ids: Sequence[str], label_id: str) -> None:
        """Nobody."""


class Keeping:
    """The stage that keeps files: told by their bytes, hashed, written."""

    def __init__(self, media: Media, workers: Workers) -> None:
        """Work is done on `workers`."""
        self._media = media
        self._workers = workers
        self.digests: list[bytes] = []

    async def take(self, batch: Sequence[Arrived]) -> list[Taken | Rejected]:
        """What became of each."""
        return await self._workers.run(self._take, batch)

    def _take(self, batch: Sequence[Arrived]) -> list[Taken | Rejected]:
        photos = {one.image.image_id: one.data for one in batch if one.data and media_type(one.data[:_HEAD_BYTES])}
        self.digests += [hashlib.sha256(data).digest() for data in photos.values()]
        self._media.keep_downloads(photos)
        return [
            Taken(embedded=False) if one.image.image_id in photos else Rejected(Reason.NOT_AN_IMAGE, fetched=True)
            for one in batch
        ]


@asynccontextmanager
async def _stage(folder: Path, ledger: Ledger) -> AsyncIterator[Working]:
    media = MediaFolder(folder / "media", Limits())
    waiting, store = Waiting(media), cast("Store", _EmptyStore())
    options = DownloadOptions(contact="benchmark@example.com", allowed_networks=(ip_network("127.0.0.0/8"),))
    with closing(ThreadWorkers("keep", _BATCHES_AT_ONCE, 1_000)) as workers:
        stage = Batching(Keeping(media, workers).take, waiting, size=_BATCH, at_once=_BATCHES_AT_ONCE)
        recorder = Recorder(ledger, waiting)
        async with open_downloads(options) as downloads:
            stage.open()
            recorder.open()
            yield Working(
                ledger=ledger,
                store=store,
                browsing=cast("Any", None),  # the job is planned already, and nothing is swept behind it
                downloads=downloads,
                meeting=Meeting(store, ProductFrom.AUTO),
                bringing=Bringing(downloads, stage, store),
                recorder=recorder,
                sweeping=Sweeping(ledger, store, cast("Any", None), media),
                waiting=waiting,
                under_way=16 * options.at_once,
            )
            await recorder.close()
            await stage.close()


async def download(urls: Sequence[str], folder: Path) -> None:
    """Bring every address as a job of the service would."""
    with closing(SqliteLedger(folder / "jobs.sqlite3")) as ledger:
        job, _ = await ledger.open_index_job(JobRequest(_LABEL, len(urls)))
        images = [CatalogueImage(str(number), str(number), _LABEL, None, "", (url,)) for number, url in enumerate(urls)]
        await ledger.plan(job.job_id, 0, images)
        await ledger.planned(job.job_id, len(images))
        async with _stage(folder, ledger) as working:
            await working.work(Run(job))
        await asyncio.sleep(0)
