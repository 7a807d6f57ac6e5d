"""The ports of the model, the workers, the catalogue, kept photos and downloads."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from app.domain.attributes import Attributes
from app.domain.downloads import Fetched, NotFetched
from app.domain.features import Vectors
from app.domain.imaging import Prepared, Recipe
from app.domain.records import (
    BadRecord,
    CatalogueImage,
    CatalogueLabel,
    CatalogueReport,
    Entry,
    HostCount,
    MediaFile,
    ModelCard,
)
from app.domain.regions import LastMaps

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

    def maps(self, prepared: Sequence[Prepared]) -> LastMaps:
        """float32 [n, 7, 7, 1280], the last map of each photo's first view. A run of the network of its own."""


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

    async def attributes(self) -> Attributes:
        """The attributes that its tables declare, as they were last read: only the first reading is waited for.

        A name that two of them declare with different types is left out: no comparison would be right for both.
        """

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

    def is_elsewhere(self, entry: Entry, *, original: bool) -> bool:
        """Whether a photo that is not here, or its thumbnail, may be kept by another process in a folder of its own."""

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
