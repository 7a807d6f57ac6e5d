"""When learning begins by itself, and when it does not."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from app.domain.errors import StoreUnavailableError
from app.domain.jobs import Job, JobKind, JobState, Option
from app.domain.records import NewEntry
from app.domain.spaces import FittedOn, LearnedSpace, Space, SpaceCard
from app.flows.growing import Growing, ThenChanged
from app.flows.run import Run
from tests.fakes import FakeStore
from tests.unit.domain.samples import entry
from tests.unit.flows.parts import job
from tests.unit.flows.waits import WAIT_S, until

if TYPE_CHECKING:
    from app.domain.ports import Ledger
    from app.flows.running import Runner

RAW = Space.raw("fingerprint-of-a-model", 4)
NOW = datetime.now(UTC)


@dataclass
class Jobs:
    """A ledger and a runner in one: jobs end at once, but for those that a test lets live."""

    listed: list[Job] = field(default_factory=list)
    busy: bool = False
    away: int = 0
    begun: list[str] = field(default_factory=list)
    looks: int = 0

    async def live(self) -> list[Job]:
        """One while it is busy."""
        self.looks += 1
        if self.away:
            self.away -= 1
            raise StoreUnavailableError("away")
        return [job()] if self.busy else []

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> Sequence[Job]:
        """Newest first."""
        older = [one for one in self.listed if before is None or (one.created_at, one.job_id) < before]
        return sorted(older, key=lambda one: (one.created_at, one.job_id), reverse=True)[:count]

    async def begin(self, kind: JobKind, options: Mapping[str, Option]) -> tuple[Job, bool]:
        """A new one, which is taken."""
        await asyncio.sleep(0)
        new = Job(f"j{len(self.listed)}", kind, JobState.SUCCEEDED, None, datetime.now(UTC), options=options)
        self.listed.append(new)
        self.begun.append(new.job_id)
        return new, True

    @property
    def photos(self) -> list[object]:
        """With how many photos learning began."""
        return [one.options.get("photos") for one in self.listed if one.kind is JobKind.ADAPT]


async def put(store: FakeStore, first: int, last: int) -> None:
    """Photos of two products in turn."""
    features = np.array([1, 0, 0, 0], np.float16)
    await store.put([
        NewEntry(entry(f"i{number:04}", product_id=f"p{number % 2}"), features) for number in range(first, last)
    ])  # fmt: skip


@dataclass
class Shop:
    """A gallery, its jobs, and what looks at it."""

    store: FakeStore = field(default_factory=lambda: FakeStore(RAW))
    jobs: Jobs = field(default_factory=Jobs)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """While this process is the indexer."""
        parts = cast("Ledger", self.jobs), self.store, cast("Runner", self.jobs)
        growing = Growing(*parts, self.changed, calm_s=0.001, pause_s=0.001)
        growing.open()
        try:
            yield
        finally:
            await asyncio.wait_for(growing.close(), WAIT_S)

    async def looked(self) -> None:
        """Once there was a whole look at everything that has changed: the next one has begun."""
        for _ in range(2):
            before = self.jobs.looks
            self.changed.set()
            await until(lambda before=before: self.jobs.looks > before)  # type: ignore[misc]


async def test_learning_begins_by_itself_and_again_when_there_is_a_tenth_more() -> None:
    shop = Shop()
    await put(shop.store, 0, 40)
    async with shop.followed():
        await until(lambda: [40] == shop.jobs.photos)
        assert ["j0"] == shop.jobs.begun
        for last, expected in ((43, [40]), (44, [40, 44]), (48, [40, 44]), (49, [40, 44, 49])):
            await put(shop.store, 0, last)
            await shop.looked()
            assert expected == shop.jobs.photos


async def test_with_nothing_to_learn_from_it_stays_silent() -> None:
    shop = Shop()
    await put(shop.store, 0, 3)
    async with shop.followed():
        await shop.looked()
        await shop.looked()
    assert [] == shop.jobs.listed


async def test_nothing_is_looked_at_unless_something_has_changed() -> None:
    shop = Shop()
    async with shop.followed():
        await shop.looked()
        looks = shop.jobs.looks
        await asyncio.sleep(0.05)
        assert looks == shop.jobs.looks


async def test_it_waits_until_no_job_is_live_and_the_store_is_back() -> None:
    shop = Shop(jobs=Jobs(busy=True, away=2))
    await put(shop.store, 0, 40)
    async with shop.followed():
        await until(lambda: 6 < shop.jobs.looks)
        assert [] == shop.jobs.listed
        shop.jobs.busy = False
        await until(lambda: [40] == shop.jobs.photos)


async def test_who_takes_over_does_not_try_again_what_was_tried() -> None:
    """Also behind other jobs; what another model's gallery was tried with does not count."""
    shop = Shop()
    await put(shop.store, 0, 40)
    async with shop.followed():
        await until(lambda: [40] == shop.jobs.photos)
    shop.jobs.listed += [replace(job(job_id=f"later-{n}"), created_at=NOW + timedelta(days=1)) for n in range(250)]
    async with shop.followed():
        await shop.looked()
        assert [40] == shop.jobs.photos
    shop.store = FakeStore(Space.raw("another-model", 4))
    await put(shop.store, 0, 40)
    async with shop.followed():
        await until(lambda: [40, 40] == shop.jobs.photos)


@pytest.mark.parametrize(("images", "expected"), [(37, [None]), (36, [None, 40])])
async def test_a_space_that_a_caller_learned_counts_as_well(images: int, expected: list[int | None]) -> None:
    shop = Shop()
    await put(shop.store, 0, 40)
    card = SpaceCard("learned", RAW.fingerprint, "learned", 4, NOW, FittedOn(images, 2), {}, {})
    await shop.store.keep_space(LearnedSpace(replace(RAW, space_id="learned"), card))
    await shop.jobs.begin(JobKind.ADAPT, {"force": True})
    async with shop.followed():
        await shop.looked()
        assert expected == shop.jobs.photos


async def test_the_later_of_a_fit_and_a_try_counts() -> None:
    """A try with many photos, a fit with fewer after it: they were taken out meanwhile."""
    shop = Shop()
    await put(shop.store, 0, 40)
    tried: dict[str, Option] = {"force": False, "photos": 1000, "model": RAW.fingerprint[:12]}
    before = Job("old", JobKind.ADAPT, JobState.SUCCEEDED, None, NOW - timedelta(days=1), options=tried)
    shop.jobs.listed.append(before)
    async with shop.followed():
        await shop.looked()
        assert [1000] == shop.jobs.photos
        card = SpaceCard("learned", RAW.fingerprint, "learned", 4, NOW, FittedOn(20, 2), {}, {})
        await shop.store.keep_space(LearnedSpace(replace(RAW, space_id="learned"), card))
        shop.changed.set()
        await until(lambda: [1000, 40] == shop.jobs.photos)


async def test_work_tells_that_the_gallery_may_have_changed_even_if_it_fails() -> None:
    @dataclass
    class Failing:
        """Work that is cut short."""

        async def work(self, run: Run) -> None:
            """Not to its end."""
            raise StoreUnavailableError(run.job.job_id)

    changed = asyncio.Event()
    with pytest.raises(StoreUnavailableError):
        await ThenChanged(Failing(), changed).work(Run(job()))
    assert changed.is_set()
