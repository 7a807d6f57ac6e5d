"""Small parts for tests of the flows: a ledger in memory, downloads from a dictionary, a stage that takes all."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import numpy as np

from app.domain.downloads import Fetched, NotFetched
from app.domain.errors import Reason, StoreUnavailableError
from app.domain.jobs import FailedImage, Job, JobKind, JobMode, JobState, Outcome, PlannedImage
from app.domain.ports import Catalogue, Ledger, Media, Store
from app.domain.records import CatalogueImage, Entry, NewEntry, Origin
from app.domain.spaces import Space
from app.flows.batching import Arrived, Rejected, Taken
from app.flows.recording import Recorder
from app.flows.sweeping import Sweeping
from app.flows.waiting import Waiting

SPACE = Space("raw", "fingerprint", 4)


def job(mode: JobMode = JobMode.RESUME, job_id: str = "a1", label_id: str = "cups") -> Job:
    return Job(job_id, JobKind.INDEX, JobState.RUNNING, label_id, datetime.now(UTC), mode=mode)


def image(image_id: str, *urls: str, label_id: str = "cups", locator: str = "") -> CatalogueImage:
    return CatalogueImage(image_id, image_id, label_id, None, locator, urls, title=f"title of {image_id}")


def planned(image_id: str, *urls: str, position: int = 0, label_id: str = "cups", locator: str = "") -> PlannedImage:
    return PlannedImage(position, image(image_id, *urls, label_id=label_id, locator=locator))


def new_entry(
    image_id: str,
    *,
    job_id: str = "before",
    locator: str = "http://one/",
    origin: Origin = Origin.DOWNLOAD,
    label_ids: tuple[str, ...] = ("cups",),
) -> NewEntry:
    entry = Entry(image_id, image_id, label_ids, image_id, 9, 9, "00" * 32, b"", origin, locator, job_id=job_id)
    return NewEntry(entry, np.array([1, 0, 0, 0], np.float16))


@dataclass
class FakeDownloads:
    """Serves what is in `pages`; an event there is waited for first. Everything else is a 404."""

    pages: dict[str, bytes | asyncio.Event | Reason] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    remarks: Sequence[str] = ()

    @asynccontextmanager
    async def fetch(self, url: str) -> AsyncIterator[Fetched | NotFetched]:
        """The page, or the reason."""
        self.asked.append(url)
        page = self.pages.get(url, Reason.HTTP_404)
        if isinstance(page, asyncio.Event):
            await page.wait()
            page = b"late"
        yield NotFetched(url, page, 1) if isinstance(page, Reason) else Fetched(url, page, 1)

    async def query_photo(self, url: str) -> bytes:
        """The page."""
        page = self.pages[url]
        assert isinstance(page, bytes)
        return page


@dataclass
class FakeStage:
    """Takes everything but bytes that say so."""

    taken: list[Arrived] = field(default_factory=list)

    async def add(self, arrived: Arrived) -> Taken | Rejected:
        """Take it."""
        await asyncio.sleep(0)
        if arrived.data == b"no photo":
            return Rejected(Reason.NOT_AN_IMAGE, fetched=True)
        if arrived.data is None and arrived.image.locator == "gone":
            return Rejected(Reason.FILE_MISSING, fetched=False)
        self.taken.append(arrived)
        return Taken(embedded=True)


@dataclass
class FakeLedger:
    """Keeps outcomes and failures; `away` counts how many calls still fail."""

    recorded: list[Mapping[str, Sequence[Outcome]]] = field(default_factory=list)
    failed: list[FailedImage] = field(default_factory=list)
    away: int = 0
    bug: Exception | None = None

    async def record(self, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
        """Keep them, if it is there."""
        await asyncio.sleep(0)
        if self.bug:
            raise self.bug
        if self.away:
            self.away -= 1
            raise StoreUnavailableError("away")
        self.recorded.append(outcomes)

    async def failures(
        self, job_id: str, *, reasons: Collection[Reason] = (), after: int = 0, count: int
    ) -> list[FailedImage]:
        """Those that were put here."""
        found = [one for one in self.failed if one.seq > after and one.job_id == job_id and one.reason in reasons]
        return found[:count]


@dataclass
class FakeCatalogue:
    """One block of images."""

    listed: list[CatalogueImage]

    async def images(self, label_id: str) -> AsyncGenerator[Sequence[CatalogueImage], None]:
        """The label's."""
        yield [image for image in self.listed if image.label_id == label_id]


@dataclass
class FakeMedia:
    """Remembers what was discarded; has room after so many looks."""

    full_for: int = 0
    discarded: list[str] = field(default_factory=list)

    async def discard(self, entries: Sequence[Entry]) -> None:
        """Remember."""
        self.discarded += [entry.image_id for entry in entries]

    def has_room(self) -> bool:
        """Not at first."""
        self.full_for -= 1
        return self.full_for < 0


# Each fake knows what the part in question asks of it, and no more of its port.


def waiting_for(media: FakeMedia) -> Waiting:
    return Waiting(cast("Media", media))


def recorder_of(ledger: FakeLedger, waiting: Waiting | None = None) -> Recorder:
    return Recorder(cast("Ledger", ledger), waiting or waiting_for(FakeMedia()))


def sweeping_of(ledger: FakeLedger, store: Store, catalogue: FakeCatalogue, media: FakeMedia) -> Sweeping:
    return Sweeping(cast("Ledger", ledger), store, cast("Catalogue", catalogue), cast("Media", media))
