"""Several spaces over one truth: built beside the live one, switched at once, gone back to."""

import asyncio
from datetime import UTC, datetime

import pytest

from app.domain.answering.calibration import Calibration
from app.domain.answering.pairs import PairCalibration
from app.domain.answering.reliability import Bin, OperatingPoint, Reliability
from app.domain.answering.report import CalibrationReport
from app.domain.errors import ConflictError, NotFoundError, SpaceChangedError
from app.domain.records import Hit, Query
from app.domain.spaces import Space, SpaceCard
from tests.contract.spaces import found_in, in_space, learned
from tests.contract.stores import (
    CLUSTERS,
    OTHER_SPACE,
    SPACE,
    ClosableStore,
    Home,
    Place,
    assert_nearest,
    image_ids,
    many,
    new,
    put_all,
    random_vectors,
)

ONE, OTHER = learned("one-learned", 1), learned("other-learned", 2)
SPACES = (ONE.space, OTHER.space, SPACE)
FEATURES = random_vectors(60)
ENTRIES = many(FEATURES, "all")
LARGE = Space.raw("as-large-as-the-real-one", 1664)


@pytest.fixture
async def filled(store: ClosableStore) -> ClosableStore:
    """A store with all entries and both learned spaces."""
    await put_all(store, ENTRIES)
    for each in (ONE, OTHER):
        await store.keep_space(each)
    return store


async def test_an_activated_space_is_searched_by_its_own_vectors(filled: ClosableStore) -> None:
    for space in SPACES:
        await filled.activate(space.space_id)
        assert space == filled.space
        for features in FEATURES[:5]:
            hits = await found_in(filled, space, features)
            assert_nearest(hits, in_space(space, ENTRIES), space.query(features), 10)


async def test_what_is_asked_of_another_space_than_the_live_one_is_refused(filled: ClosableStore) -> None:
    await filled.activate(ONE.space.space_id)
    for space in (SPACE, OTHER.space):
        with pytest.raises(SpaceChangedError):
            await found_in(filled, space, FEATURES[0])
        with pytest.raises(SpaceChangedError):
            await filled.photos_of(["P1"], space.space_id)


async def test_a_space_that_is_live_already_can_be_activated(filled: ClosableStore) -> None:
    for space in (SPACE, ONE.space, ONE.space):
        await filled.activate(space.space_id)
        assert 10 == len(await found_in(filled, space, FEATURES[0]))


async def test_what_is_put_changed_and_deleted_after_a_switch_is_seen_in_every_space(filled: ClosableStore) -> None:
    await filled.activate(ONE.space.space_id)
    late = many(random_vectors(9, seed=5), "late", start=500)
    await put_all(filled, late)
    await filled.delete(ENTRIES[0].entry.image_id)
    await filled.add_label([ENTRIES[1].entry.image_id], "late")
    await filled.refresh()
    left = [*ENTRIES[1:], *late]
    for space in SPACES:
        await filled.activate(space.space_id)
        hits = await found_in(filled, space, FEATURES[0])
        assert_nearest(hits, in_space(space, left), space.query(FEATURES[0]), 10)
        narrowed = await found_in(filled, space, FEATURES[0], 20, "late")
        assert {each.entry.image_id for each in (ENTRIES[1], *late)} == {*image_ids(narrowed)}


async def test_a_store_that_is_opened_again_goes_on_in_its_live_space(filled: ClosableStore, place: Place) -> None:
    await filled.activate(ONE.space.space_id)
    store = await place.open()
    assert ONE.space == store.space
    hits = await found_in(store, store.space, FEATURES[0])
    assert_nearest(hits, in_space(ONE.space, ENTRIES), ONE.space.query(FEATURES[0]), 10)
    assert [OTHER.card, ONE.card, SpaceCard.raw(SPACE)] == await store.spaces()
    await put_all(store, [new("late", FEATURES[0])])
    assert "late" in image_ids(await found_in(store, store.space, FEATURES[0], 2))


async def test_another_model_begins_with_its_own_features(filled: ClosableStore, place: Place) -> None:
    await filled.activate(ONE.space.space_id)
    store = await place.open(OTHER_SPACE)
    assert OTHER_SPACE == store.space
    assert [SpaceCard.raw(OTHER_SPACE)] == await store.spaces()
    for call in (store.activate, store.drop_space):
        with pytest.raises(NotFoundError):
            await call(ONE.space.space_id)
    store = await place.open()
    assert SPACE.fingerprint == store.space.fingerprint
    for space in SPACES:
        await store.activate(space.space_id)
        assert 60 == len(await found_in(store, space, FEATURES[0], 100))


@pytest.mark.usefixtures("filled")
async def test_entries_of_another_model_are_in_no_space_of_this_one(place: Place) -> None:
    other = await place.open(OTHER_SPACE)
    features = random_vectors(1, OTHER_SPACE.dimensions)[0]
    await put_all(other, [new("theirs", features), new(ENTRIES[0].entry.image_id, features)])
    store = await place.open()
    await store.activate(ONE.space.space_id)
    hits = await found_in(store, ONE.space, FEATURES[0], 100)
    assert {each.entry.image_id for each in ENTRIES[1:]} == {*image_ids(hits)}
    assert 59 == len((await store.gallery("", 100)).image_ids)


async def test_the_features_that_are_kept_are_those_of_the_model_whatever_is_live(filled: ClosableStore) -> None:
    await filled.activate(ONE.space.space_id)
    kept = await filled.features(ENTRIES[3].entry.image_id)
    assert kept is not None
    assert ENTRIES[3].features.tolist() == kept.tolist()
    assert [ENTRIES[3].entry.image_id] == list(await filled.existing([ENTRIES[3].entry.image_id]))
    assert [(60, 0)] == [(label.image_count, label.stale_count) for label in await filled.labels()]


async def test_a_space_that_is_live_or_raw_is_not_dropped_and_an_unknown_one_is_not_found(
    filled: ClosableStore,
) -> None:
    await filled.activate(ONE.space.space_id)
    for space_id in (ONE.space.space_id, SPACE.space_id):
        with pytest.raises(ConflictError) as caught:
            await filled.drop_space(space_id)
        assert "space_live" == caught.value.code
    await filled.drop_space(OTHER.space.space_id)
    for call in (filled.activate, filled.drop_space):
        with pytest.raises(NotFoundError) as unknown:
            await call(OTHER.space.space_id)
        assert "space_not_found" == unknown.value.code
    assert [ONE.card, SpaceCard.raw(SPACE)] == await filled.spaces()
    assert ONE.space == filled.space


async def test_features_of_some_are_those_of_the_model_alone(filled: ClosableStore, place: Place) -> None:
    some = [each.entry.image_id for each in ENTRIES[:3]]
    await filled.activate(ONE.space.space_id)
    kept = await filled.features_of([*some, "unknown"])
    assert {each.entry.image_id: each.features.tolist() for each in ENTRIES[:3]} == {
        image_id: features.tolist() for image_id, features in kept.items()
    }
    assert not await (await place.open(OTHER_SPACE)).features_of(some)


async def test_a_calibration_is_kept_for_its_space_until_another_is_or_the_space_is_dropped(
    filled: ClosableStore, place: Place
) -> None:
    assert await filled.calibration(ONE.space.space_id) is None
    for images in (100, 200):
        for space in (SPACE, ONE.space):
            await filled.keep_calibration(calibrated(space, images))
            assert calibrated(space, images) == await filled.calibration(space.space_id)
    store = await place.open()
    assert calibrated(ONE.space, 200) == await store.calibration(ONE.space.space_id)
    await store.drop_space(ONE.space.space_id)
    assert [None, calibrated(SPACE, 200)] == [await store.calibration(space.space_id) for space in (ONE.space, SPACE)]


def calibrated(space: Space, images: int) -> CalibrationReport:
    calibration = Calibration((0.1, 0.2), (1.0, 2.0), (0.5, 1.5, 2.5), (0.25, 0.75, 1.25), 0.1, 90, 8, 2)
    point = OperatingPoint(0.95, 0.8, 0.5, 0.9)
    reliability = Reliability((Bin(0.5, 0.4, 10),), 0.05, 0.02, 0.9, None, (point,))
    pairs = PairCalibration(0.3, 0.2, 0.1, 2.5, 90, 180)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return CalibrationReport(space.space_id, calibration, reliability, at, images, 20, pairs)


async def test_a_space_as_large_as_the_models_is_kept_whole(place: Place) -> None:
    store = await place.open(LARGE)
    entries = many(random_vectors(12, LARGE.dimensions))
    large = learned("large-learned", 3, LARGE)
    await put_all(store, entries)
    await store.keep_space(large)
    await store.activate(large.space.space_id)
    store = await place.open(LARGE)
    projection = store.space.projection
    assert projection is not None
    assert large.space.projection is not None
    kept, made = projection.arrays(), large.space.projection.arrays()
    assert {name: array.tobytes() for name, array in made.items()} == {
        name: array.tobytes() for name, array in kept.items()
    }
    features = random_vectors(1, LARGE.dimensions, seed=9)[0]
    hits = await found_in(store, store.space, features, 5)
    assert_nearest(hits, in_space(large.space, entries), large.space.query(features), 5)


async def test_searches_and_puts_go_on_while_spaces_are_switched(filled: ClosableStore, home: Home) -> None:
    """Each answer is of one space, whole: its scores are those that this space's vectors have."""
    by_id = {each.entry.image_id: each for each in ENTRIES}
    rounds, puts = (2, 40) if home.kind in CLUSTERS else (8, 200)
    answers = 0

    async def switch() -> None:
        for _ in range(rounds):
            for space in (ONE.space, SPACE, OTHER.space):
                await filled.activate(space.space_id)
                await asyncio.sleep(0.01)

    async def put() -> None:
        for number in range(puts):
            await filled.put([new(f"n{number}", random_vectors(1, seed=number)[0], "new")])
            await asyncio.sleep(0)

    async def search() -> None:
        nonlocal answers
        while not switching.done():
            space = filled.space
            query = Query(space.query(FEATURES[7]), 5, frozenset({"all"}), space_id=space.space_id)
            try:
                hits = await filled.search(query)
            except SpaceChangedError:
                await asyncio.sleep(0)
                continue
            assert_nearest(hits, in_space(space, [by_id[image_id] for image_id in image_ids(hits)]), query.vector, 5)
            assert 5 == len(hits)
            answers += 1

    switching = asyncio.create_task(switch())
    await asyncio.gather(switching, put(), search(), search())
    assert answers >= 10
    await filled.refresh()
    assert {f"n{number}" for number in range(puts)} == {*image_ids(await all_under(filled, "new"))}


async def all_under(store: ClosableStore, label_id: str) -> list[Hit]:
    return await found_in(store, store.space, FEATURES[0], 500, label_id)
