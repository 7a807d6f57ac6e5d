"""A calibration that is asked to fit the searches of late."""

from datetime import UTC, datetime
from typing import cast

import numpy as np
import pytest

from app.domain.answering.report import CalibrationReport
from app.domain.jobs import Job, JobKind, JobState
from app.domain.ports import Ledger, Workers  # noqa: TC001 - mypy is told by them what the fakes stand for
from app.domain.records import NewEntry
from app.domain.spaces import Space
from app.flows.calibrating import Calibrating
from app.flows.recent import RecentSearches
from app.flows.run import Run
from tests.fakes import FakeStore
from tests.unit.domain.answering.worlds import photos
from tests.unit.domain.samples import entry
from tests.unit.flows.test_adapting import Ended, Here

RAW = Space.raw("one", 24)


async def store_of(products: int) -> FakeStore:
    store = FakeStore(RAW)
    await store.put([
        NewEntry(entry(f"i{row:05}", product_id=product_id), vector.astype(np.float16))
        for row, (vector, product_id) in enumerate(zip(*photos(products, 6, seed=1), strict=True))
    ])  # fmt: skip
    return store


def searched(count: int, score: float = 0.4, space_id: str = RAW.space_id) -> RecentSearches:
    recent = RecentSearches()
    for _ in range(count):
        recent.note(space_id, score, 0.5)
    return recent


async def calibrated(store: FakeStore, recent: RecentSearches, *, wanted: bool = True) -> str:
    """What the job tells."""
    ledger, options = Ended(), {"by_recent_searches": wanted}
    job = Job("j", JobKind.CALIBRATE, JobState.QUEUED, None, datetime.now(UTC), options=options)
    parts = cast("Ledger", ledger), store, cast("Workers", Here())
    await Calibrating(*parts, recent, prior_unknown=0.1).work(Run(job))
    assert JobState.SUCCEEDED == ledger.state
    return ledger.detail


async def kept(store: FakeStore) -> CalibrationReport:
    report = await store.calibration(RAW.space_id)
    assert report is not None
    return report


def mean_confidence(report: CalibrationReport) -> float:
    """How sure it is of all examples on average, by its weights."""
    return float(np.mean([each.mean_probability for each in report.reliability.bins]))


async def test_enough_searches_are_what_it_is_fitted_to_and_judged_by() -> None:
    store = await store_of(40)
    await calibrated(store, searched(80), wanted=False)
    plain = await kept(store)
    detail = await calibrated(store, searched(80))
    tilted = await kept(store)
    assert (True, None, 80) == (
        detail.startswith("Calibrated to 80 recent searches: ECE"),
        plain.recent_searches,
        tilted.recent_searches,
    )
    assert plain.calibration.coefficients != tilted.calibration.coefficients
    assert mean_confidence(tilted) < mean_confidence(plain) - 0.05
    assert tilted.reliability.ece < 0.1


@pytest.mark.parametrize(
    ("recent", "there"), [(searched(0), 0), (searched(49), 49), (searched(80, space_id="another"), 0)]
)
async def test_too_few_searches_are_told_and_change_nothing(recent: RecentSearches, there: int) -> None:
    store = await store_of(40)
    plain = await calibrated(store, RecentSearches(), wanted=False)
    expected = await kept(store)
    told = await calibrated(store, recent)
    found = await kept(store)
    assert plain.startswith("Calibrated: ECE")
    assert told.startswith(f"{plain} Recent searches do not count in it: it takes 50 ")
    assert told.endswith(f"this process had {there}.")
    assert (expected.calibration, expected.reliability, None) == (
        found.calibration,
        found.reliability,
        found.recent_searches,
    )


async def test_searches_do_not_count_for_who_does_not_ask_for_it() -> None:
    store = await store_of(40)
    without = await calibrated(store, RecentSearches(), wanted=False)
    assert without == await calibrated(store, searched(80), wanted=False)
    assert (await kept(store)).recent_searches is None


async def test_with_too_small_a_gallery_searches_do_not_help() -> None:
    store = await store_of(3)
    detail = await calibrated(store, searched(80))
    assert detail.startswith("Not calibrated: ")
    assert await store.calibration(RAW.space_id) is None
