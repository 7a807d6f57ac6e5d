"""What the flows need of the world, and what they are promised. Each has a real adapter, and a fake in the tests."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from app.domain.features import Vectors
from app.domain.imaging import Prepared, Recipe
from app.domain.jobs import Job, JobState, Outcome, PlannedImage
from app.domain.records import (
    CatalogueImage,
    CatalogueLabel,
    Entry,
    Hit,
    LabelIndex,
    MediaFile,
    ModelCard,
    NewEntry,
    Query,
    Space,
    StoredFeatures,
)

P = ParamSpec("P")
T = TypeVar("T")


class Embedder(Protocol):
    """Pixels -> vectors, on the calling thread."""

    @property
    def card(self) -> ModelCard:
        """What is known of the model."""

    @property
    def recipe(self) -> Recipe:
        """How the pixels that it takes are made."""

    def embed(self, prepared: Sequence[Prepared]) -> Vectors:
        """float32 [n, dimensions] of unit length, row i for photo i. Safe on many threads at once."""


class Workers(Protocol):
    """Threads for work that would block the event loop."""

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function on a worker. Raises BusyError, without calling it, when too many calls wait already."""


class Catalogue(Protocol):
    """What could be indexed. Reading it never changes it; a caller's words never become a path."""

    async def labels(self) -> Sequence[CatalogueLabel]:
        """All labels, ordered by id. Raises CatalogueError when the catalogue is not there."""

    async def label(self, label_id: str) -> CatalogueLabel | None:
        """One label, or None."""

    async def images(self, label_id: str) -> Sequence[CatalogueImage]:
        """A label's images in the catalogue's order, those that will turn out to be none included."""

    def read(self, locator: str, max_bytes: int) -> bytes:
        """An image's encoded bytes, on the calling thread, cut at `max_bytes + 1`. Raises FileNotFoundError."""

    def file(self, locator: str) -> Path | None:
        """The image's file where it is one that can be read now."""


class Media(Protocol):
    """The photos that the service keeps itself: own uploads, and thumbnails as a cache."""

    async def keep(self, image_id: str, data: bytes) -> None:
        """Keep a photo's bytes; once this returns they survive a kill."""

    async def discard(self, image_ids: Sequence[str]) -> None:
        """Forget photos; unknown ids are no error."""

    def original(self, image_id: str) -> Path | None:
        """The file of a kept photo."""

    async def describe(self, path: Path) -> MediaFile | None:
        """A file's type by its bytes, and its ETag; None if it is gone."""

    async def thumbnail(self, sha256: str, path: Path) -> MediaFile | None:
        """The thumbnail of the photo in `path`, made at the first call; None if it is gone or is no image."""


class Store(Protocol):
    """Entries and their vectors; the search.

    **Truth.** When a writing call returns, what it wrote survives a kill at any later point; when it raises, none or
    all of it is there, and the same call again is safe. An entry is named by `image_id`: putting it again replaces it
    whole, so an entry is there once or not at all, never twice.

    **Visibility.** A search that starts after a write returned sees the write: what was put can be found, what was
    dropped cannot. Searches never wait for writes, and each sees one moment of the store.

    **Space.** Only entries of the store's own space are searched and counted by `existing`; older ones stay, stale,
    until they are put again.

    **Order.** Hits come by falling score, ties by image id. The score is the cosine of the query with the kept float16
    vector, in [-1, 1]. `label_ids` narrows the search before it runs: with n entries under the labels, min(k, n) hits
    come back, whatever lies nearer elsewhere. `exact` promises the true nearest; without it a few may be missed.

    **Errors.** StoreUnavailableError when it does not answer. Any number of calls at once.
    """

    @property
    def space(self) -> Space:
        """The live space."""

    @property
    def method(self) -> str:
        """How a search over everything runs now, in a word."""

    async def put(self, entries: Sequence[NewEntry]) -> None:
        """Add entries or replace them, all or none."""

    async def search(self, query: Query) -> Sequence[Hit]:
        """The k entries nearest to the query, in order."""

    async def entry(self, image_id: str) -> Entry | None:
        """One entry of any space, or None."""

    async def features(self, image_id: str) -> StoredFeatures | None:
        """The kept features of an entry in the live space."""

    async def existing(self, image_ids: Sequence[str]) -> Mapping[str, str | None]:
        """Those of the ids that are entries of the live space, each with the job that put it."""

    async def twins(self, sha256s: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """The features in the live space of bytes that were embedded before."""

    async def unindexed(self, label_ids: Collection[str]) -> Collection[str]:
        """Those of the labels under which there is no entry of any space."""

    async def name_label(self, label_id: str, name: str) -> None:
        """Remember what a label is called."""

    async def add_label(self, image_id: str, label_id: str) -> None:
        """Put an entry under one more label."""

    async def drop_label(self, label_id: str) -> Sequence[Entry]:
        """Take a label away; the entries that had no other are gone, and returned."""

    async def labels(self) -> Sequence[LabelIndex]:
        """What is indexed, ordered by label id."""

    async def label(self, label_id: str) -> LabelIndex | None:
        """What is indexed under one label, or None if nothing is."""

    async def ping(self) -> None:
        """Return if the store answers; raise StoreUnavailableError if not."""


class Ledger(Protocol):
    """The durable record of jobs. When a call returns, what it wrote survives a kill at any later point."""

    async def open_index_job(self, label_id: str, limit: int | None) -> tuple[Job, bool]:
        """A new queued job for a label, and True; or the label's live job, and False. Never two live ones."""

    async def open_parent(self, children: Sequence[str]) -> Job:
        """A job whose state and progress are its children's."""

    async def plan(self, job_id: str, images: Sequence[CatalogueImage]) -> None:
        """Write down, once, all images of a job. A second call changes nothing."""

    async def is_planned(self, job_id: str) -> bool:
        """Whether `plan` was called."""

    async def pending(self, job_id: str, after: int, count: int) -> Sequence[PlannedImage]:
        """The next images without an outcome, by position."""

    async def record(self, job_id: str, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes and their sum in the job's progress; an image that has one already keeps it."""

    async def start(self, job_id: str) -> None:
        """Queued -> running."""

    async def finish(self, job_id: str, state: JobState, detail: str | None = None) -> None:
        """End a live job; one that has ended stays as it is."""

    async def cancel(self, job_id: str) -> None:
        """End a live job as cancelled, every image left with that reason; one that has ended stays as it is."""

    async def job(self, job_id: str) -> Job | None:
        """One job."""

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> Sequence[Job]:
        """Jobs, newest first, older than (created_at, job_id)."""

    async def live(self) -> Sequence[Job]:
        """Queued and running jobs that are no parents, oldest first."""

    async def live_job(self, label_id: str) -> Job | None:
        """The label's live job."""

    async def ping(self) -> None:
        """Return if the ledger answers; raise StoreUnavailableError if not."""
