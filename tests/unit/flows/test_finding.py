"""Products by all of their photos, in one space each time."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from app.domain.errors import SpaceChangedError
from app.domain.features import Vector, unit
from app.domain.records import Hit, NewEntry, ProductPhotos, Query
from app.flows.finding import Finding, Wanted
from tests.contract.spaces import learned
from tests.contract.stores import SPACE
from tests.fakes import FakeStore
from tests.unit.domain.samples import entry

NORTH = np.eye(8, dtype=np.float32)[0]


def leaning(cosine: float, towards: int) -> Vector:
    """A unit vector with this cosine to NORTH."""
    vector = np.zeros(8, np.float32)
    vector[[0, towards]] = cosine, (1 - cosine**2) ** 0.5
    return vector


async def store_with(products: Mapping[str, Sequence[Vector]]) -> FakeStore:
    store = FakeStore(SPACE)
    photos = [
        NewEntry(entry(f"{product_id}{number}", product_id=product_id), vector.astype(np.float16))
        for product_id, vectors in products.items()
        for number, vector in enumerate(vectors)
    ]
    await store.put(photos)
    return store


def wanted(k: int = 3, left_out: str | None = None) -> Wanted:
    return Wanted(k, "product", left_out=left_out)


async def test_a_product_that_is_near_as_a_whole_comes_before_one_with_a_single_nearer_photo() -> None:
    store = await store_with({
        "lucky": [leaning(0.9, 1), leaning(0.1, 2), leaning(0.1, 3), leaning(0.1, 4)],
        "steady": [leaning(0.8, 5), leaning(0.8, 6), leaning(0.8, 7)],
    })  # fmt: skip
    nearest = await Finding(store).find(NORTH, wanted())
    assert ["steady", "lucky"] == [product.product_id for product in nearest.results]
    middle = unit(np.mean([leaning(0.8, towards) for towards in (5, 6, 7)], axis=0))
    expected = 0.5 * 0.8 + 0.5 * float(middle @ NORTH)
    assert expected == pytest.approx(nearest.results[0].score, abs=1e-3)


async def test_more_photos_are_fetched_until_there_are_as_many_products_as_asked_for() -> None:
    crowd = [leaning(0.99 - number / 10_000, 1 + number % 7) for number in range(200)]
    store = await store_with({"crowd": crowd, "far": [leaning(0.1, 2)], "farther": [leaning(0.05, 3)]})
    nearest = await Finding(store).find(NORTH, wanted())
    assert ["crowd", "far", "farther"] == [product.product_id for product in nearest.results]


async def test_an_image_that_is_left_out_does_not_count_for_its_product() -> None:
    store = await store_with({"own": [NORTH, leaning(0.2, 1)], "other": [leaning(0.5, 2)]})
    nearest = await Finding(store).find(NORTH, wanted(left_out="own0"))
    assert ["other", "own"] == [product.product_id for product in nearest.results]
    assert [0.5, 0.2] == pytest.approx([product.score for product in nearest.results], abs=1e-3)


class Switching(FakeStore):
    """Another space becomes live between a search and the look at its products' photos."""

    switches = 1

    async def photos_of(self, product_ids: Sequence[str], space_id: str) -> Mapping[str, ProductPhotos]:
        """The switch comes first."""
        if self.switches:
            self.switches -= 1
            other = learned("another", 1)
            await self.keep_space(other)
            await self.activate("another")
        return await super().photos_of(product_ids, space_id)


async def test_an_answer_begins_anew_in_the_space_that_became_live() -> None:
    store = Switching(SPACE)
    await store.put([NewEntry(entry("a", product_id="a"), leaning(0.5, 1).astype(np.float16))])
    nearest = await Finding(store).find(NORTH, wanted())
    space = learned("another", 1).space
    expected = float(space.vectors(leaning(0.5, 1).astype(np.float16)[np.newaxis])[0] @ space.query(NORTH))
    assert space == nearest.space
    assert [expected] == [pytest.approx(product.score, abs=2e-3) for product in nearest.results]


class Restless(FakeStore):
    """Always live elsewhere."""

    async def search(self, query: Query) -> list[Hit]:
        """Too late again."""
        raise SpaceChangedError(query.space_id or "")


async def test_a_store_that_never_comes_to_rest_is_given_up() -> None:
    with pytest.raises(SpaceChangedError):
        await Finding(Restless(SPACE)).find(NORTH, wanted())
