"""The gallery's kept features -> what tells its own products apart -> a proved space, live if it is better."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from app.domain.errors import ConflictError, NotFoundError
from app.domain.jobs import JobKind
from app.domain.learning.checking import Answers, HeldOut, SelfCheck, answers, check_of, is_better
from app.domain.learning.fitting import fit, spread_of
from app.domain.learning.moments import Moments, SecondMoment
from app.domain.learning.projection import Projection
from app.domain.learning.reducing import WHOLE, Reduction, basis_of
from app.domain.ports import Ledger, Store, Workers
from app.domain.records import GalleryBlock
from app.domain.spaces import FittedOn, LearnedSpace, Space, SpaceCard
from app.flows.calibrating import Calibrating
from app.flows.ending import to_its_end
from app.flows.galleries import Sample, blocks_of, product_sizes, read_sample
from app.flows.run import Run

AUTOMATIC: Final = "automatic"
"""The option of a job that nobody asked for."""
_AUTOMATIC_NAME: Final = "auto"
_AUTOMATIC_KEPT: Final = 3
"""Of the spaces that nobody asked for, the latest so many stay; each takes about 13 MB."""
_SEED: Final = 7
_PHOTOS: Final = "held_out_photos_r1"
_PRODUCTS: Final = "held_out_products_r1"
_PROJECTION: Final = "whitened within products, with a discriminant part"
_CUT: Final = "cut to its main directions"
_STOPPED: Final = "Stopped, and nothing is changed."
_NOTHING_YET: Final = "Nothing to learn yet: it takes two products with two different photos each, at least."


class Adapting:
    """Brings jobs about spaces to their end: learns one, makes one live."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        workers: Workers,
        calibrating: Calibrating,
        reduction: Reduction = WHOLE,
    ) -> None:
        """`workers` do what takes long, so that searches keep theirs; what was learned is calibrated, too."""
        self._ledger = ledger
        self._store = store
        self._workers = workers
        self._calibrating = calibrating
        self._reduction = reduction

    async def work(self, run: Run) -> None:
        """Bring a job of kind adapt or activate to its end. Raises StoreUnavailableError, NotTheIndexerError."""
        await to_its_end(self._ledger, run, self._activate if run.job.kind is JobKind.ACTIVATE else self.adapt)

    async def _activate(self, run: Run) -> str:
        space_id = str(run.job.options["space_id"])
        await self._store.activate(space_id)
        return f"Space '{space_id}' is live."

    async def adapt(self, run: Run) -> str:
        """Learn a space, and make it live if it is better; what came of it, in a sentence.

        Raises StoreUnavailableError, NotTheIndexerError. When the run is stopped nothing is kept.
        """
        moments, sample = await self._seen(run)
        projection = await self._workers.run(_fitted, moments, sample) if moments.count else None
        if projection is None:
            return _NOTHING_YET
        dimensions = self._reduction.of(moments.count)
        check = await self._checked(sample, dimensions, run)
        if not is_better(check) and not run.job.options.get("force"):
            return f"Not better, so nothing is changed: {_told(check)}. Ask with force to make it live all the same."
        return await self._made_live(await self._reduced(projection, dimensions, run), check, moments, sample, run)

    async def _seen(self, run: Run) -> tuple[Moments, Sample]:
        """The gallery's sums, and a sample of it."""
        sizes = await product_sizes(self._store)
        dimensions = self._store.space.feature_dimensions
        # With fewer products than numbers a row for each takes little, and makes the fit several times as fast.
        alone = [product_id for product_id, count in sizes.items() if count == 1 and len(sizes) >= dimensions]
        moments = Moments(dimensions, alone)

        def see(block: GalleryBlock) -> None:
            moments.add(block.features, block.product_ids)

        return moments, await read_sample(self._store, self._workers, run.stop, sizes, see)

    async def _reduced(self, projection: Projection, dimensions: int | None, run: Run) -> Projection:
        """Cut by a basis that has seen the whole gallery: it costs the products that it has not seen."""
        if dimensions is None or dimensions >= projection.dimensions:
            return projection
        second = SecondMoment(projection.dimensions)
        async for block in blocks_of(self._store, run.stop):
            await self._workers.run(_add_vectors, second, projection, block)
        return projection.reduced(await self._workers.run(basis_of, second, dimensions))

    async def _checked(self, sample: Sample, dimensions: int | None, run: Run) -> SelfCheck:
        """The self-check, a fold at a time; of those that were done when the run is stopped."""
        folds = answers(sample.features, sample.product_ids, _SEED, dimensions)
        answered: list[Answers] = []
        while not run.stop.is_set():
            fold: Answers | None = await self._workers.run(next, folds, None)
            if fold is None:
                break
            answered.append(fold)
        return check_of(answered)

    async def _made_live(
        self, projection: Projection, check: SelfCheck, moments: Moments, sample: Sample, run: Run
    ) -> str:
        automatic = bool(run.job.options.get(AUTOMATIC))
        learned = self._learned(_AUTOMATIC_NAME if automatic else "learned", projection, check, moments)
        # Calibrated before it is live: no answer is without its confidence meanwhile.
        calibrated = await self._calibrating.fitted(learned.space, sample, run)
        if run.stop.is_set():
            return _STOPPED
        await self._store.keep_space(learned)
        told = await self._calibrating.keep(calibrated)
        await self._store.activate(learned.space.space_id)
        if automatic:
            await self._forget_old()
        return f"Space '{learned.space.space_id}' is live: {_told(check)}. {told}"

    async def _forget_old(self) -> None:
        """Spaces that nobody asked for, all but the latest; never one that is live."""
        cards = [card for card in await self._store.spaces() if card.space_id.startswith(f"{_AUTOMATIC_NAME}-")]
        for card in cards[_AUTOMATIC_KEPT:]:
            with suppress(ConflictError, NotFoundError):  # made live, or forgotten, by somebody meanwhile
                await self._store.drop_space(card.space_id)

    def _learned(self, kind: str, projection: Projection, check: SelfCheck, moments: Moments) -> LearnedSpace:
        now = datetime.now(UTC)
        name = f"{kind}-{now:%Y%m%dt%H%M%S}-{uuid4().hex[:4]}"
        space = Space(name, self._store.space.fingerprint, projection.dimensions, projection)
        fitted_on = FittedOn(moments.count, len(moments.product_ids) + moments.alone_count)
        before = {_PHOTOS: check.photos.before, _PRODUCTS: check.products.before}
        after = {_PHOTOS: check.photos.after, _PRODUCTS: check.products.after}
        what = _PROJECTION if projection.basis is None else f"{_PROJECTION}, {_CUT}"
        card = SpaceCard(name, space.fingerprint, what, space.dimensions, now, fitted_on, before, after)
        return LearnedSpace(space, card)


def _fitted(moments: Moments, sample: Sample) -> Projection | None:
    """None where there is nothing to learn."""
    # What the sample spreads, all do: it has its products whole.
    share = max(1, len(sample.product_ids)) / moments.count
    return fit(moments, spread_of(sample.features, sample.product_ids, moments) / share)


def _add_vectors(second: SecondMoment, projection: Projection, block: GalleryBlock) -> None:
    second.add(projection.apply(block.features))


def _told(check: SelfCheck) -> str:
    return f"{_gain(check.photos, 'photos')}, {_gain(check.products, 'products')} (R@1)"


def _gain(held_out: HeldOut, what: str) -> str:
    if not held_out.count:
        return f"too few {what} to hold out"
    change = f"{held_out.before:.3f} -> {held_out.after:.3f}"
    return f"held-out {what} {change}, standard error of the change {held_out.standard_error:.3f}"
