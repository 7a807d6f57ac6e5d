"""The store on Elasticsearch as the port promises it."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from app.adapters.stores.elasticsearch.activating import Activating
from app.adapters.stores.elasticsearch.aliases import Aliases
from app.adapters.stores.elasticsearch.changing import Changing
from app.adapters.stores.elasticsearch.client import Cluster
from app.adapters.stores.elasticsearch.documents import STANDING_FIELDS, parse_entry, parse_features, parse_standing
from app.adapters.stores.elasticsearch.evaluations import KeptEvaluations
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.following import Following
from app.adapters.stores.elasticsearch.founding import Founding
from app.adapters.stores.elasticsearch.live import LiveSpace
from app.adapters.stores.elasticsearch.mappings import IndexOptions, Names
from app.adapters.stores.elasticsearch.product_photos import ProductVectors
from app.adapters.stores.elasticsearch.reading import Found, Reading, deletion_document_id
from app.adapters.stores.elasticsearch.searching import Searching
from app.adapters.stores.elasticsearch.space_indices import SpaceIndices
from app.adapters.stores.elasticsearch.spaces import KeptSpaces
from app.adapters.stores.elasticsearch.turns import Turns
from app.adapters.stores.elasticsearch.writing import Writing
from app.domain.answering.report import CalibrationReport
from app.domain.errors import StoreUnavailableError
from app.domain.evaluating.records import Evaluation
from app.domain.records import (
    Description,
    Entry,
    GalleryBlock,
    Hit,
    KeptEntry,
    LabelIndex,
    Member,
    NewEntry,
    ProductPhotos,
    Query,
    Standing,
    StoredFeatures,
)
from app.domain.spaces import LearnedSpace, Space, SpaceCard

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """How indices are named, made and asked. `candidates` is `num_candidates`, at least."""

    namespace: str = "lookalike"
    alias_prefix: str = ""
    candidates: int = 200
    index: IndexOptions = field(default_factory=IndexOptions)
    known: bool = False
    """Whether the service comes with a key or a user."""


class ElasticsearchStore:
    """See the port. Any number of processes on one cluster; the one that holds the fence changes things."""

    def __init__(self, cluster: Cluster, space: Space, fence: Fence, options: StoreOptions) -> None:
        """Nothing is asked of the cluster yet: it may be away."""
        names = Names(options.namespace)
        self._options = options
        self._live = LiveSpace(space)
        self._turns = Turns(fence)
        self._reading = Reading(cluster, names, self._live)
        self._searching = Searching(cluster, names, self.method, options.candidates)
        self._product_vectors = ProductVectors(cluster, names, self._reading)
        self._kept = KeptSpaces(cluster, names, self._reading)
        self._following = Following(self._reading, self._kept, self._live)
        changing = Changing(cluster, names, self._live, fence, self._reading)
        aliases = Aliases(cluster, self._live, names, options.alias_prefix)
        indices = SpaceIndices(cluster, names, self._live, options.index)
        self._writing = Writing(cluster, names, self._live, reading=self._reading, changing=changing, aliases=aliases)
        self._evaluations = KeptEvaluations(
            cluster, names, self._turns, reading=self._reading, changing=changing, writing=self._writing
        )
        self._activating = Activating(
            names, self._live, self._turns, kept=self._kept, indices=indices, searching=self._searching,
            changing=changing, writing=self._writing, aliases=aliases,
        )  # fmt: skip
        self._founding = Founding(
            cluster, names, options.index, indices, self._following.look,
            alias_prefix=options.alias_prefix, known=options.known,
        )  # fmt: skip

    @property
    def space(self) -> Space:
        """The live space, as far as this process knows."""
        return self._live.space

    @property
    def method(self) -> str:
        """How the vectors are indexed."""
        return self._options.index.vector_index

    async def check(self) -> None:
        """Look at the cluster's version, at what stands under our names, and at our rights as a reader.

        Raises SetupError with a sentence, StoreUnavailableError when the cluster is away.
        """
        await self._founding.check()

    async def check_if_there(self) -> None:
        """Check; a cluster that is away is looked at later. Raises SetupError."""
        try:
            await self._founding.check()
        except StoreUnavailableError as error:
            _log.warning("%s The service goes on as soon as it does.", error)

    async def found(self) -> None:
        """Check, and make what is missing; any process may, and the lease needs a place. Raises as `check` does."""
        await self._founding.make()

    async def begin(self) -> None:
        """Become the one that changes things: what a killed process left half done is repaired.

        Raises StoreUnavailableError, NotTheIndexerError.
        """
        await self._following.look()
        await self._activating.begin()

    # What is asked.

    async def search(self, query: Query) -> list[Hit]:
        """The nearest entries."""
        return await self._following.ask(query.space_id, lambda space: self._searching.hits(space, query))

    async def photos_of(self, product_ids: Sequence[str], space_id: str) -> Mapping[str, ProductPhotos]:
        """Photos of products."""
        space = self._following.live_as(space_id)
        return await self._product_vectors.photos(space, product_ids) if product_ids else {}

    async def product_sizes(self, after: str, count: int) -> Mapping[str, int]:
        """How many photos products have."""
        return await self._searching.product_sizes(self._live.raw, after, count)

    async def entries_of(self, product_id: str, after: str, count: int) -> list[Entry]:
        """A product's next photos."""
        return await self._searching.entries_of(self._live.raw, product_id, after, count)

    async def gallery(self, after: str, count: int) -> GalleryBlock:
        """The next photos."""
        return await self._searching.gallery(self._live.raw, after, count)

    async def entry(self, image_id: str) -> Entry | None:
        """One entry."""
        return (await self.entries([image_id])).get(image_id)

    async def entries(self, image_ids: Sequence[str]) -> Mapping[str, Entry]:
        """Some entries."""
        found = await self._reading.truth(image_ids)
        return {image_id: parse_entry(one.source) for image_id, one in found.items()}

    async def features(self, image_id: str) -> StoredFeatures | None:
        """An entry's features."""
        return (await self.features_of([image_id])).get(image_id)

    async def features_of(self, image_ids: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """Some entries' features."""
        found = await self._reading.truth(image_ids, with_features=True, fields=["space"])
        return {image_id: parse_features(one.fields) for image_id, one in found.items() if self._is_live(one)}

    async def existing(self, image_ids: Sequence[str]) -> Mapping[str, Standing]:
        """Which of these are there."""
        found = await self._reading.truth(image_ids, fields=STANDING_FIELDS)
        return {image_id: parse_standing(one.source) for image_id, one in found.items() if self._is_live(one)}

    def _is_live(self, found: Found) -> bool:
        return bool(found.source["space"] == self._live.fingerprint)

    async def twins(self, sha256s: Sequence[str]) -> Mapping[str, StoredFeatures]:
        """Features of the same bytes."""
        return await self._reading.twins(sha256s)

    async def unindexed(self, label_ids: Collection[str]) -> Collection[str]:
        """Labels without entries."""
        return set(label_ids) - await self._reading.there(label_ids) if label_ids else ()

    async def members(self, label_id: str, after: str, count: int) -> list[Member]:
        """A label's next entries."""
        return await self._reading.members(label_id, after, count)

    async def deleted(self, image_ids: Sequence[str]) -> Collection[str]:
        """Which of these were deleted."""
        ids = {deletion_document_id(image_id): image_id for image_id in image_ids}
        return {ids[document_id] for document_id in await self._reading.remembered(ids)}

    async def counts(self) -> Mapping[str, int]:
        """Entries by label."""
        return await self._reading.counts()

    async def labels(self) -> list[LabelIndex]:
        """What is indexed."""
        return await self._reading.label_indexes()

    async def label(self, label_id: str) -> LabelIndex | None:
        """What is indexed under a label."""
        found = await self._reading.label_indexes(label_id)
        return found[0] if found else None

    async def ping(self) -> None:
        """Whether every shard of ours can be asked."""
        await self._founding.ping()

    async def refresh(self) -> None:
        """Let searches see what was written."""
        await self._turns.see(self._writing.refresh)

    # What is changed.

    async def put(self, entries: Sequence[NewEntry]) -> Collection[str]:
        """Add entries or replace them."""
        latest = {new.entry.image_id: new for new in entries}
        return await self._turns.take(lambda: self._writing.put(latest)) if latest else ()

    async def restore(self, entries: Sequence[KeptEntry]) -> Collection[str]:
        """Add entries as another store kept them."""
        latest = {kept.entry.image_id: kept for kept in entries}
        return await self._turns.take(lambda: self._writing.restore(latest)) if latest else ()

    async def restore_deletions(self, deletions: Mapping[str, Collection[str]]) -> None:
        """Delete for good what was deleted elsewhere."""
        if deletions:
            await self._turns.take(lambda: self._writing.restore_deletions(deletions))

    async def name_labels(self, names: Mapping[str, str]) -> None:
        """What labels are called, and that their aliases can be had."""
        if names:
            await self._turns.take(lambda: self._writing.name_labels(names))

    async def add_label(self, image_ids: Sequence[str], label_id: str) -> None:
        """One more label for entries."""
        if image_ids:
            await self._turns.take(lambda: self._writing.add_label(image_ids, label_id))

    async def describe(self, descriptions: Mapping[str, Description]) -> None:
        """Other words for entries."""
        if descriptions:
            await self._turns.take(lambda: self._writing.describe(descriptions))

    async def take_out(self, image_ids: Sequence[str], label_id: str) -> list[Entry]:
        """One label less for entries."""
        return await self._turns.take(lambda: self._writing.take_out(image_ids, label_id)) if image_ids else []

    async def delete(self, image_id: str) -> Entry | None:
        """Delete for good."""
        return await self._turns.take(lambda: self._writing.delete(image_id))

    async def forgive(self, label_id: str) -> None:
        """Forget deletions."""
        await self._turns.take(lambda: self._writing.forgive(label_id))

    async def drop_label(self, label_id: str) -> list[Entry]:
        """Take a label away."""
        return await self._turns.take(lambda: self._writing.drop_label(label_id))

    # Spaces.

    async def spaces(self) -> list[SpaceCard]:
        """What was learned, and the raw space."""
        return [*await self._kept.cards(self._live.fingerprint), SpaceCard.raw(self._live.raw)]

    async def keep_space(self, learned: LearnedSpace) -> None:
        """Keep what was learned."""
        await self._activating.keep(learned)

    async def keep_calibration(self, report: CalibrationReport) -> None:
        """Keep how sure answers are."""
        await self._activating.keep_calibration(report)

    async def calibration(self, space_id: str) -> CalibrationReport | None:
        """How sure answers are."""
        return await self._kept.calibration(space_id)

    async def activate(self, space_id: str) -> None:
        """Build a space from the truth beside the live one, and switch."""
        await self._activating.activate(space_id)

    async def drop_space(self, space_id: str) -> None:
        """Forget a space."""
        await self._activating.drop(space_id)

    # Evaluations.

    async def keep_evaluation(self, evaluation: Evaluation) -> None:
        """Keep an evaluation."""
        await self._evaluations.keep(evaluation)

    async def evaluation(self, evaluation_id: str) -> Evaluation | None:
        """What was kept under an id."""
        return await self._evaluations.one(evaluation_id)
