from typing import cast

import numpy as np
import pytest

from app.domain.answering.deciding import Thresholds
from app.domain.errors import NotFoundError
from app.domain.ports import Catalogue  # noqa: TC001 - mypy is told by it what the fake stands for
from app.domain.records import StoredFeatures
from app.domain.spaces import Space
from app.flows.answering import Answering
from app.flows.searching import Found, Search, Searching
from tests.fakes import FakeStore
from tests.unit.flows.looking import BLUE, GREEN, RED, coloured, photo, querying_of
from tests.unit.flows.parts import FakeCatalogue

SPACE = Space("raw", "fingerprint", 3)


async def searching_of(store: FakeStore) -> Searching:
    """Over five photos: three that are mostly red, with more and more green or blue, a green and a blue one."""
    await store.put(
        [
            coloured("red", 1, 0.1, 0.1),
            coloured("red-green", 1, 0.5, 0.1),
            coloured("red-blue", 1, 0.1, 0.6),
            coloured("green", 0, 1, 0),
            coloured("blue", 0, 0, 1),
        ]
    )
    answering = Answering(store, Thresholds(), prior_unknown=0.1)
    return Searching(querying_of(store), answering, store, cast("Catalogue", FakeCatalogue([])))


def ids(found: Found) -> list[str]:
    return [result.hits[0].entry.image_id for result in found.results]


async def test_several_views_are_searched_with_as_one() -> None:
    searching = await searching_of(FakeStore(SPACE))
    one = await searching.search(Search(photo=photo(RED), k=2))
    both = await searching.search(Search(photo=photo(RED), other_views=(photo(BLUE),), k=2))
    assert (["red", "red-green"], "red-blue") == (ids(one), ids(both)[0])


async def test_examples_draw_and_push_what_is_found_and_are_found_as_before() -> None:
    searching = await searching_of(FakeStore(SPACE))
    drawn = await searching.search(Search(photo=photo(RED), positive_image_ids=("blue",)))
    pushed = await searching.search(Search(photo=photo(RED), negative_image_ids=("red-green",)))
    assert ["red-blue", "red", "red-green", "blue", "green"] == ids(drawn)
    assert ["red", "red-blue"] == ids(pushed)[:2]
    assert 5 == len(pushed.results)


async def test_an_example_that_is_not_indexed_is_told() -> None:
    searching = await searching_of(FakeStore(SPACE))
    with pytest.raises(NotFoundError, match="none"):
        await searching.search(Search(photo=photo(RED), negative_image_ids=("none",)))


async def test_the_first_three_results_are_told_why_when_it_is_asked_for() -> None:
    searching = await searching_of(FakeStore(SPACE))
    found = await searching.search(Search(photo=photo(RED, GREEN), why=True))
    assert ids(found)[:3] == [why.image_id for why in found.whys]
    assert () == found.warnings
    green = await searching.search(Search(photo=photo(RED, GREEN), positive_image_ids=("green",), k=5, why=True))
    why = next(why for why in green.whys if why.image_id == "green")
    assert why.regions is not None
    # The centre of the photo: red at the left, green at the right, and the edge in the middle of a cell.
    assert pytest.approx(np.array([0, 0, 0, 0.71, 1, 1, 1]), abs=0.02) == why.regions[3]


async def test_why_is_not_told_unless_it_is_asked_for() -> None:
    searching = await searching_of(FakeStore(SPACE))
    assert () == (await searching.search(Search(photo=photo(RED)))).whys


async def test_an_indexed_image_has_no_map_and_a_warning_says_so() -> None:
    searching = await searching_of(FakeStore(SPACE))
    found = await searching.search(Search(image_id="red", k=1, why=True))
    assert [("red", None, None)] == [(why.image_id, why.regions, why.box) for why in found.whys]
    assert ["no map" in warning for warning in found.warnings] == [True]


async def test_a_photo_that_is_gone_since_it_was_found_has_no_map() -> None:
    class Forgetful(FakeStore):
        """Finds what it has lost."""

        async def features(self, image_id: str) -> StoredFeatures | None:
            """None of any."""
            del image_id
            return None

    searching = await searching_of(Forgetful(SPACE))
    found = await searching.search(Search(photo=photo(RED), k=1, why=True))
    assert [("red", None)] == [(why.image_id, why.regions) for why in found.whys]
