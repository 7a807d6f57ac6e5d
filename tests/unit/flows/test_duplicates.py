import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import pytest

from app.domain.duplicates import Likeness
from app.domain.errors import BusyError, NotFoundError
from app.domain.ports import Catalogue, Ledger, Media  # noqa: TC001 - mypy is told by it what the fakes stand for
from app.domain.records import Entry, Hit, NewEntry, Query
from app.domain.spaces import Space
from app.flows.browsing import Browsing
from app.flows.duplicates import MOST_LOOKED_AT, MOST_SHOWN, Duplicates, RepeatedPage
from tests.fakes import FakeStore, Shelf
from tests.unit.flows.looking import coloured
from tests.unit.flows.parts import FakeMedia

SPACE = Space("raw", "fingerprint", 3)
HASHES = [bytes([*[0] * 7, value]) for value in (0, 1)]
FAR = bytes([255] * 8)


class Counted(FakeStore):
    """Counts searches, and how many are under way at once."""

    searched = 0
    inside = 0
    most_inside = 0

    async def search(self, query: Query) -> list[Hit]:
        """As ever."""
        self.searched += 1
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            return await super().search(query)
        finally:
            self.inside -= 1


class NoLabels:
    """A catalogue without anything."""

    async def label(self, label_id: str) -> None:
        """None."""

    async def labels(self) -> Sequence[object]:
        """None."""
        return ()


def of(store: FakeStore, at_once: int = 2) -> Duplicates:
    nothing = cast("Catalogue", NoLabels())
    browsing = Browsing(nothing, store, cast("Media", FakeMedia()), cast("Ledger", None))
    return Duplicates(browsing, store, at_once=at_once)


def under(new: NewEntry, *label_ids: str) -> NewEntry:
    return replace(new, entry=replace(new.entry, label_ids=label_ids))


def found(page: RepeatedPage) -> dict[str, list[tuple[str, Likeness]]]:
    return {
        item.entry.image_id: [(each.entry.image_id, each.likeness) for each in item.duplicates] for item in page.items
    }


async def filled(store: FakeStore) -> FakeStore:
    """Under `cups` a file that is there twice, its like under `plates`, one alike in colour alone, one in the hash."""
    await store.put(
        [
            under(coloured("a", 1, 0, 0, sha256="00", perceptual_hash=HASHES[0], product_id="p1"), "cups"),
            under(coloured("b", 1, 0, 0, sha256="00", perceptual_hash=HASHES[0], product_id="p1"), "cups"),
            under(coloured("c", 1, 0.1, 0, perceptual_hash=HASHES[1], product_id="p2"), "plates"),
            under(coloured("d", 1, 0, 0, perceptual_hash=FAR), "cups"),
            under(coloured("e", 0, 1, 0, perceptual_hash=HASHES[0]), "cups"),
        ]
    )
    return store


async def test_a_labels_images_are_listed_with_the_same_photos_under_any_label() -> None:
    page = await of(await filled(FakeStore(SPACE))).page("cups", "", 50)
    near = ("c", Likeness.NEAR_IDENTICAL)
    expected = {"a": [("b", Likeness.SAME_BYTES), near], "b": [("a", Likeness.SAME_BYTES), near]}
    assert expected == found(page)
    assert page.looked_up_to is None


async def test_what_is_filed_in_two_ways_is_noise() -> None:
    page = await of(await filled(FakeStore(SPACE))).page("plates", "", 50)
    ((first, second),) = [item.duplicates for item in page.items]
    assert ("a", True, True) == (first.entry.image_id, first.across_products, first.across_labels)
    assert pytest.approx(0.995, abs=1e-3) == first.cosine
    assert ("b", 1) == (second.entry.image_id, second.hash_distance)


async def test_pages_follow_each_other_by_image_id() -> None:
    duplicates = of(await filled(FakeStore(SPACE)))
    first = await duplicates.page("cups", "", 1)
    assert (["a"], "a") == (list(found(first)), first.looked_up_to)
    second = await duplicates.page("cups", "a", 1)
    assert (["b"], "b") == (list(found(second)), second.looked_up_to)
    last = await duplicates.page("cups", "b", 1)
    assert ([], None) == (list(found(last)), last.looked_up_to)


async def test_thresholds_are_of_features_whatever_a_search_scores() -> None:
    class Learned(FakeStore):
        """Scores as another space does."""

        async def search(self, query: Query) -> list[Hit]:
            """Each hit, a half as near."""
            return [replace(hit, score=hit.score / 2) for hit in await super().search(query)]

    page = await of(await filled(Learned(SPACE))).page("plates", "", 50)
    assert ["a", "b"] == [each.entry.image_id for each in page.items[0].duplicates]


async def test_images_of_another_model_are_passed_over() -> None:
    shelf = Shelf()
    await filled(FakeStore(Space("old", "another", 3), shelf))
    store = Counted(SPACE, shelf)
    page = await of(store).page("cups", "", 50)
    assert ({}, None, 0) == (found(page), page.looked_up_to, store.searched)


async def test_an_image_that_goes_meanwhile_is_passed_over() -> None:
    class Losing(FakeStore):
        """Lists an entry that it has lost."""

        async def entries(self, image_ids: Sequence[str]) -> Mapping[str, Entry]:
            """All but one."""
            return await super().entries([image_id for image_id in image_ids if image_id != "a"])

    assert ["b"] == list(found(await of(await filled(Losing(SPACE))).page("cups", "", 50)))


async def test_an_unknown_label_is_told() -> None:
    with pytest.raises(NotFoundError):
        await of(FakeStore(SPACE)).page("cups", "", 50)


async def test_a_page_looks_at_so_many_images_and_no_more() -> None:
    store = Counted(SPACE)
    many = [coloured(f"{number:04}", number + 1, 300, 300 - number, perceptual_hash=FAR) for number in range(210)]
    await store.put([*many, coloured("0209-copy", 210, 300, 91, perceptual_hash=FAR)])
    duplicates = of(store)
    first = await duplicates.page("shoes", "", 200)
    assert MOST_LOOKED_AT == store.searched
    assert f"{MOST_LOOKED_AT - 1:04}" == first.looked_up_to
    second = await duplicates.page("shoes", first.looked_up_to, 200)
    assert (MOST_LOOKED_AT + 11, None) == (store.searched, second.looked_up_to)
    assert "0209-copy" in found(second)


async def test_of_many_copies_the_nearest_are_shown() -> None:
    store = FakeStore(SPACE)
    await store.put([coloured(f"{number:03}", 1, 0, 0, sha256="00") for number in range(MOST_SHOWN + 5)])
    page = await of(store).page("shoes", "", 1)
    assert [f"{number:03}" for number in range(1, MOST_SHOWN + 1)] == [one for one, _ in found(page)["000"]]


@pytest.mark.parametrize("at_once", [1, 3])
async def test_all_pages_together_search_no_more_than_so_many_at_once(at_once: int) -> None:
    store = Counted(SPACE)
    await filled(store)
    duplicates = of(store, at_once)
    await asyncio.gather(*(duplicates.page("cups", "", 50) for _ in range(4)))
    assert at_once == store.most_inside


async def test_a_page_too_many_is_refused_and_one_after_them_is_not() -> None:
    duplicates = of(await filled(FakeStore(SPACE)))
    pages = await asyncio.gather(*(duplicates.page("cups", "", 50) for _ in range(9)), return_exceptions=True)
    assert 1 == sum(isinstance(page, BusyError) for page in pages)
    assert {"a", "b"} == set(found(await duplicates.page("cups", "", 50)))
