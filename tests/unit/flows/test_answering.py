"""The answer: which product, how sure, or why there is none."""

from datetime import UTC, datetime

import numpy as np
import pytest

from app.domain.answering.calibration import Calibration, Signals
from app.domain.answering.deciding import Decision, Thresholds
from app.domain.answering.reliability import Reliability
from app.domain.answering.report import CalibrationReport
from app.domain.features import Vector
from app.domain.records import NewEntry
from app.flows.answering import Answer, Answering
from app.flows.finding import Finding, Wanted
from app.flows.recent import RecentSearches
from tests.contract.stores import SPACE
from tests.fakes import FakeStore
from tests.unit.domain.samples import entry

NORTH = np.eye(8, dtype=np.float32)[0]
PRIOR = 0.1


def leaning(cosine: float, towards: int) -> Vector:
    vector = np.zeros(8, np.float32)
    vector[[0, towards]] = cosine, (1 - cosine**2) ** 0.5
    return vector


def report(*coefficients: float) -> CalibrationReport:
    """Signals as they are, weighed by these."""
    ones, zeros = (1.0,) * 3, (0.0,) * 3
    calibration = Calibration(zeros, ones, coefficients, (0.0, *zeros), PRIOR, 40, 40, 40)
    reliability = Reliability((), 0.0, 0.0, None, None, ())
    return CalibrationReport(SPACE.space_id, calibration, reliability, datetime.now(UTC), 10, 2)


async def filled() -> FakeStore:
    store = FakeStore(SPACE)
    photos = {"near": [leaning(0.9, 1), leaning(0.8, 2)], "far": [leaning(0.5, 3)]}
    await store.put([
        NewEntry(entry(f"{product_id}{number}", product_id=product_id), vector.astype(np.float16))
        for product_id, vectors in photos.items()
        for number, vector in enumerate(vectors)
    ])  # fmt: skip
    return store


async def answer(
    store: FakeStore, prior_unknown: float | None = None, recent: RecentSearches | None = None, **wanted: str
) -> Answer:
    nearest = await Finding(store).find(NORTH, Wanted(2, wanted.get("group_by", "product")))  # type: ignore[arg-type]
    answering = Answering(store, Thresholds(), recent, prior_unknown=PRIOR)
    return await answering.answer(nearest, NORTH, prior_unknown)


async def test_without_a_calibration_the_best_product_is_named_and_how_sure_it_is_is_not() -> None:
    found = await answer(await filled())
    assert (None, None, False, "near", "far") == (
        found.decision,
        found.confidence,
        found.calibrated,
        found.product_id,
        found.runner_up,
    )
    assert found.reason is not None
    assert "POST /calibrate" in found.reason


@pytest.mark.parametrize(
    ("constant", "decision"), [(4.0, Decision.MATCH), (0.0, Decision.AMBIGUOUS), (-4.0, Decision.NO_MATCH)]
)
async def test_the_probability_decides(constant: float, decision: Decision) -> None:
    store = await filled()
    await store.keep_calibration(report(constant, 0.0, 0.0, 0.0))
    found = await answer(store)
    assert (decision, True, PRIOR, None) == (found.decision, found.calibrated, found.prior_unknown, found.reason)
    assert 1 / (1 + np.exp(-constant)) == pytest.approx(found.confidence)
    assert ("near0", "near1") == found.evidence


async def test_the_confidence_is_made_of_the_score_its_lead_and_the_best_raw_cosine() -> None:
    store = await filled()
    kept = report(0.1, 0.5, 1.5, 2.5)
    await store.keep_calibration(kept)
    found = await answer(store)
    first, second = (await Finding(store).find(NORTH, Wanted(2, "product"))).results
    expected = kept.calibration.probability(Signals(first.score, first.score - second.score, 0.9))
    assert expected == pytest.approx(found.confidence, abs=1e-3)
    assert first.score - second.score == found.lead


async def test_more_unknown_products_make_an_answer_less_sure() -> None:
    store = await filled()
    await store.keep_calibration(report(0.0, 0.0, 0.0, 0.0))
    rare, usual, common = [(await answer(store, prior)).confidence or 0.0 for prior in (0.01, None, 0.9)]
    assert rare > usual > common


async def test_photos_and_an_empty_index_have_no_answer() -> None:
    store = await filled()
    await store.keep_calibration(report(4.0, 0.0, 0.0, 0.0))
    by_image, nothing = await answer(store, group_by="image"), await answer(FakeStore(SPACE))
    assert [(None, None), (None, None)] == [(each.decision, each.product_id) for each in (by_image, nothing)]
    assert (True, True) == (
        "group_by=product" in (by_image.reason or ""),
        "Nothing was found" in (nothing.reason or ""),
    )


async def test_only_answers_with_a_confidence_are_noted_each_with_its_score_in_its_space() -> None:
    store, recent = await filled(), RecentSearches()
    await answer(store, recent=recent)
    assert [] == recent.scores(SPACE.space_id)
    await store.keep_calibration(report(4.0, 0.0, 0.0, 0.0))
    await answer(store, recent=recent)
    await answer(store, recent=recent, group_by="image")
    best, _ = (await Finding(store).find(NORTH, Wanted(2, "product"))).results
    assert [best.score] == recent.scores(SPACE.space_id)


async def test_a_query_that_is_indexed_itself_is_not_noted() -> None:
    store, recent = await filled(), RecentSearches()
    await store.put([NewEntry(entry("itself", product_id="near"), NORTH.astype(np.float16))])
    await store.keep_calibration(report(4.0, 0.0, 0.0, 0.0))
    assert Decision.MATCH == (await answer(store, recent=recent)).decision
    assert [] == recent.scores(SPACE.space_id)


async def test_a_product_alone_is_answered_without_a_lead() -> None:
    store = FakeStore(SPACE)
    await store.put([NewEntry(entry("one", product_id="one"), NORTH.astype(np.float16))])
    await store.keep_calibration(report(4.0, 0.0, 0.0, 0.0))
    found = await answer(store)
    assert (Decision.MATCH, None, None) == (found.decision, found.lead, found.runner_up)
