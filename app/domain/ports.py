"""What the flows need of the world, and what they are promised. Each has a real adapter, and a fake in the tests."""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from app.domain.downloads import Fetched, NotFetched
from app.domain.errors import Reason
from app.domain.features import Vectors
from app.domain.imaging import Prepared, Recipe
from app.domain.jobs import FailedImage, HostOutcomes, Job, JobRequest, JobState, Outcome, PlannedImage
from app.domain.records import (
    BadRecord,
    CatalogueImage,
    CatalogueLabel,
    CatalogueReport,
    Description,
    Entry,
    Hit,
    HostCount,
    LabelIndex,
    MediaFile,
    Member,
    ModelCard,
    NewEntry,
    Query,
    Space,
    Standing,
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
    """What could be indexed. Reading it never changes it; a caller's words never become a path.

    Files that changed are read again before the next call is answered. Each call raises CatalogueError when the
    catalogue is not there or cannot be read.
    """

    async def labels(self) -> Sequence[CatalogueLabel]:
        """All labels, ordered by id."""

    async def label(self, label_id: str) -> CatalogueLabel | None:
        """One label, or None."""

    def images(self, label_id: str) -> AsyncGenerator[Sequence[CatalogueImage], None]:
        """A label's images in blocks, in the catalogue's order, those that will turn out to be none included."""

    async def hosts(self, label_id: str, count: int) -> Sequence[HostCount]:
        """The hosts that most of a label's images come from, busiest first; none for files."""

    async def reports(self) -> Sequence[CatalogueReport]:
        """What reading found, for each catalogue."""

    async def bad_records(self, name: str, after: int, count: int) -> Sequence[BadRecord]:
        """A catalogue's records that could not be taken as they are: those behind the first `after`."""

    def read(self, locator: str, max_bytes: int) -> bytes:
        """An image's encoded bytes, on the calling thread, cut at `max_bytes + 1`. Raises FileNotFoundError."""

    def file(self, locator: str) -> Path | None:
        """The image's file where it is one that can be read now."""


class Media(Protocol):
    """The photos that the service keeps itself: own uploads, what was downloaded, and thumbnails as a cache."""

    async def keep(self, image_id: str, data: bytes) -> None:
        """Keep an upload's bytes; once this returns they survive a kill. Raises StoreUnavailableError."""

    def keep_downloads(self, photos: Mapping[str, bytes]) -> None:
        """Keep downloaded photos by image id, as far as the settings say, on the calling thread; a kill spares them.

        Raises StoreUnavailableError.
        """

    async def discard(self, entries: Sequence[Entry]) -> None:
        """Forget the files of entries that are gone; those of the catalogue are not touched."""

    def original(self, image_id: str) -> Path | None:
        """The file of a kept photo."""

    async def describe(self, path: Path) -> MediaFile | None:
        """A file's type by its bytes, and its ETag; None if it is gone."""

    async def thumbnail(self, entry: Entry, original: Path | None) -> MediaFile | None:
        """An entry's thumbnail: kept, or made from its photo at the first call; None where there is neither."""

    def has_room(self) -> bool:
        """Whether the disk has more space left than must stay free; may block."""


class Downloads(Protocol):
    """Photos from the web, politely and without a way into the networks that are not allowed."""

    @property
    def remarks(self) -> Sequence[str]:
        """What a job that downloads should say of how it is done, such as that robots.txt is not obeyed."""

    def fetch(self, url: str) -> AbstractAsyncContextManager[Fetched | NotFetched]:
        """One address -> its bytes, or the reason why not; never raises for what the web does.

        The bytes count against what may be in memory until the context is left; entering waits for its turn.
        """

    async def query_photo(self, url: str) -> bytes:
        """A searcher's own address -> its bytes, within a short time. Raises InvalidRequestError url_not_fetchable."""


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
        """Add entries or replace them, all or none; those that were deleted one by one are passed over."""

    async def search(self, query: Query) -> Sequence[Hit]:
        """The k entries nearest to the query, in order."""

    async def entry(self, image_id: str) -> Entry | None:
        """One entry of any space, or None."""

    async def features(self, image_id: str) -> StoredFeatures | None:
        """The kept features of an entry in the live space."""

    async def existing(self, image_ids: Sequence[str]) -> Mapping[str, Standing]:
        """Those of the ids that are entries of the live space."""

    async def twins(self, sha256s: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """The features in the live space of bytes that were embedded before."""

    async def unindexed(self, label_ids: Collection[str]) -> Collection[str]:
        """Those of the labels under which there is no entry of any space."""

    async def name_labels(self, names: Mapping[str, str]) -> None:
        """Remember what labels, by their ids, are called."""

    async def add_label(self, image_ids: Sequence[str], label_id: str) -> None:
        """Put entries under one more label; unknown ids are no error."""

    async def describe(self, descriptions: Mapping[str, Description]) -> None:
        """Give entries, by their image ids, another product, title and attributes; unknown ids are no error."""

    async def members(self, label_id: str, after: str, count: int) -> Sequence[Member]:
        """The next entries under a label, of any space, by rising image id beyond `after`."""

    async def take_out(self, image_ids: Sequence[str], label_id: str) -> Sequence[Entry]:
        """Take entries from under a label; those that had no other are gone, and returned."""

    async def delete(self, image_id: str) -> Entry | None:
        """Delete an entry and remember that it was: `put` passes over it from now on, unless as an upload."""

    async def deleted(self, image_ids: Sequence[str]) -> Collection[str]:
        """Those of the ids that were deleted and not uploaded since."""

    async def forgive(self, label_id: str) -> None:
        """Forget what was deleted under a label: it can be put again. `drop_label` does so too."""

    async def counts(self) -> Mapping[str, int]:
        """How many entries of any space are under each label that has some. Quick, however many there are."""

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

    async def open_index_job(self, request: JobRequest) -> tuple[Job, bool]:
        """A new queued job for a label, and True; or the label's live job, and False. Never two live ones."""

    async def open_index_jobs(self, requests: Sequence[JobRequest]) -> Job:
        """A parent of such jobs, live ones linked: all of them or none."""

    async def open_retry(self, job_id: str, reasons: Collection[Reason]) -> tuple[Job, bool]:
        """A new planned job of the images of an ended one that failed for one of the reasons; of a parent, a parent.

        Where the label has another live job, that is the answer, and False. Raises NotFoundError job_not_found;
        ConflictError job_live while the job itself is live, nothing_to_retry when no image failed for these reasons.
        """

    async def plan(self, job_id: str, first: int, images: Sequence[CatalogueImage]) -> None:
        """Write down images of a job from the position `first` on; what was planned there before is replaced."""

    async def planned(self, job_id: str, total: int) -> None:
        """The plan is whole, and has so many images."""

    async def is_planned(self, job_id: str) -> bool:
        """Whether `planned` was called."""

    async def pending(self, job_id: str, after: int, count: int) -> Sequence[PlannedImage]:
        """The next images without an outcome, by position."""

    async def record(self, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
        """Write jobs' outcomes and their sums in the jobs' progress; an image that has one already keeps it."""

    async def start(self, job_id: str, remarks: Sequence[str] = ()) -> None:
        """Queued -> running."""

    async def finish(self, job_id: str, state: JobState, detail: str | None = None) -> None:
        """End a live job; one that has ended stays as it is."""

    async def cancel(self, job_id: str) -> None:
        """End a live job as cancelled, every image left with that reason; one that has ended stays as it is."""

    async def job(self, job_id: str) -> Job | None:
        """One job."""

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> Sequence[Job]:
        """Jobs, newest first, older than (created_at, job_id)."""

    async def failures(
        self, job_id: str, *, reasons: Collection[Reason] = (), after: int = 0, count: int
    ) -> Sequence[FailedImage]:
        """A job's failures, or its children's, by rising `seq` and beyond `after`; all reasons if none is named."""

    async def host_outcomes(self, label_id: str) -> Sequence[HostOutcomes]:
        """What became of a label's images by host, the busiest first."""

    async def live(self) -> Sequence[Job]:
        """Queued and running jobs that are no parents, oldest first."""

    async def live_job(self, label_id: str) -> Job | None:
        """The label's live job."""

    async def ping(self) -> None:
        """Return if the ledger answers; raise StoreUnavailableError if not."""
