from typing import cast

import numpy as np
import pytest

from app.domain.answering.deciding import Thresholds
from app.domain.imaging import Box, Limits, Recipe
from app.domain.ports import Catalogue  # noqa: TC001 - mypy is told by it what the fake stands for
from app.domain.spaces import Space
from app.flows.answering import Answering
from app.flows.searching import Found, Search, Searching
from tests.fakes import FakeStore
from tests.unit.flows.looking import BLUE, GREEN, RED, FakeEmbedder, coloured, photo, querying_of
from tests.unit.flows.parts import FakeCatalogue

SPACE = Space("raw", "fingerprint", 3)


def searching_in(store: FakeStore, embedder: FakeEmbedder | None = None) -> Searching:
    answering = Answering(store, Thresholds(), prior_unknown=0.1)
    querying = querying_of(store, embedder=embedder)
    return Searching(querying, answering, store, cast("Catalogue", FakeCatalogue([])))


async def shop() -> FakeStore:
    """A green and a blue photo, each under a label of its own."""
    store = FakeStore(SPACE)
    await store.put(
        [coloured("green", 0, 1, 0, label_ids=("greens",)), coloured("blue", 0, 0, 1, label_ids=("blues",))]
    )
    return store


async def crops_of(search: Search) -> Found:
    return await searching_in(await shop()).search(search)


def middle(box: Box) -> float:
    return (box.x_min + box.x_max) / 2


async def test_the_part_that_looks_like_an_indexed_photo_is_suggested() -> None:
    """Red at the left of what is seen, where nothing indexed is red, and green at the right."""
    found = await crops_of(Search(photo=photo(RED, GREEN), suggest_crops=True))
    best = found.suggested_crops[0]
    assert pytest.approx(1.0, abs=1e-2) == best.score
    assert 0.5 < middle(best.box)
    assert () == found.warnings


async def test_only_photos_that_the_search_is_among_count() -> None:
    search = Search(photo=photo(BLUE, GREEN), suggest_crops=True, label_ids=frozenset({"blues"}))
    assert middle((await crops_of(search)).suggested_crops[0].box) < 0.5


async def test_every_photo_of_a_product_counts_however_results_are_grouped() -> None:
    """The product's nearest photo is as the whole query; the other one is as its right half."""
    store = FakeStore(SPACE)
    await store.put([coloured("both", 1, 1, 0, product_id="p"), coloured("green", 0, 1, 0, product_id="p")])
    found = await searching_in(store).search(Search(photo=photo(RED, GREEN), suggest_crops=True, k=1))
    greens = [one for one in found.suggested_crops if middle(one.box) > 0.6]
    assert ["both"] == [result.hits[0].entry.image_id for result in found.results]
    assert [pytest.approx(1.0, abs=1e-2)] == [one.score for one in greens[:1]]


async def test_a_crop_of_a_crop_lies_in_it_and_is_told_in_shares_of_the_whole() -> None:
    """With two views the map goes to the very edge of what is looked at."""
    embedder = FakeEmbedder(recipe=Recipe(views=2, colour=False, limits=Limits()))
    search = Search(photo=photo(RED, GREEN), crop=Box(0.5, 0.0, 1.0, 1.0), suggest_crops=True)
    found = await searching_in(await shop(), embedder).search(search)
    boxes = [one.box for one in found.suggested_crops]
    assert (3, 0.5) == (len(boxes), min(box.x_min for box in boxes))
    assert all(box.x_min < box.x_max <= 1.0 for box in boxes)


async def test_no_crop_is_suggested_that_a_search_would_refuse() -> None:
    """Two of seven cells of 40 pixels are less than the 16 that a crop needs; three are enough."""
    small = Box(0.0, 0.0, 40 / 64, 40 / 64)
    found = await crops_of(Search(photo=photo(GREEN), crop=small, suggest_crops=True))
    assert all(64 * (one.box.x_max - one.box.x_min) >= 16 for one in found.suggested_crops)
    tiny = Box(0.0, 0.0, 0.25, 0.25)
    assert [] == (await crops_of(Search(photo=photo(GREEN), crop=tiny, suggest_crops=True))).suggested_crops


async def test_where_nothing_is_indexed_no_crop_is_suggested() -> None:
    found = await searching_in(FakeStore(SPACE)).search(Search(photo=photo(RED), suggest_crops=True))
    assert () == found.suggested_crops


async def test_crops_are_not_looked_for_unless_they_are_asked_for() -> None:
    embedder = FakeEmbedder()
    found = await searching_in(await shop(), embedder).search(Search(photo=photo(RED, GREEN)))
    assert ((), 0) == (found.suggested_crops, embedder.mapped)


async def test_why_and_crops_look_once_for_both() -> None:
    embedder = FakeEmbedder()
    search = Search(photo=photo(RED, GREEN), why=True, suggest_crops=True)
    found = await searching_in(await shop(), embedder).search(search)
    assert (2, 3, 1) == (len(found.whys), len(found.suggested_crops), embedder.mapped)


async def test_an_indexed_image_has_no_crops_and_a_warning_says_so() -> None:
    found = await crops_of(Search(image_id="green", suggest_crops=True))
    assert () == found.suggested_crops
    assert ["suggest_crops" in warning for warning in found.warnings] == [True]
    both = await crops_of(Search(image_id="green", suggest_crops=True, why=True))
    assert [True, False] == ["suggest_crops" in warning for warning in both.warnings]


async def test_what_was_deleted_since_it_was_found_does_not_count() -> None:
    class Forgetful(FakeStore):
        """Finds what it has lost."""

        async def features_of(self, image_ids: object) -> dict[str, np.ndarray]:
            """None of any."""
            del image_ids
            return {}

    store = Forgetful(SPACE)
    await store.put([coloured("green", 0, 1, 0)])
    found = await searching_in(store).search(Search(photo=photo(GREEN), suggest_crops=True))
    assert (1, ()) == (len(found.results), found.suggested_crops)
