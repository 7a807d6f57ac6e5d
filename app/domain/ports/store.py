"""The ports of the store, and of the right to change it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

from app.domain.answering.report import CalibrationReport
from app.domain.evaluating.records import Evaluation
from app.domain.records import (
    Description,
    Entry,
    GalleryBlock,
    Hit,
    LabelIndex,
    Member,
    NewEntry,
    ProductPhotos,
    Query,
    Standing,
    StoredFeatures,
)
from app.domain.spaces import LearnedSpace, Space, SpaceCard

MAX_PHOTOS: Final = 200
"""Photos of a product that tell how it looks."""
MAX_EVALUATIONS: Final = 50
"""Evaluations that are kept, the latest."""


class Store(Protocol):
    """Entries and their vectors; the search.

    **Truth.** When a writing call returns, what it wrote survives a kill at any later point; when it raises, each entry
    is as it was or as it was to be, and the same call again is safe. An entry is named by `image_id`: putting it again
    replaces it whole, so an entry is there once or not at all, never twice.

    **Visibility.** What is asked by image id (`entry`, `entries`, `features`, `existing`, `deleted`) sees every write
    that returned. Searches, lists and counts see what was deleted, taken out or dropped go with that call's return;
    what was put, labelled or described they see from the return of the next `refresh` on, if not before. Searches
    never wait for writes.

    **Space.** The truth keeps the features of one model, or of several over time; only entries of the store's own model
    are searched and counted by `existing`, older ones stay, stale, until they are put again. What is searched are these
    features' vectors in the live space. Every call keeps to one space: an answer never mixes two.

    **Order.** Hits come by falling score, ties by image id. The score is the cosine of the query with the float16
    vector, in [-1, 1]. `label_ids` narrows the search before it runs: with n entries under the labels, min(k, n) hits
    come back, whatever lies nearer elsewhere. `exact` promises the true nearest; without it a few may be missed.

    **Errors.** StoreUnavailableError when it does not answer; NotTheIndexerError for a change where another process
    makes them. Any number of calls at once.
    """

    @property
    def space(self) -> Space:
        """The live space."""

    @property
    def method(self) -> str:
        """How a search over everything runs now, in a word."""

    async def put(self, entries: Sequence[NewEntry]) -> Collection[str]:
        """Add entries or replace them; those that were deleted one by one are passed over.

        The image ids of entries that the store will never take.
        """

    async def refresh(self) -> None:
        """Let everything that starts from now on see what was written."""

    async def search(self, query: Query) -> Sequence[Hit]:
        """The k entries nearest to the query, in order.

        Raises InvalidRequestError exact_too_large where `exact` is promised for fewer entries only, SpaceChangedError
        if another space is live than the query names.
        """

    async def photos_of(self, product_ids: Sequence[str], space_id: str) -> Mapping[str, ProductPhotos]:
        """Photos of those of the products that have some in the live space, up to MAX_PHOTOS of each by image id.

        Raises SpaceChangedError if another space is live.
        """

    async def product_sizes(self, after: str, count: int) -> Mapping[str, int]:
        """How many photos of the live space's model the next products by rising id beyond `after` have, in order."""

    async def entries_of(self, product_id: str, after: str, count: int) -> Sequence[Entry]:
        """The next photos of a product of the live space's model by rising image id beyond `after`."""

    async def gallery(self, after: str, count: int) -> GalleryBlock:
        """The next photos of the live space's model by rising image id beyond `after`; none at the end."""

    async def entry(self, image_id: str) -> Entry | None:
        """One entry of any space, or None."""

    async def entries(self, image_ids: Sequence[str]) -> Mapping[str, Entry]:
        """Those of the ids that are entries of any space."""

    async def features(self, image_id: str) -> StoredFeatures | None:
        """The kept features of an entry in the live space."""

    async def existing(self, image_ids: Sequence[str]) -> Mapping[str, Standing]:
        """Those of the ids that are entries of the live space."""

    async def twins(self, sha256s: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """The features in the live space of bytes that were embedded before."""

    async def unindexed(self, label_ids: Collection[str]) -> Collection[str]:
        """Those of the labels under which there is no entry of any space."""

    async def name_labels(self, names: Mapping[str, str]) -> None:
        """Remember what labels, by their ids, are called. Raises ConflictError name_taken."""

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

    async def spaces(self) -> Sequence[SpaceCard]:
        """The spaces of this model's features: those that were learned, the latest first, and the raw one."""

    async def keep_space(self, learned: LearnedSpace) -> None:
        """Keep a space that was learned, for good; it is not live yet."""

    async def activate(self, space_id: str) -> None:
        """Bring a space to where the truth is, beside the live one, and make it the live one at once.

        Searches go on meanwhile, in the one before. Raises NotFoundError space_not_found.
        """

    async def keep_calibration(self, report: CalibrationReport) -> None:
        """Keep how sure answers in a space are, in place of what was kept for that space."""

    async def calibration(self, space_id: str) -> CalibrationReport | None:
        """What was kept last for a space."""

    async def keep_evaluation(self, evaluation: Evaluation) -> None:
        """Keep an evaluation with its pictures, in place of what was kept under its id.

        Of more than MAX_EVALUATIONS the oldest go.
        """

    async def evaluation(self, evaluation_id: str) -> Evaluation | None:
        """What was kept under an id, or None."""

    async def features_of(self, image_ids: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """The kept features of those of the ids that are entries of the live space's model."""

    async def drop_space(self, space_id: str) -> None:
        """Forget a space. Raises NotFoundError space_not_found, ConflictError space_live (also for the raw one)."""

    async def ping(self) -> None:
        """Return if the store answers; raise StoreUnavailableError if not."""


class Leadership(Protocol):
    """Whether this process makes the changes: of several on one store, one at a time does. It is the indexer."""

    @property
    def held(self) -> bool:
        """Whether it does now."""

    @property
    def where(self) -> str | None:
        """The address of the process that does, as far as it is known."""

    async def acquired(self) -> None:
        """Return once this process does."""

    async def lost(self) -> None:
        """Return once it does not any more."""
