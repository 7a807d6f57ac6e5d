"""A gallery is split so that what asks has not been seen."""

from datetime import UTC, datetime

import numpy as np
import pytest

from app.domain.evaluating.plan import Plan
from app.domain.evaluating.splitting import half_of, newcomers_of, split_of, strangers_of
from app.domain.features import unit
from app.domain.jobs import Job, JobKind, JobState
from app.domain.records import StoredFeatures


def gallery(products: int, photos: int) -> tuple[StoredFeatures, list[str]]:
    """Photos that have nothing to do with each other."""
    chance = np.random.default_rng(1)
    rows = unit(chance.normal(size=(products * photos, 64)).astype(np.float32)).astype(np.float16)
    return rows, [f"p{place // photos:03}" for place in range(products * photos)]


def test_of_each_product_about_the_share_asks_and_one_photo_stays_at_least() -> None:
    features, owners = gallery(products=200, photos=3)
    split = split_of(features, owners, 0.2, frozenset(), seed=0)
    assert 0.2 == pytest.approx(split.asking.mean(), abs=0.04)
    assert np.array_equal(split.gallery, ~split.asking)
    assert set(owners) == {owner for owner, there in zip(owners, split.gallery, strict=True) if there}


def test_strangers_ask_like_others_and_leave_with_all_their_photos() -> None:
    features, owners = gallery(products=100, photos=5)
    strangers = strangers_of(owners, 0.1, seed=0)
    split = split_of(features, owners, 0.2, strangers, seed=0)
    unknown = np.array([owner in strangers for owner in owners])
    assert 10 == len(strangers)
    assert not split.gallery[unknown].any()
    assert 0.1 == pytest.approx((split.asking & unknown).sum() / split.asking.sum(), abs=0.03)


def test_photos_that_are_nearly_the_same_are_on_one_side() -> None:
    features, owners = gallery(products=20, photos=4)
    features[1::4], features[3::4] = features[0::4], features[2::4]  # each photo twice
    split = split_of(features, owners, 0.5, frozenset(), seed=0)
    assert np.array_equal(split.asking[0::2], split.asking[1::2])
    assert split.asking.any()


def test_a_product_of_one_photo_stays() -> None:
    features, owners = gallery(products=30, photos=1)
    assert not split_of(features, owners, 0.9, frozenset(), seed=0).asking.any()


def test_the_same_seed_splits_alike_and_another_one_otherwise() -> None:
    features, owners = gallery(products=40, photos=4)
    splits = [split_of(features, owners, 0.3, frozenset(), seed).asking for seed in (1, 1, 2)]
    assert np.array_equal(splits[0], splits[1])
    assert not np.array_equal(splits[0], splits[2])
    assert strangers_of(owners, 0.5, 1) != strangers_of(owners, 0.5, 2)


@pytest.mark.parametrize(
    "plan",
    [
        Plan("queries"),
        Plan("shop", split=0.25, label_ids=("mugs",), unknown=0.1, repeats=3),
        Plan("shop", split=0.5, unseen=0.5, by_recent_searches=True),
    ],
)
def test_a_plan_goes_through_a_job_and_back(plan: Plan) -> None:
    job = Job("j", JobKind.EVALUATE, JobState.QUEUED, None, datetime.now(UTC), options=plan.options)
    assert plan == Plan.of(job)


def test_a_plan_tells_what_is_done() -> None:
    assert "the photos of catalogue 'queries' asked what is indexed" == Plan("queries").told()
    told = Plan("shop", label_ids=("mugs",), unknown=0.1, repeats=3).told()
    assert "20% of the photos" in told
    assert "10% of the products left out, 3 times" in told
    assert "50% of the products added after it had learned" in Plan("queries", unseen=0.5).told()
    assert "confidences fitted to the scores" in Plan("queries", by_recent_searches=True).told()


def test_only_a_plan_that_takes_nothing_out_and_learns_nothing_anew_asks_what_is_live() -> None:
    assert Plan("queries").asks_what_is_live
    others = [Plan("shop"), Plan("queries", unknown=0.1), Plan("queries", unseen=0.1)]
    assert not any(plan.asks_what_is_live for plan in (*others, Plan("queries", by_recent_searches=True)))


def test_newcomers_are_the_share_of_products_by_another_chance_than_strangers() -> None:
    _, owners = gallery(products=40, photos=2)
    assert 20 == len(newcomers_of(owners, 0.5, 1))
    assert newcomers_of(owners, 0.5, 1) == newcomers_of(owners, 0.5, 1)
    assert newcomers_of(owners, 0.5, 1) != strangers_of(owners, 0.5, 1)


@pytest.mark.parametrize("count", [0, 1, 7, 8])
def test_a_half_by_chance_is_the_larger_of_an_odd_number(count: int) -> None:
    assert (count + 1) // 2 == half_of(count, 1).sum()
    assert np.array_equal(half_of(count, 1), half_of(count, 1))
