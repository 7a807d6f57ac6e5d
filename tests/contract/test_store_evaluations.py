"""Evaluations are kept with their pictures, the latest of them."""

import random
from datetime import UTC, datetime, timedelta
from typing import Final

from app.domain.ports.store import MAX_EVALUATIONS
from tests.contract.stores import ClosableStore, Place
from tests.evaluations import evaluation, miss

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
LARGE: Final = 400_000


async def test_an_evaluation_is_kept_whole_until_another_is_under_its_id(store: ClosableStore, place: Place) -> None:
    assert await store.evaluation("a1") is None
    odd = miss(own='|"<b>\u00fc\U0001f34e', taken_for="\\")
    latest = evaluation("a1", retrieval=None, trust=None, ann_recall=None, space_ids=(), confusions=(), pictures={})
    for kept in (evaluation("a1"), latest, evaluation("a2", pictures={odd.question.picture: bytes(range(256))})):
        await store.keep_evaluation(kept)
        assert kept == await store.evaluation(kept.evaluation_id)
    store = await place.open()
    assert latest == await store.evaluation("a1")


async def test_an_evaluation_with_many_pictures_is_kept_whole(store: ClosableStore) -> None:
    chance = random.Random(5)
    large = evaluation("b1", pictures={f"i{number}": chance.randbytes(LARGE // 100) for number in range(100)})
    await store.keep_evaluation(large)
    assert large == await store.evaluation("b1")


async def test_of_too_many_the_oldest_go_whatever_came_first(store: ClosableStore, place: Place) -> None:
    numbers = list(range(MAX_EVALUATIONS + 2))
    random.Random(7).shuffle(numbers)
    # The two that go come first here, whatever the chance: they were among the latest once.
    for number in [0, 1, *(number for number in numbers if number > 1)]:
        await store.keep_evaluation(evaluation(f"e{number}", created_at=START + timedelta(microseconds=number)))
    store = await place.open()
    there = [number for number in sorted(numbers) if await store.evaluation(f"e{number}")]
    assert list(range(2, MAX_EVALUATIONS + 2)) == there
