"""The gallery's kept features -> what tells its own products apart -> a proved space, live if it is better."""

from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from app.domain.jobs import JobKind
from app.domain.learning.checking import HeldOut, SelfCheck, checked, is_better
from app.domain.learning.fitting import fit, spread_of
from app.domain.learning.moments import Moments
from app.domain.learning.projection import Projection
from app.domain.ports import Ledger, Store, Workers
from app.domain.spaces import FittedOn, LearnedSpace, Space, SpaceCard
from app.flows.calibrating import Calibrating
from app.flows.ending import to_its_end
from app.flows.galleries import Sample, product_sizes, read_sample
from app.flows.run import Run

_SEED: Final = 7
_PHOTOS: Final = "held_out_photos_r1"
_PRODUCTS: Final = "held_out_products_r1"
_PROJECTION: Final = "whitened within products, with a discriminant part"
_NOTHING_YET: Final = "Nothing to learn yet: it takes two products with two different photos each, at least."


class Adapting:
    """Brings jobs about spaces to their end: learns one, makes one live."""

    def __init__(self, ledger: Ledger, store: Store, workers: Workers, calibrating: Calibrating) -> None:
        """`workers` do what takes long, so that searches keep theirs; what was learned is calibrated, too."""
        self._ledger = ledger
        self._store = store
        self._workers = workers
        self._calibrating = calibrating

    async def work(self, run: Run) -> None:
        """Bring a job of kind adapt or activate to its end. Raises StoreUnavailableError, NotTheIndexerError."""
        await to_its_end(self._ledger, run, self._activate if run.job.kind is JobKind.ACTIVATE else self._adapt)

    async def _activate(self, run: Run) -> str:
        space_id = str(run.job.options["space_id"])
        await self._store.activate(space_id)
        return f"Space '{space_id}' is live."

    async def _adapt(self, run: Run) -> str:
        sizes = await product_sizes(self._store)
        alone = [product_id for product_id, count in sizes.items() if count == 1]
        moments = Moments(self._store.space.feature_dimensions, alone)
        sample = await read_sample(
            self._store,
            self._workers,
            run.stop,
            sizes,
            lambda block: moments.add(block.features, block.product_ids),
        )
        if run.stop.is_set() or not moments.count:
            return _NOTHING_YET
        fitted = await self._workers.run(_fitted, moments, sample)
        if fitted is None or run.stop.is_set():
            return _NOTHING_YET
        projection, check = fitted
        told = _told(check)
        if not is_better(check) and not run.job.options.get("force"):
            return f"Not better, so nothing is changed: {told}. Ask with force to make it live all the same."
        learned = self._learned(projection, check, moments)
        await self._store.keep_space(learned)
        await self._store.activate(learned.space.space_id)
        calibrated = await self._calibrating.calibrate(learned.space, sample, run)
        return f"Space '{learned.space.space_id}' is live: {told}. {calibrated}"

    def _learned(self, projection: Projection, check: SelfCheck, moments: Moments) -> LearnedSpace:
        now = datetime.now(UTC)
        name = f"learned-{now:%Y%m%dt%H%M%S}-{uuid4().hex[:4]}"
        space = Space(name, self._store.space.fingerprint, projection.dimensions, projection)
        fitted_on = FittedOn(moments.count, len(moments.product_ids) + moments.alone_count)
        before = {_PHOTOS: check.photos.before, _PRODUCTS: check.products.before}
        after = {_PHOTOS: check.photos.after, _PRODUCTS: check.products.after}
        card = SpaceCard(name, space.fingerprint, _PROJECTION, space.dimensions, now, fitted_on, before, after)
        return LearnedSpace(space, card)


def _fitted(moments: Moments, sample: Sample) -> tuple[Projection, SelfCheck] | None:
    """The projection and how it does; None where there is nothing to learn."""
    # What the sample spreads, all do: it has its products whole.
    share = max(1, len(sample.product_ids)) / moments.count
    projection = fit(moments, spread_of(sample.features, sample.product_ids, moments) / share)
    return None if projection is None else (projection, checked(sample.features, sample.product_ids, _SEED))


def _told(check: SelfCheck) -> str:
    return f"{_gain(check.photos, 'photos')}, {_gain(check.products, 'products')} (R@1)"


def _gain(held_out: HeldOut, what: str) -> str:
    if not held_out.count:
        return f"too few {what} to hold out"
    change = f"{held_out.before:.3f} -> {held_out.after:.3f}"
    return f"held-out {what} {change}, standard error of the change {held_out.standard_error:.3f}"
