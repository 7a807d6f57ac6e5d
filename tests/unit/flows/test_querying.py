import numpy as np
import pytest

from app.domain.errors import BusyError, ImageRejectedError, InvalidRequestError, ModelMismatchError, NotFoundError
from app.domain.imaging import Box
from app.domain.spaces import Space
from app.flows.querying import Source
from tests.fakes import FakeStore, Shelf
from tests.unit.flows.looking import (
    BLUE,
    GREEN,
    RED,
    FakeEmbedder,
    FakeWorkers,
    coloured,
    photo,
    querying_of,
    vector,
)
from tests.unit.flows.parts import FakeDownloads

SPACE = Space("raw", "fingerprint", 3)
OTHER = Space("old", "another", 3)


async def test_one_photo_is_its_own_vector() -> None:
    looked = await querying_of(FakeStore(SPACE)).look_at(Source((photo(RED, GREEN),)))
    assert pytest.approx(vector(1, 1, 0).tolist(), abs=1e-3) == looked.vector.tolist()
    assert (128, 64, None) == (looked.width, looked.height, looked.seen)


async def test_several_photos_are_the_mean_of_their_directions_in_one_hop_and_of_the_size_of_the_first() -> None:
    workers = FakeWorkers()
    photos = (photo(RED, height=100), photo(RED), photo((0, 9, 0)))
    looked = await querying_of(FakeStore(SPACE), workers=workers).look_at(Source(photos))
    # However dark the green photo is, it counts as much as each of the others.
    assert pytest.approx(vector(2, 1, 0).tolist(), abs=1e-3) == looked.vector.tolist()
    assert (64, 100, 1) == (looked.width, looked.height, workers.calls)


async def test_a_crop_is_cut_from_each_photo() -> None:
    photos = (photo(RED, GREEN), photo(RED, BLUE))
    looked = await querying_of(FakeStore(SPACE)).look_at(Source(photos), Box(0.5, 0, 1, 1))
    assert pytest.approx(vector(0, 1, 1).tolist(), abs=1e-3) == looked.vector.tolist()


async def test_one_bad_photo_of_several_is_told() -> None:
    with pytest.raises(ImageRejectedError):
        await querying_of(FakeStore(SPACE)).look_at(Source((photo(RED), b"no photo")))


async def test_a_photo_on_the_web_is_fetched() -> None:
    downloads = FakeDownloads({"http://a/": photo(BLUE)})
    looked = await querying_of(FakeStore(SPACE), downloads=downloads).look_at(Source(image_url="http://a/"))
    assert [0, 0, 1] == looked.vector.tolist()


async def test_a_map_is_made_of_the_first_photo_and_only_when_it_is_asked_for() -> None:
    embedder = FakeEmbedder()
    querying = querying_of(FakeStore(SPACE), embedder=embedder)
    source = Source((photo(RED, GREEN, GREEN, BLUE), photo(BLUE)))
    assert (await querying.look_at(source)).seen is None
    assert 0 == embedder.mapped
    seen = (await querying.look_at(source, Box(0, 0, 0.5, 1), mapped=True)).seen
    assert seen
    assert 1 == embedder.mapped
    assert Box(0.140625, 0.0625, 0.359375, 0.9375) == seen.box
    assert (RED, GREEN) == tuple(tuple(np.round(seen.cells[3, column]).astype(int).tolist()) for column in (0, 6))


async def test_no_worker_that_is_free_is_told() -> None:
    with pytest.raises(BusyError):
        await querying_of(FakeStore(SPACE), workers=FakeWorkers(busy_after=0)).look_at(Source((photo(RED),)))


async def test_an_indexed_image_is_its_kept_vector_and_its_size() -> None:
    store = FakeStore(SPACE)
    await store.put([coloured("a", 1, 2, 2)])
    looked = await querying_of(store).look_at(Source(image_id="a"), mapped=True)
    assert pytest.approx(vector(1, 2, 2).tolist(), abs=1e-3) == looked.vector.tolist()
    assert (640, 480, None) == (looked.width, looked.height, looked.seen)


async def test_of_an_indexed_image_nothing_is_cropped() -> None:
    with pytest.raises(InvalidRequestError, match="crop"):
        await querying_of(FakeStore(SPACE)).look_at(Source(image_id="a"), Box(0, 0, 1, 1))


async def test_images_that_are_unknown_or_of_another_model_are_told() -> None:
    shelf = Shelf()
    await FakeStore(OTHER, shelf).put([coloured("old", 1, 0, 0)])
    store = FakeStore(SPACE, shelf)
    await store.put([coloured("new", 1, 0, 0)])
    querying = querying_of(store)
    with pytest.raises(NotFoundError, match="none"):
        await querying.look_at(Source(image_id="none"))
    with pytest.raises(NotFoundError, match="none"):
        await querying.vectors(["new", "none"])
    with pytest.raises(ModelMismatchError, match="POST /index/shoes"):
        await querying.vectors(["new", "old"])


async def test_vectors_come_in_the_order_asked_for_and_none_for_none() -> None:
    store = FakeStore(SPACE)
    await store.put([coloured("a", 1, 0, 0), coloured("b", 0, 1, 0)])
    querying = querying_of(store)
    assert [[0, 1, 0], [1, 0, 0]] == (await querying.vectors(["b", "a"])).tolist()
    expected = (0, 3)
    assert expected == (await querying.vectors([])).shape
