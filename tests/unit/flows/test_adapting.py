"""What becomes of a gallery whose products can be told apart better, and of ones where there is nothing to gain."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import numpy as np
import pytest

from app.domain.features import Vectors, unit
from app.domain.jobs import Job, JobKind, JobState
from app.domain.learning.reducing import WHOLE, Reduction
from app.domain.ports import Ledger, Workers  # noqa: TC001 - mypy is told by them what the fakes stand for
from app.domain.records import NewEntry
from app.domain.spaces import NOTHING_LEARNED, Space
from app.flows.adapting import Adapting, _add_vectors, _fitted
from app.flows.calibrating import Calibrating
from app.flows.run import Run
from tests.fakes import FakeStore
from tests.unit.domain.samples import entry

SIZE = 24
RAW = Space.raw("one", SIZE)


@dataclass
class Ended:
    """The ledger of one job."""

    state: JobState = JobState.QUEUED
    detail: str = ""
    remarks: list[str] = field(default_factory=list)

    async def start(self, _: str) -> None:
        """It runs."""
        self.state = JobState.RUNNING

    async def finish(self, _: str, state: JobState, detail: str) -> None:
        """It ended."""
        self.state, self.detail = state, detail


class Here:
    """Workers that are this very thread."""

    async def run(self, call: object, *args: object) -> object:
        """At once."""
        assert callable(call)
        return call(*args)


def photos(products: int, each: int, nuisance: float, seed: int = 1) -> tuple[Vectors, list[str]]:
    """Products around centres of their own; `nuisance` is how much photos of all of them vary in four directions."""
    chance = np.random.default_rng(seed)
    centres = np.repeat(chance.standard_normal((products, SIZE)), each, axis=0)
    noise = 0.3 * chance.standard_normal(centres.shape)
    noise[:, :4] += nuisance * chance.standard_normal((len(centres), 4))
    return unit((centres + noise).astype(np.float32)), [f"p{row // each:03}" for row in range(len(centres))]


async def adapted(
    store: FakeStore, *, force: bool = False, reduction: Reduction = WHOLE, automatic: bool = False
) -> Ended:
    ledger = Ended()
    options = {"force": force, **({"automatic": True} if automatic else {})}
    job = Job("j", JobKind.ADAPT, JobState.QUEUED, None, datetime.now(UTC), options=options)
    parts = cast("Ledger", ledger), store, cast("Workers", Here())
    await Adapting(*parts, Calibrating(*parts, prior_unknown=0.1), reduction).work(Run(job))
    return ledger


@pytest.mark.parametrize("step", [_fitted, next, _add_vectors])
async def test_a_job_that_is_stopped_while_it_learns_changes_nothing(step: object) -> None:
    store = await filled(*photos(40, 6, nuisance=8.0))
    run = Run(Job("j", JobKind.ADAPT, JobState.QUEUED, None, datetime.now(UTC), options={"force": True}))

    class Stopping(Here):
        """The caller cancels while something is worked out."""

        async def run(self, call: object, *args: object) -> object:
            """Stopped before it is done."""
            if call is step:
                run.stop.set()
            return await super().run(call, *args)

    ledger = Ended()
    parts = cast("Ledger", ledger), store, cast("Workers", Stopping())
    await Adapting(*parts, Calibrating(*parts, prior_unknown=0.1), Reduction(12)).work(run)
    assert (RAW, JobState.RUNNING) == (store.space, ledger.state)
    assert [NOTHING_LEARNED] == [card.projection for card in await store.spaces()]


async def test_a_calibration_that_is_stopped_is_not_kept() -> None:
    store = await filled(*photos(40, 6, nuisance=8.0))
    run = Run(Job("j", JobKind.CALIBRATE, JobState.QUEUED, None, datetime.now(UTC)))

    class Stopping(Here):
        """The caller cancels after a fold."""

        async def run(self, call: object, *args: object) -> object:
            """Stopped once a fold is there."""
            if call is next:
                run.stop.set()
            return await super().run(call, *args)

    parts = cast("Ledger", Ended()), store, cast("Workers", Stopping())
    await Calibrating(*parts, prior_unknown=0.1).work(run)
    assert await store.calibration(RAW.space_id) is None


async def filled(features: Vectors, product_ids: list[str]) -> FakeStore:
    store = FakeStore(RAW)
    await store.put([
        NewEntry(entry(f"i{row:05}", product_id=product_id), vector.astype(np.float16))
        for row, (vector, product_id) in enumerate(zip(features, product_ids, strict=True))
    ])  # fmt: skip
    return store


async def test_what_finds_held_out_photos_better_is_live_at_once() -> None:
    store = await filled(*photos(40, 6, nuisance=8.0))
    job = await adapted(store)
    learned, _ = await store.spaces()
    assert (JobState.SUCCEEDED, learned.space_id) == (job.state, store.space.space_id)
    assert learned.space_id in job.detail
    report = await store.calibration(learned.space_id)
    assert report is not None
    assert (240, 40, 0.1) == (report.images, report.products, report.calibration.fitted_prior)
    assert report.reliability.auroc_right is not None
    assert report.reliability.auroc_right > 0.6
    assert learned.before is not None
    assert learned.after is not None
    gains = {name: learned.after[name] - learned.before[name] for name in learned.before}
    assert dict.fromkeys(gains, True) == {name: gain > 0.1 for name, gain in gains.items()}
    assert (240, 40) == (
        learned.fitted_on and learned.fitted_on.images,
        learned.fitted_on and learned.fitted_on.products,
    )


async def test_what_is_not_better_changes_nothing_unless_it_is_forced() -> None:
    store = await filled(*photos(12, 6, nuisance=0.0))
    job = await adapted(store)
    assert (JobState.SUCCEEDED, True) == (job.state, job.detail.startswith("Not better, so nothing is changed"))
    assert [NOTHING_LEARNED] == [card.projection for card in await store.spaces()]
    await adapted(store, force=True)
    assert [False, True] == [card.projection == NOTHING_LEARNED for card in await store.spaces()]
    assert store.space != RAW


async def test_what_is_learned_by_itself_is_forgotten_by_itself_but_for_the_latest() -> None:
    store = await filled(*photos(12, 3, nuisance=8.0))
    await adapted(store, force=True)
    asked_for = store.space.space_id
    own = []
    for _ in range(5):
        await adapted(store, force=True, automatic=True)
        own.append(store.space.space_id)
    left = [card.space_id for card in await store.spaces()]
    assert [*own[:1:-1], asked_for, RAW.space_id] == left
    await adapted(store, force=True)
    assert len(left) + 1 == len(await store.spaces())


@pytest.mark.parametrize(("products", "each"), [(0, 0), (2, 1), (1, 5), (30, 1)])
async def test_with_fewer_than_two_products_of_two_photos_there_is_nothing_to_learn(products: int, each: int) -> None:
    store = await filled(*photos(products, each, nuisance=1.0)) if products else FakeStore(RAW)
    job = await adapted(store, force=True)
    assert (JobState.SUCCEEDED, True) == (job.state, job.detail.startswith("Nothing to learn yet"))
    assert RAW == store.space


async def test_photos_that_are_all_one_teach_nothing() -> None:
    features, product_ids = photos(3, 4, nuisance=1.0)
    store = await filled(np.repeat(features[::4], 4, axis=0), product_ids)
    assert (await adapted(store)).detail.startswith("Nothing to learn yet")


async def test_products_of_one_photo_are_learned_from_beside_the_others() -> None:
    features, product_ids = photos(40, 6, nuisance=8.0)
    more, _ = photos(25, 1, nuisance=8.0, seed=2)
    store = await filled(np.concatenate([features, more]), [*product_ids, *(f"s{row}" for row in range(25))])
    await adapted(store)
    learned, _ = await store.spaces()
    assert learned.fitted_on is not None
    assert (265, 65) == (learned.fitted_on.images, learned.fitted_on.products)


async def test_a_cut_space_has_so_many_dimensions_and_is_checked_and_calibrated_as_it_is() -> None:
    """Two dimensions tell 40 products apart badly, and both say so."""
    figures = {}
    for dimensions in (16, 2):
        store = await filled(*photos(40, 6, nuisance=8.0))
        await adapted(store, force=True, reduction=Reduction(dimensions))
        learned, _ = await store.spaces()
        assert (dimensions, dimensions) == (learned.dimensions, store.space.dimensions)
        assert "cut to its main directions" in learned.projection
        report = await store.calibration(learned.space_id)
        right = report.calibration.right_count if report else 0
        figures[dimensions] = (learned.after or {})["held_out_photos_r1"], right
    assert figures[16][0] > figures[2][0] + 0.2
    assert figures[16][1] > figures[2][1] + 40


@pytest.mark.parametrize("reduction", [Reduction(4096), Reduction(8, from_photos=241)], ids=["more than all", "small"])
async def test_a_space_stays_whole_where_there_is_nothing_to_cut_yet(reduction: Reduction) -> None:
    store = await filled(*photos(40, 6, nuisance=8.0))
    await adapted(store, reduction=reduction)
    learned, _ = await store.spaces()
    assert (SIZE + 24, "whitened within products, with a discriminant part") == (
        learned.dimensions,
        learned.projection,
    )


async def test_a_space_has_its_calibration_before_it_is_live() -> None:
    store = await filled(*photos(40, 6, nuisance=8.0))
    calibrated = []

    class Watched(FakeStore):
        """Tells what it knows of a space at the moment of the switch."""

        async def activate(self, space_id: str) -> None:
            """Note, and switch."""
            calibrated.append(await self.calibration(space_id) is not None)
            await super().activate(space_id)

    store.__class__ = Watched
    await adapted(store)
    assert [True] == calibrated
