from datetime import UTC, datetime

import numpy as np
import pytest

from app.domain.answering.calibration import Calibration
from app.domain.answering.pairs import PairCalibration
from app.domain.answering.reliability import Reliability
from app.domain.answering.report import CalibrationReport
from app.domain.errors import ImageRejectedError, NotFoundError
from app.domain.learning.projection import Projection
from app.domain.spaces import Space
from app.flows.comparing import Comparing
from app.flows.querying import Source
from tests.fakes import FakeStore
from tests.unit.flows.looking import GREEN, RED, coloured, photo, querying_of

SPACE = Space("raw", "fingerprint", 3)


def comparing_of(store: FakeStore) -> Comparing:
    return Comparing(querying_of(store), store)


async def test_two_photos_have_a_cosine_and_as_yet_no_probability() -> None:
    comparing = comparing_of(FakeStore(SPACE))
    compared = await comparing.compare(Source((photo(RED),)), Source((photo(RED, GREEN),)))
    assert pytest.approx(0.5**0.5, abs=1e-3) == compared.cosine
    assert compared.same_product_probability is None
    assert "Nothing was calibrated yet" in (compared.reason or "")


def report(space: Space, pairs: PairCalibration | None) -> CalibrationReport:
    calibration = Calibration((0.0,) * 3, (1.0,) * 3, (0.0,) * 4, (0.0,) * 4, 0.1, 40, 40, 40)
    reliability = Reliability((), 0.0, 0.0, None, None, ())
    return CalibrationReport(space.space_id, calibration, reliability, datetime.now(UTC), 10, 2, pairs)


async def test_what_was_calibrated_for_the_live_space_tells_how_likely_it_is_one_product() -> None:
    store = FakeStore(SPACE)
    pairs = PairCalibration(mean=0.5, scale=0.1, intercept=0.2, slope=2.0, same_count=40, other_count=80)
    await store.keep_calibration(report(SPACE, pairs))
    comparing = comparing_of(store)
    likely = await comparing.compare(Source((photo(RED),)), Source((photo(RED, GREEN),)))
    unlikely = await comparing.compare(Source((photo(RED),)), Source((photo(GREEN),)))
    assert (pairs.probability(likely.cosine), None) == (likely.same_product_probability, likely.reason)
    assert (pairs.probability(unlikely.cosine), None) == (unlikely.same_product_probability, unlikely.reason)
    assert 0.001 > pairs.probability(0.0)
    assert 0.98 < pairs.probability(0.5**0.5)


async def test_a_calibration_of_another_space_or_without_pairs_tells_nothing() -> None:
    store = FakeStore(SPACE)
    pairs = PairCalibration(mean=0.5, scale=0.1, intercept=0.2, slope=2.0, same_count=40, other_count=80)
    await store.keep_calibration(report(Space("other", "fingerprint", 3), pairs))
    photos = Source((photo(RED),)), Source((photo(GREEN),))
    elsewhere = await comparing_of(store).compare(*photos)
    await store.keep_calibration(report(SPACE, None))
    without = await comparing_of(store).compare(*photos)
    assert [None, None] == [elsewhere.same_product_probability, without.same_product_probability]
    assert "Nothing was calibrated yet" in (elsewhere.reason or "")
    assert "too few pairs" in (without.reason or "")


async def test_a_photo_is_compared_with_an_indexed_one_and_with_itself() -> None:
    store = FakeStore(SPACE)
    await store.put([coloured("a", 0, 1, 0)])
    comparing = comparing_of(store)
    other = await comparing.compare(Source((photo(RED),)), Source(image_id="a"))
    same = await comparing.compare(Source(image_id="a"), Source(image_id="a"))
    assert [pytest.approx(0, abs=1e-3), 1.0] == [other.cosine, same.cosine]


async def test_photos_are_compared_in_the_live_space_which_is_named() -> None:
    store = FakeStore(SPACE)
    nothing, no_blue = np.zeros((3, 0), np.float32), np.diag([1, 1, 0]).astype(np.float32)
    blind_for_blue = Projection(np.zeros(3, np.float32), no_blue, nothing, 0.0)
    learned = Space("learned", "fingerprint", 3, blind_for_blue)
    red, purple = Source((photo(RED),)), Source((photo((255, 0, 255)),))
    before = await comparing_of(store).compare(red, purple)
    store.space = learned
    after = await comparing_of(store).compare(red, purple)
    assert ["raw", "learned"] == [before.space.space_id, after.space.space_id]
    assert [pytest.approx(0.5**0.5, abs=1e-3), pytest.approx(1)] == [before.cosine, after.cosine]


@pytest.mark.parametrize("order", [1, -1])
async def test_what_is_the_matter_with_either_is_told(order: int) -> None:
    comparing = comparing_of(FakeStore(SPACE))
    with pytest.raises(ImageRejectedError):
        await comparing.compare(*[Source((photo(RED),)), Source((b"text",))][::order])
    with pytest.raises(NotFoundError):
        await comparing.compare(*[Source((photo(RED),)), Source(image_id="none")][::order])
