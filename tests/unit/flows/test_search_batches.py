import asyncio
from dataclasses import dataclass, field
from typing import cast

import pytest

from app.domain.errors import BusyError, InvalidRequestError, LookalikeError, NotFoundError
from app.domain.ports import Downloads  # noqa: TC001 - mypy is told by it what the fake stands for
from app.domain.spaces import Space
from app.flows.answering import Answer
from app.flows.search_batches import SearchBatches
from app.flows.searching import Found, Search, Searching, Timing
from tests.unit.flows.parts import FakeDownloads


@dataclass
class FakeSearching:
    """Finds nothing in a photo, and says in what order it was asked; an image that is `gone` is not found."""

    asked: list[str] = field(default_factory=list)
    inside: int = 0
    most_inside: int = 0

    async def search(self, search: Search) -> Found:
        """Nothing, after a while."""
        name = (search.photo or b"").decode() or search.image_id or ""
        self.asked.append(name)
        self.inside += 1
        self.most_inside = max(self.inside, self.most_inside)
        await asyncio.sleep(0)
        self.inside -= 1
        if name == "gone":
            raise NotFoundError("image_not_found", name)
        return Found(len(name), 1, None, Space.raw("one", 8), Answer(), [], Timing())


def batches_of(searching: FakeSearching, downloads: FakeDownloads | None = None, at_once: int = 1) -> SearchBatches:
    web = cast("Downloads", downloads or FakeDownloads())
    return SearchBatches(cast("Searching", searching), web, at_once=at_once)


def told(outcomes: list[Found | LookalikeError]) -> list[int | str]:
    return [one.width if isinstance(one, Found) else one.code for one in outcomes]


async def test_each_search_has_its_outcome_in_order() -> None:
    searches = [Search(image_id="ab"), Search(image_id="gone"), Search(photo=b"abcd"), *[Search(photo=b"x")] * 20]
    outcomes = await batches_of(FakeSearching(), at_once=3).search(searches)
    assert [2, "image_not_found", 4, *[1] * 20] == told(outcomes)


async def test_no_search_has_no_outcome() -> None:
    assert not await batches_of(FakeSearching()).search([])


@pytest.mark.parametrize("at_once", [1, 3])
async def test_all_batches_together_search_no_more_than_so_many_at_once(at_once: int) -> None:
    searching = FakeSearching()
    batches = batches_of(searching, at_once=at_once)
    await asyncio.gather(*(batches.search([Search(photo=b"a")] * 32) for _ in range(4)))
    assert (at_once, 128) == (searching.most_inside, len(searching.asked))


async def test_batches_take_turns() -> None:
    searching = FakeSearching()
    batches = batches_of(searching)
    await asyncio.gather(batches.search([Search(photo=b"a")] * 32), batches.search([Search(photo=b"b")] * 32))
    # The first batch's eight lanes were there first; from then on both go on side by side.
    assert 8 == max(len(run) for run in "".join(searching.asked[:48]).replace("ab", "a b").replace("ba", "b a").split())
    assert {"a", "b"} == {*searching.asked[:16]}


async def test_a_photo_on_the_web_is_fetched_without_holding_a_place() -> None:
    arrived = asyncio.Event()

    @dataclass
    class SlowDownloads(FakeDownloads):
        """Waits for the event before it serves anything."""

        async def query_photo(self, url: str) -> bytes:
            """The address itself."""
            await arrived.wait()
            if url == "http://blocked/":
                raise InvalidRequestError("url_not_fetchable", url)
            return url.encode()

    searching = FakeSearching()
    batches = batches_of(searching, SlowDownloads())
    slow = asyncio.create_task(
        batches.search([Search(image_url="http://one/"), Search(image_url="http://blocked/"), Search(photo=b"ab")])
    )
    assert [1] == told(await batches.search([Search(photo=b"x")]))
    arrived.set()
    assert [len("http://one/"), "url_not_fetchable", 2] == told(await slow)
    assert "http://one/" == searching.asked[-1]


async def test_a_batch_too_many_is_refused_and_one_after_them_is_not() -> None:
    batches = batches_of(FakeSearching())
    search = [Search(photo=b"a")]
    outcomes = await asyncio.gather(*(batches.search(search) for _ in range(9)), return_exceptions=True)
    assert 1 == sum(isinstance(one, BusyError) for one in outcomes)
    assert [1] == told(await batches.search(search))


async def test_a_bug_is_no_outcome_and_leaves_room_for_the_next() -> None:
    class Broken(FakeSearching):
        """Fails as code does."""

        async def search(self, search: Search) -> Found:
            """Never."""
            raise ZeroDivisionError(search.k)

    broken = batches_of(Broken())
    for _ in range(9):
        with pytest.raises(ExceptionGroup):
            await broken.search([Search(photo=b"a")])
